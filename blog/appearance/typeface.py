"""Literata, the open font family that an owner can choose: its files and fallback fonts.

It is served from this site (static/vendor/literata), and only on pages in a language that it covers. It is used if it
has arrived when a page is first drawn, so that the layout never shifts. Otherwise, browsers keep it for the next page,
and set this one in a font that the reader has, adjusted to the same metrics.
"""

from dataclasses import dataclass
from typing import Final

from django.templatetags.static import static
from django.utils.translation import get_language

# Literata's ascent and descent, as fractions of the font size.
_ASCENT: Final = 1.177
_DESCENT: Final = 0.308
_LATIN: Final = (
    "U+20-7E, U+A0-A3, U+A5, U+A7-AB, U+AD-AE, U+B0-B7, U+B9-FF, U+131, U+152-153, U+160-161, U+178, U+17D-17E, "
    "U+2010, U+2013-2014, U+2018-201A, U+201C-201E, U+2020, U+2022, U+2026, U+2039-203A, U+20AC, U+2122, U+2212"
)
_CYRILLIC: Final = (
    "U+20-3F, U+5B-5D, U+A0, U+A7, U+AB, U+B0, U+BB, U+401, U+404, U+406-407, U+40E, U+410-44F, U+451, U+454, "
    "U+456-457, U+45E, U+490-491, U+2013-2014, U+2018-201A, U+201C-201E, U+2022, U+2026, U+2116, U+2212"
)
# The languages whose letters these files cover.
_IN_LATIN: Final = frozenset(
    {"af", "ast", "br", "ca", "da", "de", "en", "es", "et", "eu", "fi", "fr", "fy", "ga", "gd", "gl", "ia", "id", "io"}
    | {"is", "it", "lb", "ms", "nb", "nl", "nn", "no", "pt", "sq", "sv", "sw"}
)
_IN_CYRILLIC: Final = frozenset({"be", "bg", "ru", "uk"})


@dataclass(frozen=True, slots=True)
class FontFile:
    """A file of the family, with the characters that it covers."""

    family: str
    name: str
    style: str
    unicode_range: str

    @property
    def url(self) -> str:
        return static(f"vendor/literata/{self.name}.woff2")


@dataclass(frozen=True, slots=True)
class Substitute:
    """A font that many readers have, adjusted to the width and height of Literata.

    `literata_width` and `own_width` are the average widths of letters in Latin texts, in Literata and in this font.
    Source: Capsize's metrics.
    """

    family: str
    names: tuple[str, str]
    weight: int
    style: str
    literata_width: float
    own_width: float

    @property
    def size_adjust(self) -> str:
        return _percent(self.literata_width / self.own_width)

    @property
    def ascent(self) -> str:
        return _percent(_ASCENT * self.own_width / self.literata_width)

    @property
    def descent(self) -> str:
        return _percent(_DESCENT * self.own_width / self.literata_width)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


FILES: Final = (
    FontFile("Literata", "literata", "normal", _LATIN),
    FontFile("Literata", "literata-italic", "italic", _LATIN),
    FontFile("Literata Cyrillic", "literata-cyrillic", "normal", _CYRILLIC),
    FontFile("Literata Cyrillic", "literata-cyrillic-italic", "italic", _CYRILLIC),
)
SUBSTITUTES: Final = (
    # On Windows, macOS and iOS.
    Substitute("Like Literata 1", ("Georgia", "Georgia"), 400, "normal", 0.48, 0.4458),
    Substitute("Like Literata 1", ("Georgia Italic", "Georgia-Italic"), 400, "italic", 0.453, 0.4546),
    Substitute("Like Literata 1", ("Georgia Bold", "Georgia-Bold"), 700, "normal", 0.512, 0.5186),
    Substitute("Like Literata 1", ("Georgia Bold Italic", "Georgia-BoldItalic"), 700, "italic", 0.494, 0.5283),
    # On Android, and often on Linux.
    Substitute("Like Literata 2", ("Noto Serif Regular", "NotoSerif-Regular"), 400, "normal", 0.48, 0.481),
    Substitute("Like Literata 2", ("Noto Serif Italic", "NotoSerif-Italic"), 400, "italic", 0.453, 0.469),
    Substitute("Like Literata 2", ("Noto Serif Bold", "NotoSerif-Bold"), 700, "normal", 0.512, 0.512),
    Substitute("Like Literata 2", ("Noto Serif Bold Italic", "NotoSerif-BoldItalic"), 700, "italic", 0.494, 0.517),
)


def font_url() -> str:
    """Return the URL of the font file for pages in the active language; empty if none covers it."""
    language = (get_language() or "").partition("-")[0]
    if language in _IN_CYRILLIC:
        return FILES[2].url
    return FILES[0].url if language in _IN_LATIN else ""
