"""Finding markers in files and data that were made from marked files."""

import base64
import binascii
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import zstandard

# Eleven characters, which fit everywhere.
_MARK: Final = re.compile(rb"PLANTED[0-9]{4}")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/\r\n]{15,}={0,2}")
_HEX: Final = re.compile(rb"(?:[0-9A-Fa-f]{2}\s*){11,}")
_ZLIB: Final = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_GZIP: Final = re.compile(rb"\x1f\x8b\x08")
_ZSTD: Final = re.compile(rb"\x28\xb5\x2f\xfd")
_MAX_UNPACKED: Final = 4 * 1024 * 1024
_MAX_DEPTH: Final = 4


def marks_in(content: bytes) -> set[str]:
    """Return the markers in `content`: as text with one or two bytes per character, base64, digits, or compressed."""
    found: set[str] = set()
    for part in unpacked(content):
        for text in (part, part.translate(None, b"\0")):
            found |= {mark.decode() for mark in _MARK.findall(text)}
    return found


def unpacked(content: bytes, depth: int = 0, *, decode: bool = True) -> Iterator[bytes]:
    """Yield `content` and its decompressed parts, and with `decode` also its decoded parts, recursively."""
    yield content
    if depth < _MAX_DEPTH:
        for part in _decompressed(content):
            yield from unpacked(part, depth + 1, decode=decode)
        if decode:
            for part in _decoded(content):
                yield from unpacked(part, depth + 1, decode=False)


def _decompressed(content: bytes) -> Iterator[bytes]:
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
        return
    for pattern, bits in ((_ZLIB, zlib.MAX_WBITS), (_GZIP, zlib.MAX_WBITS | 16)):
        for start in pattern.finditer(content):
            with suppress(zlib.error):
                yield zlib.decompressobj(bits).decompress(content[start.start() :], _MAX_UNPACKED)
    for start in _ZSTD.finditer(content):
        with suppress(zstandard.ZstdError):
            yield zstandard.ZstdDecompressor().decompressobj().decompress(content[start.start() :])


def _decoded(content: bytes) -> Iterator[bytes]:
    for run in _HEX.findall(content):
        digits = b"".join(run.split())
        yield binascii.unhexlify(digits[: len(digits) // 2 * 2])
    for run in _BASE64.findall(content):
        text = b"".join(run.split()).rstrip(b"=")
        # A marker in the middle may begin at any of four offsets.
        yield from (base64.b64decode(_padded(text[start:])) for start in range(4))


def _padded(text: bytes) -> bytes:
    # A single remaining character encodes no byte.
    text = text[:-1] if len(text) % 4 == 1 else text
    return text + b"=" * (-len(text) % 4)
