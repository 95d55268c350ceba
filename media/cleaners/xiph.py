"""The metadata of Vorbis, Opus, Theora, Speex and FLAC, in any type of file.

Everything is replaced at the same length. Sources: the specifications of Vorbis I, Theora and Speex, RFC 7845 (Opus),
RFC 9639 (FLAC).
"""

from typing import Final

from media.cleaners.streams import damaged

# The length of the encoder's name and the number of comments. Decoders ignore what follows.
_NO_COMMENTS: Final = bytes(8)
# By the beginning of a stream: the new beginning of its second packet, which contains the comments.
_EMPTY: Final = {
    b"\x01vorbis": b"\x03vorbis" + _NO_COMMENTS + b"\x01",
    b"OpusHead": b"OpusTags" + _NO_COMMENTS,
    b"\x80theora": b"\x81theora" + _NO_COMMENTS,
    b"Speex   ": _NO_COMMENTS,
}
# The blocks that decoders need: a description of the stream, and a seek table.
NEEDED_FLAC_BLOCKS: Final = frozenset({0, 3})
_FLAC_COMMENTS, _FLAC_PADDING = 4, 1


def empty_comments(first_packet: bytes) -> bytes:
    """Return the beginning of an empty packet of comments, or nothing if the format is another one."""
    return next((empty for signature, empty in _EMPTY.items() if first_packet.startswith(signature)), b"")


def check_comments(packet: bytes, empty: bytes) -> None:
    """Raise ValidationError if `packet` can't be replaced with `empty` comments."""
    if not packet.startswith(empty.partition(_NO_COMMENTS)[0]):
        raise damaged()


def empty_flac_block(start: bytes) -> bytes | None:
    """Return the new beginning of a block, which zeros follow; None for a block that decoders need."""
    if len(start) < 4:
        raise damaged()
    kind = start[0] & 0x7F
    if kind in NEEDED_FLAC_BLOCKS:
        return None
    # The first bit marks the last block, and three bytes state the length.
    kind = kind if kind == _FLAC_COMMENTS else _FLAC_PADDING
    return bytes([start[0] & 0x80 | kind]) + start[1:4]


def clean_flac_blocks(blocks: bytes) -> bytes:
    """Return the blocks with those that decoders don't need emptied, at the same length. Raises ValidationError."""
    cleaned, position = bytearray(blocks), 0
    while position < len(blocks):
        end = position + 4 + int.from_bytes(blocks[position + 1 : position + 4])
        if end > len(blocks):
            raise damaged()
        if (empty := empty_flac_block(blocks[position : position + 4])) is not None:
            cleaned[position:end] = empty.ljust(end - position, b"\0")
        position = end
    return bytes(cleaned)
