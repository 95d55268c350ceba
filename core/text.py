"""Plain text that databases and XML can hold."""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

# Characters that XML can't hold: a single one makes a whole document unreadable. Source: XML 1.0, 2.2.
NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# PostgreSQL rejects NUL, and no encoding can represent lone surrogates.
_NOT_STORABLE: Final = re.compile("[\x00\ud800-\udfff]")
# All control characters except tabs and line ends, of which U+0085 is one.
CONTROL: Final = re.compile(rf"{NOT_IN_XML.pattern}|[\x7f-\x84\x86-\x9f]")

# Characters that reverse the direction of the text after them (Unicode UAX 9).
_DIRECTION_CONTROLS: Final = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}

# Letters with strokes and the like, which Unicode does not decompose into a letter and an accent.
UNDECOMPOSED: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
# Combining marks below this class change the letter (kana, Indic scripts). Those from here on are accents.
_FIRST_ACCENT: Final = 10


class CharacterTable(dict[int, str]):
    """A table for `str.translate`, filled as characters occur."""

    def __init__(self, replace: Callable[[str], str]) -> None:
        self._replace = replace

    def __missing__(self, code: int) -> str:
        self[code] = self._replace(chr(code))
        return self[code]


_WITHOUT_ACCENTS: Final = CharacterTable(
    lambda char: "" if unicodedata.combining(char) >= _FIRST_ACCENT or unicodedata.category(char) == "Cf" else char
)


def remove_accents(text: str) -> str:
    """Return `text`, decomposed (NFKD), without accents and without invisible characters such as soft hyphens."""
    return unicodedata.normalize("NFKD", text).translate(_WITHOUT_ACCENTS)


def fold(text: str) -> str:
    """Return `text` on one line without case, accents and invisible characters: `Coöperation ` becomes `cooperation`.

    The result is for searching and comparing, never for display. It may be empty.
    """
    once = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).casefold()
    bare = remove_accents(once).translate(UNDECOMPOSED)
    return " ".join(unicodedata.normalize("NFC", bare).split())


@lru_cache(maxsize=1024)
def by_name(name: str) -> tuple[str, str]:
    """Return the key by which lists of names are sorted, without case and accents: “défense” comes before “droits”.

    Cached, because listings repeat many tags.
    """
    return fold(name), name


def printable(text: str) -> str:
    """Return `text` with replacements for the characters that would control the terminal it is written to."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def is_storable(text: str) -> bool:
    """Whether every database can hold `text`."""
    return not _NOT_STORABLE.search(text)


def is_visible(text: str) -> bool:
    """Whether readers see any character of `text`, other than spaces."""
    return any(unicodedata.category(char)[0] in "LNPS" for char in text)


def remove_unstorable(text: str) -> str:
    """Return `text` without the characters that a database may reject."""
    return _NOT_STORABLE.sub("", text)


def remove_non_xml(text: str) -> str:
    """Return `text` without the characters that XML can't hold."""
    return NOT_IN_XML.sub("", text)


def remove_controls(text: str) -> str:
    """Return `text` without control characters except tabs and line ends, which become `\\n`."""
    return CONTROL.sub("", unify_line_ends(text))


def remove_direction_controls(text: str) -> str:
    """Return `text` without the characters that reverse the direction of what follows them."""
    return "".join(char for char in text if unicodedata.bidirectional(char) not in _DIRECTION_CONTROLS)


def one_line(text: str) -> str:
    """Return `text` on one line, without control characters and without those that reverse what follows them."""
    return " ".join(remove_direction_controls(remove_controls(text)).split())


def shorten(text: str, length: int) -> str:
    """Return at most `length` characters of `text`, with an ellipsis if some are left out."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def parse_id(text: str) -> int:
    """Parse the ID of a row; return 0, which no row has, if the text is not an ID."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def parse_ids(texts: Iterable[str]) -> list[int]:
    """Parse these texts, each of which may have several IDs separated by commas or spaces."""
    ids = (parse_id(each) for text in texts for each in text.replace(",", " ").split())
    return list(dict.fromkeys(pk for pk in ids if pk))


def parse_time(text: str) -> dt.datetime | None:
    """Parse a time in ISO 8601 and return it in UTC; None if it is invalid or has no time zone."""
    try:
        time = dt.datetime.fromisoformat(text)
        return time.astimezone(dt.UTC) if time.tzinfo else None
    except (ValueError, OverflowError):
        return None


def unify_line_ends(text: str) -> str:
    """Return `text` with `\\n` at the end of each line."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
