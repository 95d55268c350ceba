"""MP3 and FLAC: the sound is copied, and nothing of what is before and after it."""

import struct
from typing import IO

from media.cleaners.streams import copy_part, damaged, size_of
from media.cleaners.xiph import NEEDED_FLAC_BLOCKS


def clean_mp3(source: IO[bytes], target: IO[bytes]) -> None:
    """Remove ID3 and APE tags. Source: https://id3.org/id3v2.4.0-structure."""
    start, end = 0, size_of(source)
    while len(header := _read(source, start, 10)) == 10 and header[:3] == b"ID3":
        size = sum((byte & 0x7F) << shift for byte, shift in zip(header[6:], (21, 14, 7, 0), strict=True))
        start += 10 + size + (10 if header[5] & 0x10 else 0)
    if _read(source, max(start, end - 128), 3) == b"TAG":
        end -= 128
    footer = _read(source, max(start, end - 32), 32)
    if footer.startswith(b"APETAGEX"):
        size, flags = struct.unpack("<I4xI", footer[12:24])
        end -= size + (32 if flags & 0x80000000 else 0)
    copy_part(source, target, start, end)


def clean_flac(source: IO[bytes], target: IO[bytes]) -> None:
    """Keep only the metadata blocks that decoders need. Source: RFC 9639, 8."""
    position, kept, is_last = 4, [], False
    while not is_last and len(header := _read(source, position, 4)) == 4:
        is_last, kind = bool(header[0] & 0x80), header[0] & 0x7F
        end = position + 4 + int.from_bytes(header[1:])
        if kind in NEEDED_FLAC_BLOCKS:
            kept.append((kind, position + 1, end))
        position = end
    if not kept:
        raise damaged()
    target.write(b"fLaC")
    for number, (kind, start, end) in enumerate(kept, start=1):
        target.write(bytes([kind | (0x80 if number == len(kept) else 0)]))
        copy_part(source, target, start, end)
    copy_part(source, target, position, size_of(source))


def _read(file: IO[bytes], position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)
