"""Contrast between colours, and finding colours with enough. Source: WCAG 2.2, relative luminance and contrast."""

import colorsys
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

# The minimum contrast of text. Source: WCAG 2.2, 1.4.3.
MIN_CONTRAST: Final = 4.5
_CODE: Final = re.compile("#[0-9a-f]{6}")
# How many lightnesses are tried.
_STEPS: Final = 1_000


class Colour(NamedTuple):
    """A colour in sRGB, with components from 0 to 255."""

    red: int
    green: int
    blue: int

    @classmethod
    def of(cls, code: str) -> "Colour":
        """Return the colour with a code such as `#17527f`. Raises ValueError for anything else."""
        if not _CODE.fullmatch(code):
            raise ValueError(f"{code!r} is not a colour code.")
        return cls(*bytes.fromhex(code[1:]))

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @property
    def luminance(self) -> float:
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in (component / 255 for component in self)
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def mixed_with(self, other: "Colour", share: float) -> "Colour":
        """Return this colour mixed with this share of the other one."""
        return Colour(*(round(own + (its - own) * share) for own, its in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Scheme:
    """The backgrounds of text in the light or the dark design (static/css/site.css), the most common one first."""

    backgrounds: tuple[Colour, ...]

    def contrast(self, colour: Colour) -> float:
        """Return the lowest contrast of text in this colour with any of the backgrounds."""
        return min(contrast(colour, background) for background in self.backgrounds)

    def passes(self, colour: Colour) -> bool:
        return self.contrast(colour) >= MIN_CONTRAST

    def nearest(self, colour: Colour) -> Colour:
        """Return the colour of the same hue and closest lightness that has enough contrast."""
        if self.passes(colour):
            return colour
        hue, lightness, saturation = colorsys.rgb_to_hls(*(component / 255 for component in colour))
        found = (
            Colour(*(round(255 * part) for part in colorsys.hls_to_rgb(hue, each, saturation)))
            for each in _by_distance(lightness)
        )
        return next(filter(self.passes, found))


LIGHT: Final = Scheme((Colour.of("#ffffff"), Colour.of("#f6f4f0")))
DARK: Final = Scheme((Colour.of("#191817"), Colour.of("#24221f")))


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast between two colours, from 1 to 21."""
    lighter, darker = max(one.luminance, other.luminance), min(one.luminance, other.luminance)
    return (lighter + 0.05) / (darker + 0.05)


def format_ratio(ratio: float) -> str:
    """Return a contrast with two decimals, rounded down, so that one that is too low never looks sufficient."""
    return f"{math.floor(ratio * 100) / 100:.2f}"


def _by_distance(lightness: float) -> Sequence[float]:
    """Return lightnesses from 0 to 1, those closest to this one first."""
    return sorted((step / _STEPS for step in range(_STEPS + 1)), key=lambda each: abs(each - lightness))
