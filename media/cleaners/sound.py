"""MP3 and FLAC: the sound is copied, and nothing of what is before, after and between."""

import struct
from typing import IO, Final

from media.cleaners.streams import copy_part, damaged, size_of
from media.cleaners.xiph import NEEDED_FLAC_BLOCKS

# Of MPEG layer III, by version (2.5, none, 2, 1): thousands of bits per second, and samples per second.
_BITRATES: Final = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES: Final = {0: (11_025, 12_000, 8_000), 2: (22_050, 24_000, 16_000), 3: (44_100, 48_000, 32_000)}
_CHUNK: Final = 64 * 1024


def clean_mp3(source: IO[bytes], target: IO[bytes]) -> None:
    """Keep only the frames of sound. Tags of any kind (ID3, APE, Lyrics3) are not, wherever they are.

    Sources: ISO/IEC 11172-3, https://id3.org/id3v2.4.0-structure.
    """
    end = size_of(source)
    position = _after_tags(source, 0)
    kept = False
    while position < end:
        run_end, tags_end = _end_of_frames(source, position, end), _after_tags(source, position)
        if run_end > position:
            copy_part(source, target, position, run_end)
            kept, position = True, run_end
        else:
            position = tags_end if tags_end > position else _next_frames(source, position, end)
    if not kept:
        raise damaged()


def clean_flac(source: IO[bytes], target: IO[bytes]) -> None:
    """Keep only the metadata blocks that decoders need, and the frames. Source: RFC 9639, 8."""
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
    copy_part(source, target, position, _before_tags(source, position, size_of(source)))


def _after_tags(file: IO[bytes], start: int) -> int:
    """Return where the ID3 tags end that begin here."""
    while len(header := _read(file, start, 10)) == 10 and header[:3] == b"ID3":
        size = sum((byte & 0x7F) << shift for byte, shift in zip(header[6:], (21, 14, 7, 0), strict=True))
        start += 10 + size + (10 if header[5] & 0x10 else 0)
    return start


def _before_tags(file: IO[bytes], start: int, end: int) -> int:
    """Return where the ID3 and APE tags begin that end here."""
    if _read(file, max(start, end - 128), 3) == b"TAG":
        end -= 128
    footer = _read(file, max(start, end - 32), 32)
    if footer.startswith(b"APETAGEX"):
        size, flags = struct.unpack("<I4xI", footer[12:24])
        end -= size + (32 if flags & 0x80000000 else 0)
    return max(start, end)


def _end_of_frames(file: IO[bytes], start: int, end: int) -> int:
    """Return where the frames end that begin here, one after the other. A single one counts only if nothing follows."""
    position, count = start, 0
    part, part_start = b"", start
    while position + 4 <= end:
        if not part_start <= position <= part_start + len(part) - 4:
            part, part_start = _read(file, position, _CHUNK), position
        offset = position - part_start
        length = _frame_length(part[offset : offset + 4])
        if not length or position + length > end:
            break
        position, count = position + length, count + 1
    return position if count > 1 or position == end else start


def _next_frames(file: IO[bytes], position: int, end: int) -> int:
    """Return where the next frames begin after this position, or the end."""
    position += 1
    while position + 4 <= end:
        part = _read(file, position, _CHUNK)
        offset = part.find(b"\xff")
        while 0 <= offset <= len(part) - 4:
            # Another frame follows, or nothing. Not the whole run, which a hostile file could make us read many times.
            length = _frame_length(part[offset : offset + 4])
            following = position + offset + length
            if length and (following == end or _frame_length(_read(file, following, 4))):
                return position + offset
            offset = part.find(b"\xff", offset + 1)
        # The last three bytes may begin a header.
        position += max(len(part) - 3, 1)
    return end


def _frame_length(header: bytes) -> int:
    """Return how many bytes the frame with this header has; 0 if it is none, or doesn't say."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, bitrate, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or bitrate in {0, 15} or rate == 3:
        return 0
    kilobits = _BITRATES[1 if version == 3 else 2][bitrate]
    samples = 144 if version == 3 else 72
    return samples * 1000 * kilobits // _RATES[version][rate] + (header[2] >> 1 & 1)


def _read(file: IO[bytes], position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)
