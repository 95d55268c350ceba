"""Windows Media (ASF): titles, authors, dates and all other metadata become padding, so that nothing moves.

Source: Advanced Systems Format Specification, revision 01.20.06 (Microsoft). No maintained library with a permissive
licence does this.
"""

import struct
from collections.abc import Iterator
from typing import IO, Final
from uuid import UUID

from media.cleaners.codecs import BITMAP_HEADER, NAME, check_sound, cleaner_of_bitmaps
from media.cleaners.frames import keep_frames
from media.cleaners.streams import (
    copy_unchanged,
    damaged,
    read_at,
    size_of,
    too_complex,
    unsupported_codec,
    unsupported_stream,
    write_at,
    write_zeros,
)

_MAX_OBJECTS: Final = 5_000


def _guid(text: str) -> bytes:
    return UUID(text).bytes_le


_HEADER: Final = _guid("75B22630-668E-11CF-A6D9-00AA0062CE6C")
_HEADER_EXTENSION: Final = _guid("5FBF03B5-A92E-11CF-8EE3-00C00C205365")
_FILE_PROPERTIES: Final = _guid("8CABDCA1-A947-11CF-8EE4-00C00C205365")
_STREAM_PROPERTIES: Final = _guid("B7DC0791-A9B7-11CF-8EE6-00C00C205365")
_EXTENDED_STREAM_PROPERTIES: Final = _guid("14E6A5CB-C672-4332-8399-A96952065B5A")
_BITRATES: Final = _guid("7BF875CE-468D-11D1-8D82-006097C9A2B2")
_VIDEO: Final = _guid("BC19EFC0-5B4D-11CF-A8FD-00805F5C442B")
_AUDIO: Final = _guid("F8699E40-5B4D-11CF-A8FD-00805F5C442B")
_DATA: Final = _guid("75B22636-668E-11CF-A6D9-00AA0062CE6C")
_SIMPLE_INDEX: Final = _guid("33000890-E5B1-11CF-89F4-00A0C90349CB")
_INDEX: Final = _guid("D6E229D3-35DA-11D1-9034-00A0C90349BE")
# What each packet may begin with, according to the properties of its stream: a time code, and the name of a file.
_REVEALING_EXTENSIONS: Final = {
    _guid("399595EC-8667-4E2D-8FDB-98814CE76C1E"),
    _guid("E165EC0E-19ED-45D7-B4A7-25CBD1E28E9B"),
}
_PADDING: Final = _guid("1806D474-CADF-4509-A4BA-9AABCB96AAE8")
# Objects that contain other objects, and the offset at which these begin.
_CONTAINERS: Final = {_HEADER: 30, _HEADER_EXTENSION: 46}
# The offsets, within the properties of a stream, of the description of sound or images, which is the same as in AVI.
_SOUND, _BITMAP = 78, 89
# The other objects that are needed for playing.
_KEPT: Final = {
    _FILE_PROPERTIES,
    _STREAM_PROPERTIES,
    _EXTENDED_STREAM_PROPERTIES,
    _BITRATES,
    _DATA,
    _SIMPLE_INDEX,
    _INDEX,
}
# Those that begin with the ID of the file, which may consist of a network address and the time.
_WITH_ID: Final = {_FILE_PROPERTIES, _DATA, _SIMPLE_INDEX}


def clean_asf(source: IO[bytes], target: IO[bytes]) -> None:
    """Turn everything that is not needed for playing into padding, and remove the date, the ID and names of streams.

    Raises ValidationError if there may be metadata in the video, which is split into packets here, for unknown codecs,
    and for streams other than video and audio.
    """
    copy_unchanged(source, target)
    is_described = False
    for kind, start, end in list(_objects(source, 0, size_of(source))):
        if kind in _WITH_ID:
            write_zeros(target, start + 24, min(start + 40, end))
        if kind == _FILE_PROPERTIES:
            # The date follows the ID and the size of the file.
            write_zeros(target, start + 48, min(start + 56, end))
        elif kind == _EXTENDED_STREAM_PROPERTIES:
            _clean_extended_properties(source, target, start, end)
        elif kind == _STREAM_PROPERTIES:
            _check_stream(source, start)
            is_described = True
        elif kind == _DATA and not is_described:
            raise damaged()
        elif kind not in _KEPT:
            write_at(target, start, _PADDING)
            write_zeros(target, start + 24, end)


def _check_stream(source: IO[bytes], start: int) -> None:
    """Raise ValidationError unless these are the properties of a stream whose frames have no metadata."""
    kind = read_at(source, start + 24, 16)
    if kind == _AUDIO:
        check_sound(read_at(source, start + _SOUND, BITMAP_HEADER))
    elif kind != _VIDEO:
        raise unsupported_stream()
    elif cleaner_of_bitmaps(header := read_at(source, start + _BITMAP, BITMAP_HEADER)) is not keep_frames:
        raise unsupported_codec(header[NAME])


def _clean_extended_properties(source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    """Overwrite the names of a stream. Raises ValidationError if its packets have metadata, or an unknown codec."""
    name_count, extension_count = struct.unpack("<HH", read_at(source, start + 84, 4))
    position = start + 88
    for _number in range(name_count):
        (size,) = struct.unpack("<2xH", read_at(source, position, 4))
        write_zeros(target, position + 4, min(position + 4 + size, end))
        position += 4 + size
    for _number in range(extension_count):
        kind, size = struct.unpack("<16s2xI", read_at(source, position, 22))
        if kind in _REVEALING_EXTENSIONS:
            raise unsupported_stream()
        position += 22 + size
    if position > end:
        raise damaged()
    # The properties of a stream that only some players show may follow.
    if read_at(source, position, 16) == _STREAM_PROPERTIES:
        _check_stream(source, position)
    else:
        write_zeros(target, position, end)


def _objects(file: IO[bytes], start: int, end: int, depth: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """Yield the type, start and end of each object between two positions that contains no other objects."""
    for _number in range(_MAX_OBJECTS):
        if start == end:
            return
        header = read_at(file, start, 24)
        if len(header) < 24:
            raise damaged()
        kind, size = struct.unpack("<16sQ", header)
        object_end = start + size
        first = start + _CONTAINERS.get(kind, 24)
        if not first <= object_end <= end:
            raise damaged()
        if kind in _CONTAINERS and depth < 3:
            yield from _objects(file, first, object_end, depth + 1)
        else:
            yield kind, start, object_end
        start = object_end
    raise too_complex()
