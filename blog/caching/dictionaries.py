"""Compressing pages with a dictionary that the browser has from an earlier page. Source: RFC 9842.

Compression can leak secrets that are compressed together with text chosen by an attacker (BREACH). There are none here:
a cached page is the same for everyone, and so is the dictionary, which is a cached page itself.
"""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

import zstandard

from blog.caching.requests import Environ

# Higher levels take four times as long for two percent.
_LEVEL: Final = 9
# The bytes before the digest and the compressed page (RFC 9842, 5).
_MAGIC: Final = b"\x5e\x2a\x4d\x18\x20\x00\x00\x00"


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A dictionary prepared for compression. `name` is the digest by which browsers refer to it."""

    name: str
    _digest: bytes
    _prepared: zstandard.ZstdCompressionDict

    @classmethod
    def of(cls, content: bytes) -> Self:
        digest = sha256(content).digest()
        prepared = zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        prepared.precompute_compress(level=_LEVEL)
        return cls(f":{b64encode(digest).decode()}:", digest, prepared)

    def compress(self, body: bytes) -> bytes:
        """Return the body in the encoding `dcz`."""
        compressor = zstandard.ZstdCompressor(level=_LEVEL, dict_data=self._prepared)
        return _MAGIC + self._digest + compressor.compress(body)


def available_dictionary(environ: Environ) -> str:
    """Return the name of the dictionary that the browser has; empty if it has none or doesn't accept `dcz`."""
    name: str = environ.get("HTTP_AVAILABLE_DICTIONARY", "")
    accepted = environ.get("HTTP_ACCEPT_ENCODING", "") if name else ""
    return name.strip() if "dcz" in {encoding.strip() for encoding in accepted.lower().split(",")} else ""
