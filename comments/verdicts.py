"""What a check of a comment says (comments.rules)."""

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
    """The verdict of one check and why, in the site's language."""

    verdict: Verdict
    words: str
