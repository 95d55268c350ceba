"""Images of Windows (EMF, WMF), which office files contain: descriptions and comments are overwritten.

Sources: the specifications MS-EMF and MS-WMF (Microsoft). No maintained library with a permissive licence does this.
"""

import gzip
import io
import struct
from typing import Final

from media.cleaners.streams import damaged, too_complex

_MAX_RECORDS: Final = 1_000_000
_MAX_UNPACKED: Final = 100 * 1024 * 1024
# Types of records of EMF: the last one, and a comment. Comments can hold drawing instructions (EMF+), or anything.
_EMF_END, _EMF_COMMENT = 14, 70
# Of WMF: the last one, and a command for the printer, which can be a comment.
_WMF_END, _WMF_ESCAPE = 0, 0x0626
_PLACEABLE: Final = b"\xd7\xcd\xc6\x9a"


def clean_metafile(content: bytes) -> bytes:
    """Return an EMF or WMF, packed or not, without descriptions and comments. Raises ValidationError."""
    if content.startswith(b"\x1f\x8b"):
        with gzip.open(io.BytesIO(content)) as packed:
            unpacked = packed.read(_MAX_UNPACKED + 1)
        if len(unpacked) > _MAX_UNPACKED:
            raise too_complex()
        return gzip.compress(clean_metafile(unpacked), mtime=0)
    return _clean_emf(content) if content[40:44] == b" EMF" else _clean_wmf(content)


def _clean_emf(content: bytes) -> bytes:
    cleaned, position = bytearray(content), 0
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
        elif kind == _EMF_COMMENT and content[position + 12 : position + 16] != b"EMF+":
            cleaned[position + 12 : end] = bytes(max(0, size - 12))
        position = end
        if kind == _EMF_END:
            cleaned[48:52] = struct.pack("<I", position)
            return bytes(cleaned[:position])
    raise too_complex()


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
        position = end
        if function == _WMF_END:
            return bytes(cleaned[:position])
    raise too_complex()
