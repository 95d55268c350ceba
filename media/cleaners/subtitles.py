"""Telemetry in subtitles: drones, dashboard cameras and others write their positions and the time into them."""

import re
import string
from dataclasses import dataclass
from typing import Final

# What precedes positions and sensor data: by DJI, Autel and others, in NMEA 0183, and in some encrypted formats.
_POSITION: Final = re.compile(
    rb"(?:GPS|HOME) ?[(:] ?[+-]?\d|\b(?:latitude|longt?itude|lat|long?) ?[:=] ?[+-]?\d+\.\d|\b[A-Z]{2}(?:RMC|GGA),"
    rb"|gsensori,|\bA,\d{6},\d{6}|\*[0-9A-F]{2}~|\0\0(?:..\xaa\xaa|\xf2\xe1\xf0\xee)",
    re.IGNORECASE | re.DOTALL,
)
# In telemetry, at least one in this many characters is a digit. With too few characters, there is no telling.
_CHARACTERS_PER_DIGIT: Final = 4
_ENOUGH_CHARACTERS: Final = 200
_DIGITS: Final = b"0123456789"
_NO_TEXT: Final = bytes(set(range(128)) - set(string.ascii_letters.encode()) - set(_DIGITS))


@dataclass(slots=True)
class Subtitles:
    """What is known of a subtitle track from the parts that were added."""

    _has_position: bool = False
    _digits: int = 0
    _characters: int = 0

    def add(self, part: bytes) -> None:
        self._has_position = self._has_position or _POSITION.search(part) is not None
        text = part.translate(None, _NO_TEXT)
        self._characters += len(text)
        self._digits += len(text) - len(text.translate(None, _DIGITS))

    @property
    def are_telemetry(self) -> bool:
        """Whether they say where a camera was, or consist mostly of numbers."""
        has_numbers = self._digits * _CHARACTERS_PER_DIGIT >= self._characters >= _ENOUGH_CHARACTERS
        return self._has_position or has_numbers
