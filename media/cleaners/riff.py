"""RIFF: WAV and AVI. What is not needed for playing is left out, or becomes padding where nothing may move.

Sources: Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft), OpenDML AVI 1.02. No
maintained library with a permissive licence does this.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from media.cleaners.codecs import BITMAP_HEADER, check_sound, clean_bitmap_description, cleaner_of_bitmaps
from media.cleaners.frames import CleanFrames, clean_dv, keep_frames
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
    """Keep only the chunks that describe and contain the audio. Raises ValidationError for an unknown codec."""
    end = size_of(source)
    kept, position, is_described = [], 12, False
    while position + 8 <= end:
        kind, size = struct.unpack("<4sI", read_at(source, position, 8))
        # Recorders that don't know the final size state the largest one.
        chunk_end = min(position + 8 + size + size % 2, end)
        if kind == b"fmt ":
            check_sound(read_at(source, position + 8, min(BITMAP_HEADER, chunk_end - position - 8)))
            is_described = True
        if kind in _SOUND:
            kept.append((position, chunk_end))
        position = chunk_end
    if not is_described:
        raise damaged()
    target.write(b"RIFF" + struct.pack("<I", 4 + sum(end - start for start, end in kept)) + b"WAVE")
    for start, chunk_end in kept:
        copy_part(source, target, start, chunk_end)


@dataclass(slots=True)
class _Stream:
    """A stream of an AVI: its kind, and the cleaner for its data. There is none for data that isn't played."""

    kind: bytes
    clean: CleanFrames | None = None


def clean_avi(source: IO[bytes], target: IO[bytes]) -> None:
    """Turn everything that is not needed for playing into padding, so that the offsets in the file stay right.

    That includes streams other than video and audio. Metadata within frames is overwritten. Raises ValidationError for
    an unknown codec.
    """
    copy_unchanged(source, target)
    streams: list[_Stream] = []
    for around, kind, start, end in _chunks(source):
        is_data = around in _DATA and _OF_STREAM.fullmatch(kind) is not None
        number = int(kind[:2], 16) if is_data else len(streams)
        clean = streams[number].clean if number < len(streams) else None
        if not _KEPT[around].fullmatch(kind) or (is_data and not clean):
            write_at(target, start, b"JUNK")
            write_zeros(target, start + 8, end)
        elif kind == b"strh":
            streams.append(_Stream(read_at(source, start + 8, min(4, end - start - 8))))
        elif kind == b"strf" and streams:
            _clean_description(source, target, streams[-1], start + 8, end)
        elif clean:
            clean(source, target, start + 8, end)


def _clean_description(source: IO[bytes], target: IO[bytes], stream: _Stream, start: int, end: int) -> None:
    """Set the cleaner for the data of the stream described between two positions, and clean the description.

    Raises ValidationError for an unknown codec.
    """
    header = read_at(source, start, min(BITMAP_HEADER, end - start))
    if stream.kind == b"vids":
        stream.clean = cleaner_of_bitmaps(header)
        clean_bitmap_description(source, target, header, start, end)
    elif stream.kind == b"auds":
        check_sound(header)
        stream.clean = keep_frames
    elif stream.kind == b"iavs":
        # Images and sound together are DV.
        stream.clean = clean_dv
    else:
        write_zeros(target, start, end)


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
