"""Recognising programs that don't claim to be browsers, by a published list: crawler-user-agents (MIT)."""

import json
import re
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

# A pattern without special characters, as nearly all in the list are.
_LITERAL: Final = re.compile(r"(?:[^\\.^$*+?{}\[\]|()]|\\[^A-Za-z0-9])+")
_ESCAPE: Final = re.compile(r"\\(.)")


@lru_cache(maxsize=2_000)
def is_bot(agent: str) -> bool:
    """Return whether a `User-Agent` header is on the list, or empty, which no browser's is."""
    literals, others = _patterns()
    return not agent or any(literal in agent for literal in literals) or bool(others.search(agent))


@cache
def _patterns() -> tuple[list[str], re.Pattern[str]]:
    """Return the list's simple patterns, and one expression for the others. One for all would be five times slower."""
    spec = find_spec("crawleruseragents")
    if spec is None or spec.origin is None:
        raise ImportError("The package crawler-user-agents is missing.")
    # The package itself would keep everything it knows about each bot in memory.
    listed = json.loads(Path(spec.origin).with_name("crawler-user-agents.json").read_text(encoding="utf-8"))
    patterns = [bot["pattern"] for bot in listed]
    literals: list[str] = []
    for literal in sorted((_ESCAPE.sub(r"\1", each) for each in patterns if _LITERAL.fullmatch(each)), key=len):
        if not any(shorter in literal for shorter in literals):
            literals.append(literal)
    return literals, re.compile("|".join(f"(?:{each})" for each in patterns if not _LITERAL.fullmatch(each)))
