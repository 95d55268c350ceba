"""The frames of video: a cleaner for each codec, which works in place.

H.264, H.265 and AV1 have their own modules. Sources: ISO/IEC 10918-1, annex B (Motion JPEG), ISO/IEC 15444-1, annex A
(JPEG 2000), ISO/IEC 13818-2 and 14496-2, 6.2.2 (MPEG), SMPTE 421M, annex E (VC-1), IEC 61834-2 and -4 (DV), SMPTE RDD
36 (ProRes), SMPTE ST 2019-1 (VC-3, also called DNxHD and DNxHR).
"""

import re
from collections.abc import Callable
from functools import partial
from typing import IO, Final

from media.cleaners.nal_units import units_in
from media.cleaners.streams import damaged, overlapping_parts, read_at, unsupported_stream, write_at, write_zeros

# Overwrites the metadata between two positions of the second file, which is a copy of the first.
type CleanFrames = Callable[[IO[bytes], IO[bytes], int, int], None]

_JPEG_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_BEGIN_OF_IMAGE, _END_OF_IMAGE, _SCAN = 0xD8, 0xD9, 0xDA
# Segments that describe a frame, and the application segments that decoders need, with their maximum length.
_DESCRIBING: Final = range(0xC0, 0xE0)
_NEEDED: Final = re.compile(
    rb"\xe0..(?:JFIF\0|AVI1|LJIF)|\xe1..\0{4}mjpg|\xee..Adobe"
    rb"|\xfe..(?:CS=ITU601|AVID|MULTISCOPE II|Intel\(R\) JPEG Library|Metasoft MJPEG Codec)",
    re.DOTALL,
)
_LONGEST_NEEDED: Final = 64
# JPEG 2000: the beginning of a codestream, the boxes that may enclose or precede it, and its markers.
_CODESTREAM: Final = b"\xff\x4f\xff\x51"
_BOX_OF_CODESTREAM, _BOXES_BEFORE = b"jp2c", {b"jP  ", b"ftyp", b"jp2h"}
_COMMENT, _TILE, _TILE_DATA, _END_OF_CODESTREAM = b"\xff\x64", b"\xff\x90", b"\xff\x93", b"\xff\xd9"
# User data in MPEG that is kept: captions, shapes of frames and stereo views, by their beginnings, and names of
# encoders, whose bugs decoders work around.
_USER_DATA: Final = b"\xb2"
# VC-1 has five kinds.
_USER_DATA_OF_VC1: Final = b"\x1b\x1c\x1d\x1e\x1f"
_NEEDED_USER_DATA: Final = re.compile(
    rb"(?:GA94|DTG1|JP3D|CC\x01|\x03[\x80\x81]).*|(?:DivX|XviD|Lavc|FFmp|ffmpeg)[\w .:/+-]*\0*", re.DOTALL
)
_LONGEST_ENCODER: Final = 64
# DV consists of blocks. By the type of a block: the offsets of its packs of five bytes.
_BLOCK: Final = 80
_PACKS: Final = {1: range(6, 54, 8), 2: range(3, 78, 5), 3: range(3, 4)}
_PACK_LENGTH: Final = 5
# The packs that decoders need, and captions. Others contain dates, times and camera settings.
_NEEDED_PACKS: Final = {0x50, 0x51, 0x55, 0x60, 0x61, 0x65, 0xFF}
# ProRes: the box around a frame, the length of the header before its matrices, and the length of these.
_PRORES: Final = b"icpf"
_PRORES_HEADER, _PRORES_MATRIX = 20, 64
# VC-3: the header of a frame, up to the number of its compression.
_VC3: Final = re.compile(rb"\0\0[\x02-\x7f].[\x01-\x03].{35}\0\0\x04[\xd3-\xfa]", re.DOTALL)
_VC3_LENGTH: Final = 44
# The fields, from the beginning of the header, with the time code and with user data.
_VC3_TIME_CODE, _VC3_USER_DATA = (0x30, 0x5F), (0x60, 0x164)


