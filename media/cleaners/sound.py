"""MP3 and FLAC: the audio is copied, and nothing before, after and between its frames."""

import re
import struct
from collections.abc import Iterator
from os import SEEK_END
from typing import IO, Final

from media.cleaners.streams import CHUNK, copy_part, damaged, overlapping_parts, read_at, size_of, write_zeros
from media.cleaners.xiph import NEEDED_FLAC_BLOCKS

# MPEG layer III, by version (2.5, none, 2, 1): bit rates in kbit/s, and sample rates in Hz.
_BITRATES: Final = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES: Final = {0: (11_025, 12_000, 8_000), 2: (22_050, 24_000, 16_000), 3: (44_100, 48_000, 32_000)}
# The beginning of a frame that describes the others, up to the flags of its fields, whose sizes are given by flag. The
# name and version of the encoder follow, and settings such as how many samples it has added, which players leave out.
_DESCRIPTION: Final = re.compile(rb".{13,38}?(?:Xing|Info)\0{3}(?P<fields>.)", re.DOTALL)
_FIELDS: Final = {1: 4, 2: 4, 4: 100, 8: 4}
_ENCODER: Final = re.compile(rb"(?:LAME|Lav[cf])[0-9.]*[a-z]?[0-9.]*[ \0]*")
_LENGTH_OF_TAG: Final = 36
# The beginning of a FLAC frame, and the length of the longest header. Its number follows four bytes, in up to seven.
_FLAC_FRAME: Final = re.compile(rb"\xff[\xf8\xf9][\x10-\xff].", re.DOTALL)
_LONGEST_HEADER: Final = 16
# The fields that all frames of a recording share: how blocks are counted, the sample rate and the bits per sample.
_SHARED_FIELDS: Final = 0xFFFF0F0F
# How many bytes follow the number, by the first and second half of the third byte.
_BLOCK_SIZE, _SAMPLE_RATE = {6: 1, 7: 2}, {12: 1, 13: 2, 14: 2}
# In bytes, with eight channels of 32 bits.
_LONGEST_FRAME: Final = 2 * 1024 * 1024
_CRC_8, _CRC_16 = 0x07, 0x8005


def clean_mp3(source: IO[bytes], target: IO[bytes]) -> None:
    """Keep only the audio frames. Tags of any kind (ID3, APE, Lyrics3) are left out, wherever they are.

    Sources: ISO/IEC 11172-3, https://id3.org/id3v2.4.0-structure.
    """
    end = size_of(source)
    position = _after_tags(source, 0)
    kept = False
    while position < end:
        run_end, tags_end = _end_of_frames(source, position, end), _after_tags(source, position)
        if run_end > position:
            start = target.tell()
            copy_part(source, target, position, run_end)
            _clean_first_frame(source, target, position, start)
            kept, position = True, run_end
        else:
            position = tags_end if tags_end > position else _next_frames(source, position, end)
    if not kept:
        raise damaged()


def _clean_first_frame(source: IO[bytes], target: IO[bytes], position: int, start: int) -> None:
    """Overwrite the name of an unknown encoder in the frame at `position`, which is at `start` in the copy.

    The first frame may describe the others instead of having sound. Source: LAME, the Mp3 Info Tag revision 1.
    """
    frame = read_at(source, position, _frame_length(read_at(source, position, 4)))
    if description := _DESCRIPTION.match(frame):
        fields = description["fields"][0]
        encoder = description.end() + sum(size for flag, size in _FIELDS.items() if fields & flag)
        after = encoder + (_LENGTH_OF_TAG if _ENCODER.fullmatch(frame[encoder : encoder + 9]) else 0)
        write_zeros(target, start + after, start + len(frame))
        target.seek(0, SEEK_END)


def clean_flac(source: IO[bytes], target: IO[bytes]) -> None:
    """Keep only the metadata blocks that decoders need, and the frames, and no tags. Source: RFC 9639, 8."""
    start = _after_tags(source, 0)
    if read_at(source, start, 4) != b"fLaC":
        raise damaged()
    position, kept, is_last = start + 4, [], False
    while not is_last and len(header := read_at(source, position, 4)) == 4:
        is_last, kind = bool(header[0] & 0x80), header[0] & 0x7F
        end = position + 4 + int.from_bytes(header[1:])
        if kind in NEEDED_FLAC_BLOCKS:
            kept.append((kind, position + 1, end))
        position = end
    if not kept:
        raise damaged()
    target.write(b"fLaC")
    for number, (kind, begin, end) in enumerate(kept, start=1):
        target.write(bytes([kind | (0x80 if number == len(kept) else 0)]))
        copy_part(source, target, begin, end)
    copy_part(source, target, position, _end_of_flac(source, position, _before_tags(source, position, size_of(source))))


def _after_tags(file: IO[bytes], start: int) -> int:
    """Return the end of the ID3 tags that begin at `start`."""
    while len(header := read_at(file, start, 10)) == 10 and header[:3] == b"ID3":
        size = sum((byte & 0x7F) << shift for byte, shift in zip(header[6:], (21, 14, 7, 0), strict=True))
        start += 10 + size + (10 if header[5] & 0x10 else 0)
    return start


