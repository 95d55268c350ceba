"""Ogg: comments, pictures and the name of the encoder are overwritten in place, and checksums recomputed.

Nothing moves, so page numbers and seek positions stay right. A file may contain several streams, one after the other or
interleaved. Source: RFC 3533. No maintained library with a permissive licence does this.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import IO, Final

from media.cleaners.streams import damaged, size_of, too_complex, unsupported_codec
from media.cleaners.xiph import check_comments, empty_comments, empty_flac_block

_CONTINUED, _FIRST = 1, 2
_MAX_STREAMS: Final = 1_000
_FLAC: Final = b"\x7fFLAC"
# Streams that describe the others: who made them and when, and annotations.
_LEFT_OUT: Final = (b"fishead\0", b"CMML\0\0\0\0")
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass
class _Stream:
    """A stream, as far as it has been read.

    `comments` replace its second packet; a stream without them is FLAC, which has a packet for each kind of metadata.
    """

    comments: bytes = b""
    is_left_out: bool = False
    # Whether the packets that follow contain only audio or video.
    is_described: bool = False
    packet: int = 0
    # For a packet that continues on the next page: how much of it was read, and its new beginning if it is replaced.
    offset: int = 0
    replacement: bytes | None = None


def clean_ogg(source: IO[bytes], target: IO[bytes]) -> None:
    """Overwrite the details of its origin in the headers of each stream."""
    position, end = 0, size_of(source)
    streams: dict[bytes, _Stream] = {}
    source.seek(0)
    while position < end:
        header = source.read(27)
        if len(header) < 27 or not header.startswith(b"OggS\0"):
            raise damaged()
        sizes = source.read(header[26])
        body = source.read(sum(sizes))
        position += 27 + header[26] + sum(sizes)
        flags, serial = header[5], header[14:18]
        if position > end or (not flags & _FIRST and serial not in streams):
            raise damaged()
        if flags & _FIRST:
            streams[serial] = _begin(body)
        if len(streams) > _MAX_STREAMS:
            raise too_complex()
        stream = streams[serial]
        if not (stream.is_described or stream.is_left_out):
            if bool(flags & _CONTINUED) != bool(stream.offset):
                raise damaged()
            body = _clean_page(stream, sizes, body)
            checksum = _checksum(header[:22] + bytes(4) + header[26:] + sizes + body)
            header = header[:22] + checksum + header[26:]
        if not stream.is_left_out:
            target.write(header + sizes + body)
    if any(stream.packet < 2 for stream in streams.values() if not stream.is_left_out) or not target.tell():
        raise damaged()


def _begin(body: bytes) -> _Stream:
    """Return the stream whose first page has this body."""
    if body.startswith(_LEFT_OUT):
        return _Stream(is_left_out=True)
    if body.startswith(_FLAC):
        return _Stream()
    if comments := empty_comments(body):
        return _Stream(comments)
    raise unsupported_codec(body[:8])


def _clean_page(stream: _Stream, sizes: bytes, body: bytes) -> bytes:
    """Return the body of a page with its part of each header replaced."""
    cleaned, position = bytearray(body), 0
    for size in sizes:
        if not stream.offset:
            _begin_packet(stream, body[position : position + size])
        if stream.is_described:
            break
        if stream.replacement is not None:
            part = stream.replacement[stream.offset : stream.offset + size]
            cleaned[position : position + size] = part.ljust(size, b"\0")
        position += size
        stream.offset += size
        # A packet ends with a segment of less than 255 bytes.
        if size < 255:
            if stream.offset < len(stream.replacement or b""):
                raise damaged()
            stream.packet, stream.offset = stream.packet + 1, 0
    return bytes(cleaned)


def _begin_packet(stream: _Stream, start: bytes) -> None:
    stream.replacement = None
    if stream.packet == 0:
        return
    if stream.comments:
        stream.is_described = stream.packet > 1
        if not stream.is_described:
            check_comments(start, stream.comments)
            stream.replacement = stream.comments
    elif start.startswith(b"\xff"):
        stream.is_described = True
    else:
        stream.replacement = empty_flac_block(start)


def _checksum(page: bytes) -> bytes:
    """Return the CRC of a page: zlib's with all bits in reverse order, and with zero as initial and final value."""
    crc = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return struct.pack("<I", int(f"{crc:032b}"[::-1], 2))