def keep_frames(source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    """Leave frames as they are, because they have no metadata."""


def clean_jpegs(source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    """Overwrite everything in JPEG frames but the compressed data and what is needed to decode it."""
    if end - start > 1 and read_at(source, start, 2) != b"\xff\xd8":
        raise unsupported_stream()
    is_scan = False
    while start < end:
        marker = _next_marker(source, start, end)
        if not is_scan:
            write_zeros(target, start, marker)
        segment = read_at(source, marker + 1, min(_LONGEST_NEEDED, max(0, end - marker - 1)))
        code = segment[0] if segment else _END_OF_IMAGE
        start, is_scan = marker + 2, code == _SCAN
        if code not in {_BEGIN_OF_IMAGE, _END_OF_IMAGE}:
            start = min(start + int.from_bytes(segment[1:3]), end)
            is_needed = start - marker <= _LONGEST_NEEDED and _NEEDED.match(segment)
            if not (code in _DESCRIBING or is_needed):
                write_zeros(target, marker + 4, start)


def _next_marker(file: IO[bytes], start: int, end: int) -> int:
    """Return the position of the next marker of a JPEG, or the end."""
    for position, part in overlapping_parts(file, start, end, overlap=1):
        if marker := _JPEG_MARKER.search(part):
            return position + marker.start()
    return end


def clean_jpeg2000(source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    """Overwrite comments in a JPEG 2000 frame (a codestream, alone or in boxes), and whatever follows it."""
    has_image = False
    while start < end:
        header = read_at(source, start, min(8, end - start))
        size, kind = int.from_bytes(header[:4]), header[4:]
        if header.startswith(_CODESTREAM):
            start, has_image = _clean_codestream(source, target, start + 2, end), True
        elif kind == _BOX_OF_CODESTREAM:
            start += 8
        elif kind in _BOXES_BEFORE and size >= 8:
            start += size
        elif has_image:
            write_zeros(target, start, end)
            return
        else:
            raise unsupported_stream()


def _clean_codestream(source: IO[bytes], target: IO[bytes], start: int, end: int) -> int:
    """Overwrite the comments in the headers of a codestream and of its tiles, and return where it ends."""
    tile_end = end
    while start < end:
        segment = read_at(source, start, min(12, end - start))
        marker, following = segment[:2], start + 2 + int.from_bytes(segment[2:4])
        if marker == _END_OF_CODESTREAM:
            return start + 2
        if marker == _TILE:
            # The last tile may have no length. It is refused, because another frame may follow.
            tile_end = start + int.from_bytes(segment[6:10])
        elif marker == _TILE_DATA:
            following = tile_end
        elif marker == _COMMENT:
            write_zeros(target, start + 4, min(following, end))
        if not marker.startswith(b"\xff") or following <= start:
            raise unsupported_stream()
        start = following
    return end


def clean_mpeg(source: IO[bytes], target: IO[bytes], start: int, end: int, user_data: bytes = _USER_DATA) -> None:
    """Overwrite user data that decoders don't need in MPEG-1, MPEG-2 and MPEG-4. It follows a start code."""
    for unit, unit_end in units_in(source, start, end):
        if read_at(source, unit, 1) in user_data:
            data = read_at(source, unit + 1, max(0, min(_LONGEST_ENCODER, unit_end - unit - 1)))
            if not _NEEDED_USER_DATA.fullmatch(data):
                write_zeros(target, unit + 1, unit_end)


clean_vc1: Final[CleanFrames] = partial(clean_mpeg, user_data=_USER_DATA_OF_VC1)


def clean_dv(source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    """Overwrite dates, times and camera settings in DV frames."""
    for position in range(start, end, _BLOCK * 800):
        part = bytearray(read_at(source, position, min(_BLOCK * 800, end - position)))
        for number, first in enumerate(part[::_BLOCK]):
            for offset in _PACKS.get(first >> 5, ()):
                place = number * _BLOCK + offset
                pack = part[place : place + _PACK_LENGTH]
                if pack and pack[0] not in _NEEDED_PACKS:
                    part[place : place + _PACK_LENGTH] = b"\xff" * len(pack)
        write_at(target, position, part)


def clean_prores(source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    """Overwrite what the headers of ProRes frames don't need, and what follows their images."""
    while start < end:
        header = read_at(source, start, min(8, end - start))
        frame_end = start + int.from_bytes(header[:4])
        if header[4:] != _PRORES or not start + 8 < frame_end <= end:
            raise unsupported_stream()
        clean_prores_frame(source, target, start + 8, frame_end)
        start = frame_end


def clean_prores_frame(source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    """Clean one frame, without the box around it."""
    header = read_at(source, start, min(_PRORES_HEADER, end - start))
    if len(header) < _PRORES_HEADER:
        raise unsupported_stream()
    matrices = (header[19] & 3).bit_count()
    position = start + int.from_bytes(header[:2])
    write_zeros(target, start + _PRORES_HEADER + _PRORES_MATRIX * matrices, min(position, end))
    # Interlaced frames consist of two images. The length of an image follows the length of its header.
    for _image in range(2 if header[12] & 0xC else 1):
        position += int.from_bytes(read_at(source, position + 1, 4))
    if position > end:
        raise damaged()
    write_zeros(target, position, end)


def clean_dnxhd(source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    """Overwrite time codes and user data in the headers of VC-3 frames, which don't state their length."""
    if start < end and not _VC3.match(read_at(source, start, min(_VC3_LENGTH, end - start))):
        raise unsupported_stream()
    for position, part in overlapping_parts(source, start, end, overlap=_VC3_LENGTH - 1):
        for header in _VC3.finditer(part):
            for first, last in (_VC3_TIME_CODE, _VC3_USER_DATA):
                begin = position + header.start()
                write_zeros(target, begin + first, min(begin + last, end))
