"""What Vorbis, Opus, Theora, Speex and FLAC say about a recording, in whichever kind of file they are.

Everything is replaced at the same length. Sources: the specifications of Vorbis I, Theora and Speex, RFC 7845 (Opus),
RFC 9639 (FLAC).
"""

from typing import Final

from media.cleaners.streams import damaged

# The length of the encoder's name and the number of comments. Readers ignore what follows.
_NO_COMMENTS: Final = bytes(8)
# By the beginning of a stream: what its second packet, which has the comments, begins with instead.
_EMPTY: Final = {
    b"\x01vorbis": b"\x03vorbis" + _NO_COMMENTS + b"\x01",
    b"OpusHead": b"OpusTags" + _NO_COMMENTS,
    b"\x80theora": b"\x81theora" + _NO_COMMENTS,
    b"Speex   ": _NO_COMMENTS,
}
# The blocks that decoders need: a description of the stream, and a table for seeking.
NEEDED_FLAC_BLOCKS: Final = frozenset({0, 3})
_FLAC_COMMENTS, _FLAC_PADDING = 4, 1


def empty_comments(first_packet: bytes) -> bytes:
    """Return how the packet with the comments begins when it is empty, or nothing if the format is another one."""
    return next((empty for signature, empty in _EMPTY.items() if first_packet.startswith(signature)), b"")


def check_comments(packet: bytes, empty: bytes) -> None:
    """Raise ValidationError if `packet` can't be replaced with `empty` comments."""
    if not packet.startswith(empty.partition(_NO_COMMENTS)[0]):
        raise damaged()


def empty_flac_block(start: bytes) -> bytes | None:
    """Return how a block that begins like this begins instead, before zeros; None for one that decoders need."""
    if len(start) < 4:
        raise damaged()
    kind = start[0] & 0x7F
    if kind in NEEDED_FLAC_BLOCKS:
        return None
    # The first bit says whether it is the last block, and three bytes how long it is.
    kind = kind if kind == _FLAC_COMMENTS else _FLAC_PADDING
    return bytes([start[0] & 0x80 | kind]) + start[1:4]


def clean_flac_blocks(blocks: bytes) -> bytes:
    """Return blocks with those emptied that decoders don't need, at the same length. Raises ValidationError."""
    cleaned, position = bytearray(blocks), 0
    while position < len(blocks):
        end = position + 4 + int.from_bytes(blocks[position + 1 : position + 4])
        if end > len(blocks):
            raise damaged()
        if (empty := empty_flac_block(blocks[position : position + 4])) is not None:
            cleaned[position:end] = empty.ljust(end - position, b"\0")
        position = end
    return bytes(cleaned)
