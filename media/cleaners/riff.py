"""RIFF: WAV and AVI. What is not needed for playing is left out, or becomes padding where nothing may move.

Sources: Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft), OpenDML AVI 1.02. No
maintained library with a permissive licence does this.
"""

import re
import struct
from collections.abc import Iterator
from typing import IO, Final

from media.cleaners.nal_units import BITMAP_HEADER, Coding, clean_units, coding_of_bitmaps
from media.cleaners.streams import copy_part, copy_unchanged, damaged, size_of, too_complex, write_zeros

_MAX_CHUNKS: Final = 2_000_000
_SOUND: Final = {b"fmt ", b"fact", b"data"}
_LISTS: Final = {b"RIFF", b"LIST"}
# What has the images and the sound, in chunks whose types begin with the number of a stream.
_DATA: Final = {b"movi", b"rec "}
# What is kept in each list of an AVI.
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
    """Keep only the chunks that describe and hold the sound."""
    end = size_of(source)
    kept, position = [], 12
    while position + 8 <= end:
        source.seek(position)
        kind, size = struct.unpack("<4sI", source.read(8))
        # Recorders that don't know how long it will be state the largest size.
        chunk_end = min(position + 8 + size + size % 2, end)
        if kind in _SOUND:
            kept.append((position, chunk_end))
        position = chunk_end
    target.write(b"RIFF" + struct.pack("<I", 4 + sum(end - start for start, end in kept)) + b"WAVE")
    for start, chunk_end in kept:
        copy_part(source, target, start, chunk_end)


def clean_avi(source: IO[bytes], target: IO[bytes]) -> None:
    """Turn everything into padding that is not needed for playing, so that the offsets in the file stay right.

    Messages within the video are overwritten.
    """
    copy_unchanged(source, target)
    # How each stream is coded, if there are messages in it.
    codings: list[Coding | None] = []
    for around, kind, start, end in _chunks(source):
        if not _KEPT[around].fullmatch(kind):
            target.seek(start)
            target.write(b"JUNK")
            write_zeros(target, start + 8, end)
        elif kind == b"strh":
            codings.append(None)
        elif kind == b"strf" and codings:
            source.seek(start + 8)
            codings[-1] = coding_of_bitmaps(source.read(min(BITMAP_HEADER, end - start - 8)))
            if codings[-1]:
                clean_units(source, target, start + 8 + BITMAP_HEADER, end, codings[-1])
        elif around in _DATA and not kind.startswith(b"ix"):
            number = int(kind[:2], 16)
            if number < len(codings) and (coding := codings[number]):
                clean_units(source, target, start + 8, end, coding)


def _chunks(source: IO[bytes]) -> Iterator[tuple[bytes, bytes, int, int]]:
    """Yield the list around each chunk of an AVI that is no list of chunks, its type, and where it starts and ends."""
    position, end = 0, size_of(source)
    # The lists around the current position, with the end of each.
    lists, count = [(b"", end)], 0
    while position < end:
        while position >= lists[-1][1]:
            lists.pop()
        name, list_end = lists[-1]
        source.seek(position)
        header = source.read(12)
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