def _before_tags(file: IO[bytes], start: int, end: int) -> int:
    """Return the beginning of the ID3 and APE tags that end at `end`."""
    if read_at(file, max(start, end - 128), 3) == b"TAG":
        end -= 128
    footer = read_at(file, max(start, end - 32), 32)
    if footer.startswith(b"APETAGEX"):
        size, flags = struct.unpack("<I4xI", footer[12:24])
        end -= size + (32 if flags & 0x80000000 else 0)
    return max(start, end)


def _end_of_flac(file: IO[bytes], start: int, end: int) -> int:
    """Return where the last FLAC frame ends. Raises ValidationError if that can't be determined.

    Frames don't state their length, but end with a checksum, which may also occur inside them by chance.
    """
    if (begin := _last_flac_frame(file, start, end)) is None:
        return end
    ends = _possible_ends(file, begin, end)
    if end in ends:
        return end
    # Zeros after the checksum don't change the result. The first of them may be part of the checksum.
    first = [place for place in ends if place - 1 not in ends]
    if len(first) != 1:
        raise damaged()
    return max({first[0], first[0] + 1} & ends)


def _last_flac_frame(file: IO[bytes], start: int, end: int) -> int | None:
    """Return where the last frame begins; None if there is none."""
    found, last, shared = None, -1, 0
    for position, part in overlapping_parts(file, start, end, overlap=_LONGEST_HEADER):
        padded = part + bytes(_LONGEST_HEADER)
        for match in _FLAC_FRAME.finditer(padded, 0, len(part)):
            header = padded[match.start() : match.start() + _LONGEST_HEADER]
            number, fields = _number_of_flac(header), int.from_bytes(header[:4]) & _SHARED_FIELDS
            # Others are bytes within a frame that look like a header.
            if number < 0 or fields != (shared or fields):
                continue
            begin, shared = position + match.start(), fields
            # Another recording may follow, with numbers from 0. There may be something else before it.
            if number == 0 and found is not None and begin not in {found, *_possible_ends(file, found, begin)}:
                return found
            if number > last or number == 0:
                found, last = begin, number
    return found


def _possible_ends(file: IO[bytes], begin: int, end: int) -> set[int]:
    """Return the places, not after `end`, at which the frame that begins here may end."""
    content = read_at(file, begin, min(_LONGEST_FRAME, end - begin))
    return {begin + size for size, crc in enumerate(_checksums(content), start=1) if not crc}


def _number_of_flac(header: bytes) -> int:
    """Return the number of the frame or sample with which a frame begins; -1 if this isn't a header."""
    # As in UTF-8, the number of leading ones is the number of bytes.
    ones = 8 - (header[4] ^ 0xFF).bit_length()
    number_end = 4 + max(ones, 1)
    length = number_end + _BLOCK_SIZE.get(header[2] >> 4, 0) + _SAMPLE_RATE.get(header[2] & 15, 0)
    if ones in {1, 8} or any(byte >> 6 != 2 for byte in header[5:number_end]):
        return -1
    if _crc(header[:length], 8, _CRC_8) != header[length]:
        return -1
    number = header[4] & 0x7F >> ones
    for byte in header[5:number_end]:
        number = number << 6 | byte & 0x3F
    return number


def _crc(content: bytes, width: int, polynomial: int) -> int:
    """Return the CRC with this many bits."""
    crc = 0
    for byte in content:
        crc ^= byte << width - 8
        for _bit in range(8):
            crc = crc << 1 ^ (polynomial if crc >> width - 1 else 0)
            crc &= (1 << width) - 1
    return crc


def _checksums(content: bytes) -> Iterator[int]:
    """Yield the CRC-16 after each byte. After the bytes of the CRC itself, it is 0."""
    table = [_crc(bytes([byte]), 16, _CRC_16) for byte in range(256)]
    crc = 0
    for byte in content:
        crc = crc << 8 & 0xFFFF ^ table[crc >> 8 ^ byte]
        yield crc


def _end_of_frames(file: IO[bytes], start: int, end: int) -> int:
    """Return the end of the consecutive frames that begin at `start`. A single one counts only if nothing follows."""
    position, count = start, 0
    part, part_start = b"", start
    while position + 4 <= end:
        if not part_start <= position <= part_start + len(part) - 4:
            part, part_start = read_at(file, position, CHUNK), position
        offset = position - part_start
        length = _frame_length(part[offset : offset + 4])
        if not length or position + length > end:
            break
        position, count = position + length, count + 1
    return position if count > 1 or position == end else start


def _next_frames(file: IO[bytes], position: int, end: int) -> int:
    """Return where the next frames begin after this position, or the end."""
    for part_start, part in overlapping_parts(file, position + 1, end, overlap=3):
        offset = part.find(b"\xff")
        while 0 <= offset <= len(part) - 4:
            # Another frame must follow, or nothing. If the whole run were checked, a hostile file could make us read it
            # many times.
            length = _frame_length(part[offset : offset + 4])
            following = part_start + offset + length
            if length and (following == end or _frame_length(read_at(file, following, 4))):
                return part_start + offset
            offset = part.find(b"\xff", offset + 1)
    return end


def _frame_length(header: bytes) -> int:
    """Return the length in bytes of the frame with this header; 0 if it isn't a header, or doesn't state a length."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, bitrate, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or bitrate in {0, 15} or rate == 3:
        return 0
    kilobits = _BITRATES[1 if version == 3 else 2][bitrate]
    samples = 144 if version == 3 else 72
    return samples * 1000 * kilobits // _RATES[version][rate] + (header[2] >> 1 & 1)
