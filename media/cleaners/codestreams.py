"""Removing metadata from JPEG, JPEG 2000 and colour profiles in documents, without decoding them."""

import re
import struct
from typing import Final

from media.cleaners.streams import damaged, too_complex

# A marker that is neither an escaped byte of compressed data nor a restart marker.
_MARKER: Final = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
_END_OF_IMAGE, _SCAN = 0xD9, 0xDA
# Segments that describe the image. The others are application segments and comments.
_DESCRIBING: Final = range(0xC0, 0xE0)
# Application segments that describe the colours. A longer one contains a thumbnail.
_NEEDED_SEGMENT: Final = re.compile(rb"\xff\xe0\0\x10JFIF\0.{9}|\xff\xee\0\x0eAdobe.{7}", re.DOTALL)
_MAX_SEGMENTS: Final = 1_000
_MAX_BOXES: Final = 1_000
# The boxes of a JPEG 2000 file that decoders need. Source: ISO/IEC 15444-1, annex I.
_NEEDED_BOXES: Final = {b"jP  ", b"ftyp", b"jp2h", b"jp2c"}
_JPEG2000: Final = b"\xff\x4f\xff\x51"
# Colour profiles: their beginning, the length of the header, the maximum number of tags, the tags with colours, and the
# required tags, which become empty. Others may have the serial number of a display. Source: ICC.1:2022, 7 and 9.
_PROFILE: Final = re.compile(rb".{36}acsp", re.DOTALL)
_PROFILE_HEADER, _MAX_TAGS = 128, 200
_COLOR_TAGS: Final = frozenset(
    b"wtpt bkpt rXYZ gXYZ bXYZ rTRC gTRC bTRC kTRC chad chrm lumi gamt cicp A2B0 A2B1 A2B2 B2A0 B2A1 B2A2 D2B0 D2B1"
    b" D2B2 D2B3 B2D0 B2D1 B2D2 B2D3".split()
)
_EMPTIED_TAGS: Final = {b"desc", b"cprt"}
_NEUTRAL_DATE: Final = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)


def strip_jpeg(content: bytes) -> bytes:
    """Return a JPEG without metadata: application segments other than JFIF and Adobe, comments, trailing data.

    Bytes between segments are left out as well, unless they are the compressed data of a scan.
    """
    position, kept, is_scan = 2, [content[:2]], False
    while (marker := _MARKER.search(content, position)) is not None:
        code, start = marker[1][0], marker.start()
        if is_scan:
            kept.append(content[position:start])
        if code == _END_OF_IMAGE:
            return b"".join([*kept, marker[0]])
        position = start + 2 + int.from_bytes(content[start + 2 : start + 4])
        segment = content[start:position]
        if code in _DESCRIBING or _NEEDED_SEGMENT.fullmatch(segment):
            kept.append(segment)
        is_scan = code == _SCAN
        if position >= len(content):
            return b"".join(kept)
    return b"".join([*kept, content[position:] if is_scan else b""])


def blank_jpeg(content: bytearray, start: int) -> int:
    """Overwrite the metadata before the first scan of the JPEG that begins at `start`, and return where it ends."""
    position = start + 2
    for _number in range(_MAX_SEGMENTS):
        marker = _MARKER.match(content, position)
        if marker is None or marker[1][0] in {_SCAN, _END_OF_IMAGE}:
            return position
        end = position + 2 + int.from_bytes(content[position + 2 : position + 4])
        segment = bytes(content[position:end])
        if not (marker[1][0] in _DESCRIBING or _NEEDED_SEGMENT.fullmatch(segment)):
            content[position + 4 : end] = bytes(len(segment[4:]))
        position = end
    raise too_complex()


def strip_jpeg2000(content: bytes) -> bytes:
    """Return a JPEG 2000 without metadata: boxes that decoders don't need, and comments. Raises ValidationError."""
    if content.startswith(_JPEG2000):
        return _strip_codestream(content)
    position = 0
    kept: list[bytes] = []
    for _number in range(_MAX_BOXES):
        if position + 8 > len(content):
            return b"".join(kept)
        size, kind = int.from_bytes(content[position : position + 4]), content[position + 4 : position + 8]
        body = position + 8
        if size == 1:
            size, body = int.from_bytes(content[body : body + 8]), body + 8
        end = position + size if size else len(content)
        if not body <= end <= len(content):
            raise damaged()
        if kind == b"jp2c":
            stripped = _strip_codestream(content[body:end])
            kept.append((len(stripped) + 8).to_bytes(4) + kind + stripped)
        elif kind in _NEEDED_BOXES:
            kept.append(content[position:end])
        position = end
    raise too_complex()


def _strip_codestream(content: bytes) -> bytes:
    """Remove the comments of the main header."""
    position, kept = 2, [content[:2]]
    # Up to the first tile.
    while (marker := content[position : position + 2]) != b"\xff\x90":
        end = position + 2 + int.from_bytes(content[position + 2 : position + 4])
        if not marker.startswith(b"\xff") or end <= position + 3:
            raise damaged()
        if marker != b"\xff\x64":
            kept.append(content[position:end])
        position = end
    return b"".join([*kept, content[position:]])


def strip_profile(content: bytes) -> bytes:
    """Return a colour profile of the same length without dates, devices, names and additions by programs."""
    if not _PROFILE.match(content) or len(content) < _PROFILE_HEADER + 4:
        return content
    (count,) = struct.unpack_from(">I", content, _PROFILE_HEADER)
    table = _PROFILE_HEADER + 4
    rows = content[table : table + 12 * min(count, _MAX_TAGS)]
    kept, cleaned = [], bytearray(len(content))
    for tag, start, length in struct.iter_unpack(">4sII", rows[: len(rows) // 12 * 12]):
        if tag in _COLOR_TAGS or tag in _EMPTIED_TAGS:
            kept.append(struct.pack(">4sII", tag, start, length))
            # The first bytes state the type of the tag.
            part = content[start : start + (length if tag in _COLOR_TAGS else 8)]
            cleaned[start : start + len(part)] = part
    # Programs, the system, the manufacturer, the model and a checksum.
    header = bytearray(content[:_PROFILE_HEADER])
    header[4:8], header[24:36], header[40:44] = bytes(4), _NEUTRAL_DATE, bytes(4)
    header[48:56], header[80:100] = bytes(8), bytes(20)
    cleaned[: table + 12 * len(kept)] = header + struct.pack(">I", len(kept)) + b"".join(kept)
    return bytes(cleaned)
