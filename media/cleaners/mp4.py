"""MP4 and QuickTime: metadata and times are overwritten with zeros, so that the offsets in the file stay right."""

import struct
from collections.abc import Iterator
from typing import IO, Final

from media.cleaners.streams import copy_unchanged, damaged, size_of, too_complex, write_zeros

_MAX_BOXES: Final = 5_000
# These boxes consist of boxes; the others that are named hold metadata and nothing else.
_CONTAINERS: Final = {b"moov", b"trak", b"mdia", b"minf", b"edts"}
_METADATA: Final = {b"udta", b"meta", b"uuid", b"cprt", b"loci", b"pnot", b"XMP_"}
_PADDING: Final = {b"free", b"skip", b"wide"}
_TIMED: Final = {b"mvhd", b"tkhd", b"mdhd"}


def clean_mp4(source: IO[bytes], target: IO[bytes]) -> None:
    """Overwrite metadata, and the times of creation and modification."""
    copy_unchanged(source, target)
    for kind, start, body, end in list(_boxes(source, 0, size_of(source))):
        if kind in _METADATA:
            target.seek(start + 4)
            target.write(b"free")
        if kind in _METADATA | _PADDING:
            write_zeros(target, body, end)
        elif kind in _TIMED:
            source.seek(body)
            # Creation and modification, of 4 bytes each, or 8 in version 1. Source: ISO/IEC 14496-12, 8.2.2.
            size = 16 if source.read(1) == b"\1" else 8
            write_zeros(target, body + 4, min(body + 4 + size, end))


def _boxes(file: IO[bytes], start: int, end: int, depth: int = 0) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield the type of each box between two positions, with the positions of its start, body and end."""
    count = 0
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        body = start + 8
        if size == 1:
            size, body = int.from_bytes(file.read(8)), start + 16
        box_end = end if size == 0 else start + size
        count += 1
        if box_end < body or box_end > end:
            raise damaged()
        if count > _MAX_BOXES:
            raise too_complex()
        yield kind, start, body, box_end
        if kind in _CONTAINERS and depth < 8:
            yield from _boxes(file, body, box_end, depth + 1)
        start = box_end
    if start < end and not depth:
        raise damaged()
