"""RIFF: WAV and AVI. What is not needed for playing is left out, or becomes padding where nothing may move.

Sources: Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft), OpenDML AVI 1.02. No
maintained library with a permissive licence does this.
"""

import re
import struct
from collections.abc import Iterator
from typing import IO, Final

from media.cleaners.streams import copy_part, copy_unchanged, damaged, size_of, too_complex, write_zeros

_MAX_CHUNKS: Final = 2_000_000
_SOUND: Final = {b"fmt ", b"fact", b"data"}
_LISTS: Final = {b"RIFF", b"LIST"}
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
    """Turn everything into padding that is not needed for playing, so that the offsets in the file stay right."""
    copy_unchanged(source, target)
    for position, end in _unneeded(source):
        target.seek(position)
        target.write(b"JUNK")
        write_zeros(target, position + 8, end)


def _unneeded(source: IO[bytes]) -> Iterator[tuple[int, int]]:
    """Yield the positions of the start and end of each chunk of an AVI that is not needed."""
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
        if not _KEPT[name].fullmatch(kind + header[8:] if is_list else kind):
            yield position, chunk_end
        elif is_list:
            lists.append((header[8:], chunk_end))
            position += 12
            continue
        # Chunks begin at even positions.
        position = min(chunk_end + size % 2, list_end)
