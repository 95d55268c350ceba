"""Windows metafiles (EMF, WMF), images in office files: descriptions and comments are overwritten.

Sources: the specifications MS-EMF, MS-EMFPLUS and MS-WMF (Microsoft). No maintained library with a permissive licence
does this.
"""

import gzip
import io
import re
import struct
from collections.abc import Collection
from typing import Final

from media.cleaners.streams import damaged, too_complex, unsupported_type

_MAX_RECORDS: Final = 1_000_000
_MAX_UNPACKED: Final = 100 * 1024 * 1024
# Types of EMF records: the last one, and a comment. Comments can contain drawing instructions (EMF+), or anything.
_EMF_END, _EMF_COMMENT = 14, 70
# Commands for the printer, such as a page in PostScript.
_EMF_ESCAPES: Final = {105, 106, 110}
# Types of EMF+ records: the first one, which says whether EMF alone draws the same, a comment, and an object.
_PLUS_HEADER, _PLUS_COMMENT, _PLUS_OBJECT = 0x4001, 0x4003, 0x4008
# Types of EMF+ objects that may contain an image: brushes, pens, images.
_PLUS_WITH_IMAGE: Final = {1, 2, 5}
# An image stored as a file, such as a JPEG or another drawing, instead of pixels. It begins with a version and a type.
_PLUS_IMAGE_FILE: Final = re.compile(rb"\xc0\xdb(?:\x01\0\0\0.{16}\x01\0\0\0|\x02\0\0\0)", re.DOTALL)
# An image for printers that is a JPEG or PNG instead of pixels: its header, with planes, depth and compression.
_PACKED_BITMAP: Final = re.compile(rb"[\x28\x6c\x7c]\0\0\0.{8}\x01\0..[\x04\x05]\0\0\0", re.DOTALL)
# Types of WMF records: the last one, and a command for the printer, which can be a comment.
_WMF_END, _WMF_ESCAPE = 0, 0x0626
_PLACEABLE: Final = b"\xd7\xcd\xc6\x9a"


def clean_metafile(content: bytes) -> bytes:
    """Return an EMF or WMF, compressed or not, without descriptions and comments. Raises ValidationError."""
    if content.startswith(b"\x1f\x8b"):
        with gzip.open(io.BytesIO(content)) as packed:
            unpacked = packed.read(_MAX_UNPACKED + 1)
        if len(unpacked) > _MAX_UNPACKED:
            raise too_complex()
        return gzip.compress(clean_metafile(unpacked), mtime=0)
    return _clean_emf(content) if content[40:44] == b" EMF" else _clean_wmf(content)


def _clean_emf(content: bytes) -> bytes:
    cleaned, position = bytearray(content), 0
    instructions: list[tuple[int, int]] = []
    for _number in range(_MAX_RECORDS):
        kind, size = struct.unpack_from("<II", content, position)
        end = position + size
        if size < 8 or size % 4 or end > len(content) or (kind == 1) != (position == 0):
            raise damaged()
        if kind == 1:
            # A description: the names of the program and the drawing. Source: MS-EMF, 2.2.9.
            count, start = struct.unpack_from("<II", content, 60)
            if start and start + 2 * count <= size:
                cleaned[start : start + 2 * count] = bytes(2 * count)
            cleaned[60:68] = bytes(8)
        elif kind == _EMF_COMMENT and content[position + 12 : position + 16] == b"EMF+":
            (length,) = struct.unpack_from("<I", content, position + 8)
            instructions.append((position + 16, min(position + 12 + length, end)))
        elif kind == _EMF_COMMENT or kind in _EMF_ESCAPES:
            cleaned[position + 12 : end] = bytes(max(0, size - 12))
        elif _PACKED_BITMAP.search(content, position + 8, end):
            raise unsupported_type(".emf", ".png")
        position = end
        if kind == _EMF_END:
            cleaned[48:52] = struct.pack("<I", position)
            _clean_instructions(cleaned, instructions)
            return bytes(cleaned[:position])
    raise too_complex()


def _clean_instructions(drawing: bytearray, places: Collection[tuple[int, int]]) -> None:
    """Overwrite the comments among EMF+ instructions, or all instructions if one contains an image stored as a file.

    Raises ValidationError if there is such an image, and EMF alone doesn't draw the same.
    """
    is_dual = has_file = False
    for start, end in places:
        while start < end:
            kind, flags, size = struct.unpack_from("<HHI", drawing, start)
            following = start + size
            if size < 12 or following > end:
                raise damaged()
            if kind == _PLUS_HEADER:
                is_dual = bool(flags & 1)
            elif kind == _PLUS_COMMENT:
                drawing[start + 12 : following] = bytes(size - 12)
            elif kind == _PLUS_OBJECT and flags >> 8 & 0x7F in _PLUS_WITH_IMAGE:
                has_file = has_file or _PLUS_IMAGE_FILE.search(drawing, start, following) is not None
            start = following
    if has_file and not is_dual:
        raise unsupported_type(".emf", ".png")
    if has_file:
        for start, end in places:
            # Including the signature that distinguishes them from other comments.
            drawing[start - 4 : end] = bytes(end - start + 4)


def _clean_wmf(content: bytes) -> bytes:
    cleaned = bytearray(content)
    position = 22 if content.startswith(_PLACEABLE) else 0
    kind, header_words = struct.unpack_from("<HH", content, position)
    if kind not in {1, 2} or header_words != 9:
        raise damaged()
    position += 18
    for _number in range(_MAX_RECORDS):
        words, function = struct.unpack_from("<IH", content, position)
        end = position + 2 * words
        if words < 3 or end > len(content):
            raise damaged()
        if function == _WMF_ESCAPE:
            cleaned[position + 10 : end] = bytes(max(0, 2 * words - 10))
        elif _PACKED_BITMAP.search(content, position + 6, end):
            raise unsupported_type(".wmf", ".png")
        position = end
        if function == _WMF_END:
            return bytes(cleaned[:position])
    raise too_complex()
