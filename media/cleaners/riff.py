"""RIFF: WAV and AVI. What is not needed for playing is left out, or becomes padding where nothing may move.

Sources: Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft), OpenDML AVI 1.02. No
maintained library with a permissive licence does this.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from media.cleaners.frames import BITMAP_HEADER, CleanFrames, clean_bitmap_description, clean_dv, cleaner_of_bitmaps
from media.cleaners.streams import (
    copy_part,
    copy_unchanged,
    damaged,
    read_at,
    size_of,
    too_complex,
    write_at,
    write_zeros,
)

_MAX_CHUNKS: Final = 2_000_000
_SOUND: Final = {b"fmt ", b"fact", b"data"}
_LISTS: Final = {b"RIFF", b"LIST"}
# The lists with the data of streams, in chunks whose types begin with the number of their stream.
_DATA: Final = {b"movi", b"rec "}
_OF_STREAM: Final = re.compile(rb"[0-9A-Fa-f]{2}..", re.DOTALL)
# The kinds of streams that are played. The last one is of DV.
_IMAGES, _IMAGES_AND_SOUND = b"vids", b"iavs"
_PLAYED: Final = {_IMAGES, b"auds", _IMAGES_AND_SOUND}
# The chunks that are kept in each list of an AVI.
_KEPT: Final = {
    b"": re.compile(rb"RIFFAVI[ X]"),
    b"AVI ": re.compile(rb"LISThdrl|LISTmovi|idx1"),
    b"AVIX": re.compile(rb"LISTmovi|idx1"),
    b"hdrl": re.compile(rb"avih|LISTstrl|LISTodml"),
    b"strl": re.compile(rb"strh|strf|indx|vprp"),
    b"odml": re.compile(rb"dmlh"),
    b"movi": re.compile(rb"LISTrec |ix..|[0-9A-Fa-f]{2}..", re.DOTALL),
    b"rec ": re.compile(rb"[0-9A-Fa-f]{2}..", re.DOTALL),
}


def clean_wav(source: IO[bytes], target: IO[bytes]) -> None:
    """Keep only the chunks that describe and contain the audio."""
    end = size_of(source)
    kept, position = [], 12
    while position + 8 <= end:
        kind, size = struct.unpack("<4sI", read_at(source, position, 8))
        # Recorders that don't know the final size state the largest one.
        chunk_end = min(position + 8 + size + size % 2, end)
        if kind in _SOUND:
            kept.append((position, chunk_end))
        position = chunk_end
    target.write(b"RIFF" + struct.pack("<I", 4 + sum(end - start for start, end in kept)) + b"WAVE")
    for start, chunk_end in kept:
        copy_part(source, target, start, chunk_end)


@dataclass(slots=True)
class _Stream:
    """A stream of an AVI: its kind, and the cleaner for its data if there may be metadata in it."""

    kind: bytes
    clean: CleanFrames | None = None


def clean_avi(source: IO[bytes], target: IO[bytes]) -> None:
    """Turn everything that is not needed for playing into padding, so that the offsets in the file stay right.

    That includes streams other than video and audio. Metadata within frames is overwritten.
    """
    copy_unchanged(source, target)
    streams: list[_Stream] = []
    for around, kind, start, end in _chunks(source):
        number = int(kind[:2], 16) if around in _DATA and _OF_STREAM.fullmatch(kind) else len(streams)
        stream = streams[number] if number < len(streams) else None
        if not _KEPT[around].fullmatch(kind) or (stream and stream.kind not in _PLAYED):
            write_at(target, start, b"JUNK")
            write_zeros(target, start + 8, end)
        elif kind == b"strh":
            streams.append(_Stream(read_at(source, start + 8, min(4, end - start - 8))))
        elif kind == b"strf" and streams:
            _clean_description(source, target, streams[-1], start + 8, end)
        elif stream and stream.clean:
            stream.clean(source, target, start + 8, end)


def _clean_description(source: IO[bytes], target: IO[bytes], stream: _Stream, start: int, end: int) -> None:
    """Set the cleaner for the data of the stream described between two positions, and clean the description."""
    if stream.kind == _IMAGES:
        header = read_at(source, start, min(BITMAP_HEADER, end - start))
        stream.clean = cleaner_of_bitmaps(header)
        clean_bitmap_description(source, target, header, start, end)
    elif stream.kind == _IMAGES_AND_SOUND:
        stream.clean = clean_dv


def _chunks(source: IO[bytes]) -> Iterator[tuple[bytes, bytes, int, int]]:
    """Yield the list around each chunk of an AVI that isn't a list itself, and the chunk's type, start and end."""
    position, end = 0, size_of(source)
    # The lists around the current position, with the end of each.
    lists, count = [(b"", end)], 0
    while position < end:
        while position >= lists[-1][1]:
            lists.pop()
        name, list_end = lists[-1]
        header = read_at(source, position, 12)
        if list_end - position < 8:
            raise damaged()
        kind, size = struct.unpack("<4sI", header[:8])
        chunk_end = position + 8 + size
        if chunk_end > list_end:
            raise damaged()
        if (count := count + 1) > _MAX_CHUNKS:
            raise too_complex()
        is_list = kind in _LISTS and size >= 4
        if is_list:
            kind += header[8:]
        if is_list and _KEPT[name].fullmatch(kind):
            lists.append((header[8:], chunk_end))
            position += 12
            continue
        yield name, kind, position, chunk_end
        # Chunks begin at even positions.
        position = min(chunk_end + size % 2, list_end)
