"""Messages within H.264 and H.265 video (SEI), in which cameras record places, times and serial numbers.

They are overwritten at the same length. Sources: ITU-T H.264 and H.265, 7.3.1, 7.3.2.3 and annexes B and D; for units
that are stored after their lengths, ISO/IEC 14496-15.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import IO, Final

from media.cleaners.streams import CHUNK, overlapping_parts, read_at, too_complex, unsupported_stream, write_at

# Where two zeros would look like the beginning of a unit, they are followed by a 3 that is not content.
_ESCAPE: Final = re.compile(rb"\0\0\x03")
# The start code before each unit that doesn't come after its length. There may be more zeros.
_START: Final = b"\0\0\1"
_BEGINS_WITH_START: Final = re.compile(rb"\0\0+\x01|\0*\Z")
# The offset of the size of lengths in a box that describes the coding.
_LENGTH_SIZE: Final = {b"avcC": 4, b"hvcC": 21}
_REGISTERED, _UNREGISTERED, _TIME_CODE = 4, 5, 136
# Captions, the aspect ratio and the dynamic range, by the ITU-T T.35 codes of ATSC, DirecTV, Dolby and Samsung.
SHOWN: Final = (b"\xb5\0\x31", b"\xb5\0\x2f", b"\xb5\0\x3b", b"\xb5\0\x3c")


@dataclass(frozen=True, slots=True)
class UnitCleaner:
    """Cleans the frames of a track in H.264 or H.265. `length_size` is the number of bytes in the length of each unit.

    0 means that each unit follows a start code.
    """

    is_h265: bool
    length_size: int = 0

    def __call__(self, source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
        """Overwrite the messages in the units between two positions. Units that are cut off are left as they are."""
        if not self.length_size:
            self._clean_byte_stream(source, target, start, end)
            return
        while start + self.length_size < end:
            *length, first = read_at(source, start, self.length_size + 1)
            body = start + self.length_size
            start = body + int.from_bytes(bytes(length))
            if body < start <= end and self._has_messages(first):
                self._clean_unit(source, target, body, start)

    def _clean_byte_stream(self, source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
        """Overwrite the messages in units that follow start codes. Raises ValidationError if the first doesn't."""
        if not _BEGINS_WITH_START.match(read_at(source, start, max(0, min(CHUNK, end - start)))):
            raise unsupported_stream()
        for body, unit_end in units_in(source, start, end):
            if self._has_messages(read_at(source, body, 1)[0]):
                self._clean_unit(source, target, body, unit_end)

    def _has_messages(self, first: int) -> bool:
        """Whether a unit with this first byte consists of messages."""
        return first >> 1 & 0x3F in {39, 40} if self.is_h265 else first & 0x1F == 6

    def _clean_unit(self, source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
        """Overwrite the messages in a unit. Zeros after it may belong to the next start code."""
        # Real ones have a few hundred bytes.
        if end - start > CHUNK:
            raise too_complex()
        unit = read_at(source, start, end - start).rstrip(b"\0")
        write_at(target, start, _without_messages(unit, header_size=2 if self.is_h265 else 1))


def described_units(file: IO[bytes], kind: bytes, start: int) -> UnitCleaner | None:
    """Return the cleaner for the units that a box of this kind, whose body starts here, describes; None for others."""
    if kind not in _LENGTH_SIZE:
        return None
    return UnitCleaner(kind == b"hvcC", (read_at(file, start + _LENGTH_SIZE[kind], 1)[0] & 3) + 1)


def units_in(source: IO[bytes], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each unit between two positions that follows a start code."""
    parts = overlapping_parts(source, start, end, overlap=len(_START) - 1)
    begins = (position + code.end() for position, part in parts for code in re.finditer(_START, part))
    # Nothing follows a start code at the end.
    followed = (begin for begin in begins if begin < end)
    for begin, following in pairwise(chain(followed, [end + len(_START)])):
        yield begin, following - len(_START)


def clean_h265_description(source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    """Overwrite the messages in the units that the body of an `hvcC` lists by kind."""
    clean, start = UnitCleaner(is_h265=True, length_size=2), start + _LENGTH_SIZE[b"hvcC"] + 2
    while start + 3 < end:
        count = int.from_bytes(read_at(source, start + 1, 2))
        start += 3
        while count and start + 2 < end:
            unit_end = start + 2 + int.from_bytes(read_at(source, start, 2))
            clean(source, target, start, min(unit_end, end))
            start, count = unit_end, count - 1


def _without_messages(unit: bytes, header_size: int) -> bytes:
    escapes = [match.end() - 1 for match in _ESCAPE.finditer(unit)]
    places = sorted(set(range(header_size, len(unit))).difference(escapes))
    cleaned = bytearray(unit)
    for start, end in _private(bytes(unit[place] for place in places)):
        for place in places[start:end]:
            cleaned[place] = 0xFF
    for escape in escapes:
        # Keep the escape valid, or the content would be longer: after two zeros, and before a byte of at most 3.
        cleaned[escape - 2 : escape] = b"\0\0"
        cleaned[escape + 1 : escape + 2] = unit[escape + 1 : escape + 2]
    return bytes(cleaned)


def _private(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each message that isn't needed for showing the video."""
    position = 0
    # The last byte ends the unit.
    while position < len(content) - 1:
        kind, position = _number(content, position)
        size, position = _number(content, position)
        end = position + size
        is_shown = kind != _REGISTERED or content.startswith(SHOWN, position)
        if kind in {_UNREGISTERED, _TIME_CODE} or not is_shown:
            yield position, end
        position = end


def _number(content: bytes, position: int) -> tuple[int, int]:
    """Return the type or size of a message, and where it ends: the sum of all bytes up to the first below 255."""
    end = next((at for at in range(position, len(content)) if content[at] != 0xFF), len(content) - 1) + 1
    return sum(content[position:end]), end
