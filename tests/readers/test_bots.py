"""Bots are recognised by a published list, and browsers are not taken for bots."""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from readers.bots import is_bot

BROWSERS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10",
    # The name of this phone contains “bot”.
    "Mozilla/5.0 (Linux; Android 10; CUBOT X19) AppleWebKit/537.36 Chrome/90.0 Mobile Safari/537.36",
    "Lynx/2.8.9rel.1 libwww-FM/2.14",
    "w3m/0.5.3",
]


def listed() -> list[dict[str, Any]]:
    spec = find_spec("crawleruseragents")
    assert spec
    assert spec.origin
    bots: list[dict[str, Any]] = json.loads(Path(spec.origin).with_name("crawler-user-agents.json").read_text())
    return bots


@pytest.mark.parametrize("agent", BROWSERS)
def test_browsers_are_not_bots(agent: str) -> None:
    assert not is_bot(agent)


@pytest.mark.parametrize("agent", ["", "curl/8.5.0", "python-requests/2.31", "Mozilla/5.0 (compatible; GPTBot/1.1)"])
def test_programs_that_identify_themselves_are_bots(agent: str) -> None:
    assert is_bot(agent)


def test_all_examples_of_the_list_are_classified_as_by_its_patterns() -> None:
    bots = listed()
    patterns = [re.compile(bot["pattern"]) for bot in bots]
    examples = {example for bot in bots for example in bot.get("instances", [])}
    assert len(examples) > 1_000
    wrong = [each for each in examples if is_bot(each) != any(pattern.search(each) for pattern in patterns)]
    assert wrong == []
