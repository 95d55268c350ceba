"""The frames of video that is stored between two steps of editing: ProRes, and DNxHD and DNxHR (VC-3).

They are cleaned in place. Sources: SMPTE RDD 36 (ProRes), SMPTE ST 2019-1 (VC-3).
"""

import re
from typing import IO, Final

from media.cleaners.streams import damaged, overlapping_parts, read_at, unsupported_stream, write_zeros

# ProRes: the box around a frame, the length of the header before its matrices, and the length of these.
_FRAME: Final = b"icpf"
_HEADER, _MATRIX = 20, 64
# VC-3: the header of a frame, up to the number of its compression.
_VC3: Final = re.compile(rb"\0\0[\x02-\x7f].[\x01-\x03].{35}\0\0\x04[\xd3-\xfa]", re.DOTALL)
_VC3_LENGTH: Final = 44
# The fields, from the beginning of the header, with the time code and with user data.
_TIME_CODE, _USER_DATA = (0x30, 0x5F), (0x60, 0x164)


def clean_prores(source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    """Overwrite what the headers of ProRes frames don't need, and what follows their images."""
    while start < end:
        header = read_at(source, start, min(8, end - start))
        frame_end = start + int.from_bytes(header[:4])
        if header[4:] != _FRAME or not start + 8 < frame_end <= end:
            raise unsupported_stream()
        clean_prores_frame(source, target, start + 8, frame_end)
        start = frame_end


def clean_prores_frame(source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    """Clean one frame, without the box around it."""
    header = read_at(source, start, min(_HEADER, end - start))
    if len(header) < _HEADER:
        raise unsupported_stream()
    matrices = (header[19] & 3).bit_count()
    position = start + int.from_bytes(header[:2])
    write_zeros(target, start + _HEADER + _MATRIX * matrices, min(position, end))
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
            for first, last in (_TIME_CODE, _USER_DATA):
                begin = position + header.start()
                write_zeros(target, begin + first, min(begin + last, end))
