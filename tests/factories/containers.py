"""AVI and Matroska files that consist of given bytes."""

import struct

from tests.factories.recordings import ebml, riff


def bitmap_header(name: bytes, more: bytes = b"") -> bytes:
    """Return a description of images with this codec."""
    return struct.pack("<IIIHH4s5I", 40 + len(more), 32, 32, 1, 24, name, 0, 0, 0, 0, 0) + more


def _listed(kind: bytes, *chunks: bytes) -> bytes:
    return riff(b"LIST", kind + b"".join(chunks))


def avi(
    name: bytes, *images: bytes, described: bytes = b"", stream: bytes = b"vids", heard: bytes = b"", sound: int = 1
) -> bytes:
    """Return an AVI with sound in the codec with this number, and a stream whose images have this codec."""
    format_of_sound = riff(b"strf", sound.to_bytes(2, "little") + bytes(14))
    audio = _listed(b"strl", riff(b"strh", b"auds" + bytes(44)), format_of_sound)
    video = _listed(b"strl", riff(b"strh", stream + bytes(44)), riff(b"strf", bitmap_header(name, described)))
    data = _listed(b"movi", riff(b"00wb", heard), *(riff(b"01dc", image) for image in images))
    return riff(b"RIFF", b"AVI " + _listed(b"hdrl", riff(b"avih", bytes(56)), audio, video) + data)


def matroska(codec: bytes, block: bytes, *described: bytes, flags: int = 0, group: bytes = b"") -> bytes:
    """Return a video with this codec and one block, which is in a block group if `group` is given."""
    track = ebml("AE", ebml("D7", b"\1"), ebml("86", codec), *described)
    block = b"\x81\0\0" + bytes([flags]) + block
    data = ebml("A0", ebml("A1", block), group) if group else ebml("A3", block)
    return ebml("1A45DFA3", ebml("4282", b"matroska")) + ebml(
        "18538067", ebml("1654AE6B", track), ebml("1F43B675", ebml("E7", b"\0"), data)
    )
