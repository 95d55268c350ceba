"""Fragments, in which MP4 files that are written while they are recorded store the data of each track.

Source: ISO/IEC 14496-12, 8.8.
"""

import struct
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Final

from media.cleaners.mp4_boxes import MAX_TABLE, Box
from media.cleaners.streams import damaged, read_at, size_of

# The flags of the header of a track in a fragment: its fields, and what positions are relative to.
_HAS_BASE, _HAS_DESCRIPTION, _HAS_DURATION, _HAS_SIZE, _FROM_FRAGMENT = 0x1, 0x2, 0x8, 0x10, 0x020000
# The flags of a run of samples: its own fields, and the fields of each sample.
_HAS_OFFSET, _HAS_FIRST_FLAGS = 0x1, 0x4
_DURATION, _SIZE, _FLAGS, _SHIFT = 0x100, 0x200, 0x400, 0x800
# The boxes that begin with flags and the ID of a track: defaults, the header in a fragment, and seek tables.
_WITH_ID: Final = {b"trex", b"tfhd", b"tfra", b"sidx"}


@dataclass(frozen=True, slots=True)
class _Header:
    """What the runs of a track in a fragment share. `size` is the size of samples that don't state their own."""

    track_id: int
    base: int
    size: int


def runs_of(file: IO[bytes], found: Iterable[Box]) -> Iterator[tuple[int, int, int]]:
    """Yield, for each run of samples, the ID of its track, and where its data starts and ends. Raises ValidationError.

    `found` are the boxes of the file, in their order.
    """
    file_end = size_of(file)
    sizes: dict[int, int] = {}
    fragment = position = 0
    header: _Header | None = None
    for box in found:
        if box.path == (b"moov", b"mvex", b"trex"):
            track_id, size = struct.unpack(">4xI8xI", _read(file, box, 20))
            sizes[track_id] = size
        elif box.path == (b"moof",):
            fragment = position = box.start
        elif box.path == (b"moof", b"traf"):
            header = None
        elif box.path == (b"moof", b"traf", b"tfhd"):
            header = _header(file, box, fragment, position, sizes)
            position = header.base
        elif box.path == (b"moof", b"traf", b"trun"):
            if header is None:
                raise damaged()
            # Without a position, a run begins where the previous one ends.
            start, length = _run(file, box, header, position)
            position = start + length
            if not 0 <= start <= position <= file_end:
                raise damaged()
            yield header.track_id, start, position


def boxes_of_tracks(file: IO[bytes], found: Iterable[Box], ids: Collection[int]) -> Iterator[Box]:
    """Yield the boxes outside tracks that are only about the tracks with these IDs. Raises ValidationError."""
    fragment: Box | None = None
    for box in found:
        if box.path == (b"moof", b"traf"):
            fragment = box
        elif box.kind in _WITH_ID:
            _flags, track_id = struct.unpack(">II", _read(file, box, 8))
            if track_id in ids:
                yield fragment if fragment and box.kind == b"tfhd" else box


def _header(file: IO[bytes], box: Box, fragment: int, position: int, sizes: dict[int, int]) -> _Header:
    """Return the header of a track in the fragment that starts at `fragment`, after data that ends at `position`."""
    flags, track_id = struct.unpack(">II", _read(file, box, 8))
    fields = ((_HAS_BASE, "Q"), (_HAS_DESCRIPTION, "4x"), (_HAS_DURATION, "4x"), (_HAS_SIZE, "I"))
    code = ">8x" + "".join(each for flag, each in fields if flags & flag)
    stated = iter(struct.unpack(code, _read(file, box, struct.calcsize(code))))
    base = next(stated) if flags & _HAS_BASE else fragment if flags & _FROM_FRAGMENT else position
    return _Header(track_id, base, next(stated) if flags & _HAS_SIZE else sizes.get(track_id, 0))


def _run(file: IO[bytes], box: Box, header: _Header, position: int) -> tuple[int, int]:
    """Return where the data of a run starts, which is `position` unless it says otherwise, and its length."""
    flags, count = struct.unpack(">II", _read(file, box, 8))
    if flags & _HAS_OFFSET:
        (offset,) = struct.unpack(">i", file.read(4))
        position = header.base + offset
    if not flags & _SIZE:
        return position, count * header.size
    if flags & _HAS_FIRST_FLAGS:
        file.seek(4, 1)
    row = "".join(f"{'I' if flag == _SIZE else '4x'}" for flag in (_DURATION, _SIZE, _FLAGS, _SHIFT) if flags & flag)
    width = struct.calcsize(f">{row}")
    if count * width > min(MAX_TABLE, box.end - file.tell()):
        raise damaged()
    return position, sum(size for (size,) in struct.iter_unpack(f">{row}", file.read(count * width)))


def _read(file: IO[bytes], box: Box, length: int) -> bytes:
    """Return the beginning of the body of a box."""
    if box.end - box.body < length:
        raise damaged()
    return read_at(file, box.body, length)
