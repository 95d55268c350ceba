"""Generates comments that are labelled as spam or not, for evaluating the filter. The output is always the same.

They are meant to be hard: spam praises the post and picks up its subject, and readers also praise, link and mention
money. The wording of spam changes over time, and a fifth of each kind uses the wording of the other.

    python benchmarks/labelled_comments.py 2000 | python manage.py evaluate_filter --file -
"""

import json
import random
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LISTS: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_SLOT = re.compile(r"\{(?:([a-z]+)|0-9)\}")


def _fill(pattern: str, rng: random.Random) -> str:
    def slot(match: re.Match[str]) -> str:
        return _fill(rng.choice(LISTS[match[1]]), rng) if match[1] else str(rng.randrange(10))

    return _SLOT.sub(slot, pattern)


def _with_typos(text: str, rng: random.Random) -> str:
    """Return `text` as spammers type it: a few letters are doubled, left out or replaced with a digit."""
    return "".join(
        rng.choice((letter * 2, "", "0")) if letter.isalpha() and rng.random() < 0.01 else letter for letter in text
    )


def generate(count: int, seed: int = 2026) -> Iterator[dict[str, str | bool]]:
    """Yield `count` comments, half of them spam, in the format of `manage.py evaluate_filter --file`."""
    rng = random.Random(seed)  # noqa: S311  # test data needs no secrecy
    waves = LISTS["waves"]
    for position in range(count):
        is_spam, is_hard = rng.random() < 0.5, rng.random() < 0.2
        website = ""
        if is_spam:
            # Each wave begins before the previous one has ended.
            wave = min(len(waves) - 1, max(0, int(rng.gauss(len(waves) * position / count, 0.6))))
            patterns = LISTS["hard_spam"] if is_hard else waves[wave]
            text = _with_typos(_fill(rng.choice(patterns), rng), rng)
            if rng.random() < 0.6:
                website = _fill("https://{site}", rng)
        else:
            text = _fill(rng.choice(LISTS["hard_ham" if is_hard else "ham"]), rng)
            if rng.random() < 0.2:
                website = _fill("https://reader{0-9}{0-9}.example", rng)
        yield {"text": text, "website": website, "spam": is_spam}


if __name__ == "__main__":
    for record in generate(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000):
        print(json.dumps(record, ensure_ascii=False))
