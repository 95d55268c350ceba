"""The verdict of one check about a comment (comments.rules.judge)."""

from dataclasses import dataclass
from enum import IntEnum


class Verdict(IntEnum):
    """From best to worst."""

    STAFF = 0
    KNOWN = 1
    PROVEN = 2
    HOLD = 3
    SPAM = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of one check, and the reason in the site's language."""

    verdict: Verdict
    message: str
