"""Messages within AV1 video (metadata OBUs), in which cameras and programs can store anything.

They become padding of the same length. Source: AV1 Bitstream & Decoding Process Specification, 5.3, 5.8 and 6.7.
"""

from typing import IO, Final

from media.cleaners.nal_units import SHOWN
from media.cleaners.streams import damaged, read_at, unsupported_stream, write_at, write_zeros

_METADATA, _PADDING = 5, 15
# The kinds of messages that are kept: dynamic range, layers, and captions and the like. Others are time codes, and
# anything that programs add.
_SHOWN_KINDS, _REGISTERED = {1, 2, 3}, 4
# The maximum length of the headers of a unit and of its message, in bytes.
_LONGEST_START: Final = 32
# How many bytes precede the units in the description of a codec.
DESCRIPTION_HEADER: Final = 4


def clean_obus(source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    """Overwrite the messages in the units between two positions. Raises ValidationError if one has no length."""
    while start < end:
        unit = read_at(source, start, min(_LONGEST_START, end - start))
        kind, has_extension, has_size = unit[0] >> 3 & 15, unit[0] & 4, unit[0] & 2
        if not has_size:
            raise unsupported_stream()
        size, header = _number(unit, 2 if has_extension else 1)
        body, start = start + header, start + header + size
        if start > end:
            raise damaged()
        if kind == _METADATA and size and not _is_shown(unit[header:]):
            write_at(target, body - header, bytes([unit[0] & 0x87 | _PADDING << 3]))
            write_zeros(target, body, start - 1)
            # The last set bit ends a unit.
            write_at(target, start - 1, b"\x80")


def _is_shown(message: bytes) -> bool:
    kind, start = _number(message, 0)
    return kind in _SHOWN_KINDS or (kind == _REGISTERED and message.startswith(SHOWN, start))


def _number(content: bytes, position: int) -> tuple[int, int]:
    """Return a number stored with seven bits in each byte, and where it ends. Raises ValidationError."""
    number = 0
    for count, byte in enumerate(content[position : position + 8]):
        number |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return number, position + count + 1
    raise damaged()
