"""JPEG and JPEG 2000 in documents, from which metadata is removed without decoding them."""

import re
from typing import Final

from media.cleaners.streams import damaged, too_complex

# Neither a byte of compressed data nor a point at which decoding can start again.
_MARKER: Final = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
_END_OF_IMAGE, _COMMENT = 0xD9, 0xFE
# How the colours are stored. A longer one has a thumbnail.
_NEEDED_SEGMENT: Final = re.compile(rb"\xff\xe0\0\x10JFIF\0.{9}|\xff\xee\0\x0eAdobe.{7}", re.DOTALL)
_MAX_BOXES: Final = 1_000
# The boxes of a JPEG 2000 file that decoders need. Source: ISO/IEC 15444-1, annex I.
_NEEDED_BOXES: Final = {b"jP  ", b"ftyp", b"jp2h", b"jp2c"}
_JPEG2000: Final = b"\xff\x4f\xff\x51"


def strip_jpeg(content: bytes) -> bytes:
    """Return a JPEG without metadata: application segments other than JFIF's and Adobe's, comments, what follows it."""
    position, kept = 2, [content[:2]]
    while (marker := _MARKER.search(content, position)) is not None:
        # Before a marker is compressed data.
        kept.append(content[position : marker.start()])
        code, start = marker[1][0], marker.start()
        if code == _END_OF_IMAGE:
            return b"".join([*kept, marker[0]])
        position = start + 2 + int.from_bytes(content[start + 2 : start + 4])
        segment = content[start:position]
        if not (0xE0 <= code <= 0xEF or code == _COMMENT) or _NEEDED_SEGMENT.fullmatch(segment):
            kept.append(segment)
        if position >= len(content):
            return b"".join(kept)
    return b"".join([*kept, content[position:]])


def strip_jpeg2000(content: bytes) -> bytes:
    """Return a JPEG 2000 without its metadata: boxes that decoders don't need, and comments. Raises ValidationError."""
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
