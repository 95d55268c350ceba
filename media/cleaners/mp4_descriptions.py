"""Descriptions of video and audio in MP4 and QuickTime files: their codecs, and what else they say.

Sources: ISO/IEC 14496-12, 12.1 and 12.2, QuickTime File Format Specification (Apple).
"""

import re
from collections.abc import Iterator
from typing import IO, Final

from media.cleaners.codecs import cleaner_of, cleaner_of_object
from media.cleaners.codestreams import strip_profile
from media.cleaners.frames import CleanFrames, clean_mpeg, clean_vc1, keep_frames
from media.cleaners.mp4_boxes import Box, Track, boxes, entries, free_box
from media.cleaners.nal_units import clean_h265_description, described_units
from media.cleaners.obus import DESCRIPTION_HEADER, clean_obus
from media.cleaners.streams import damaged, read_at, too_complex, write_at, write_zeros
from media.cleaners.xiph import clean_flac_blocks

# Where the descriptions of video and audio name the vendor and the encoder: offsets and lengths in bytes.
_ENCODED: Final = {b"vide": ((20, 4), (50, 32)), b"soun": ((20, 4),)}
# The offsets of the boxes within them. QuickTime has two further versions for audio.
_IMAGES: Final = 86
_SOUND: Final = {0: 36, 1: 52, 2: 72}
# The boxes that decoders need. Others record, for example, who bought a song in the iTunes Store.
_NEEDED: Final = re.compile(
    rb"...[CE]|esds|colr|pasp|clap|fiel|gama|btrt|SmDm|CoLL|mdcv|clli|amve|ccst|auxi|st3d|sv3d|vexu|hfov"
    rb"|jp2h|jsub|orfo|ctab|glbl|strf|SMI |ACLR|APRG|ARES|dvc1"
    rb"|wave|chan|chnl|srat|alac|dac[34]|dec3|dOps|dfLa|damr|d263|ddts|udts|dmlp|SA3D|iacb",
    re.DOTALL,
)
# Where boxes name the maker and the version of an encoder (3GPP TS 26.244, 6), or what marked a video as spherical.
_MAKERS: Final = {b"damr": (0, 5), b"d263": (0, 5), b"svhd": (4, 2**64)}
# The types of colour descriptions that are profiles.
_PROFILES: Final = {b"prof", b"rICC"}
# Encrypted video and audio, whose descriptions say how they were encrypted.
_PROTECTED: Final = {b"encv", b"enca"}
# A description in MPEG-4 (ISO/IEC 14496-1, 7.2.6): the kind of frames, and the length of their settings. Before it are
# an ID and flags, by which more may follow, or only an ID.
_LENGTH: Final = rb"[\x80-\xff]{0,3}[\0-\x7f]"
_OF_MPEG4: Final = re.compile(
    rb".{4}(?:\x03" + _LENGTH + rb"..(?:[\0-\x1f]|[\x20-\x3f\x80-\x9f]..|[\xa0-\xbf].{4})|..)"
    rb"\x04" + _LENGTH + rb"(?P<kind>.)(?:.{12}\x05(?P<length>" + _LENGTH + rb"))?",
    re.DOTALL,
)
# In bytes. Longer colour profiles and album covers aren't read.
_LONGEST: Final = 16 * 1024 * 1024


def clean_descriptions(source: IO[bytes], target: IO[bytes], track: Track) -> None:
    """Overwrite everything in the descriptions of a track that isn't needed for decoding it."""
    for kind, start, end in _descriptions(source, track):
        for position, length in _ENCODED.get(track.kind, ()):
            write_zeros(target, start + position, min(start + position + length, end))
        for box in _boxes(source, track, start, end):
            if not (_NEEDED.fullmatch(box.kind) or (box.kind == b"sinf" and kind in _PROTECTED)):
                free_box(target, box)
            else:
                _clean_box(source, target, box)


def _clean_box(source: IO[bytes], target: IO[bytes], box: Box) -> None:
    """Overwrite the parts of a needed box that aren't needed."""
    if box.kind in {b"colr", b"dfLa"}:
        _clean_content(source, target, box)
    elif box.kind == b"dvc1":
        clean_vc1(source, target, box.body, box.end)
    elif box.kind == b"hvcC":
        clean_h265_description(source, target, box.body, box.end)
    elif box.kind == b"av1C":
        clean_obus(source, target, box.body + DESCRIPTION_HEADER, box.end)
    elif box.kind == b"esds" and _cleaner_of_mpeg4(source, box) is clean_mpeg:
        _clean_mpeg4(source, target, box)
    elif box.kind in {b"wave", b"vexu", b"sv3d"}:
        for part in boxes(source, box.body, box.end, (box.kind,)):
            if part.is_needed or box.kind == b"sv3d":
                _clean_box(source, target, part)
            else:
                free_box(target, part)
    elif box.kind in _MAKERS:
        first, last = _MAKERS[box.kind]
        write_zeros(target, box.body + first, min(box.body + last, box.end))


def _clean_content(source: IO[bytes], target: IO[bytes], box: Box) -> None:
    """Overwrite the details of a display in a colour profile, or of a recording in a description of FLAC.

    Both follow four bytes.
    """
    if box.end - box.body > _LONGEST:
        raise too_complex()
    kind, content = read_at(source, box.body, 4), read_at(source, box.body + 4, max(0, box.end - box.body - 4))
    if box.kind == b"dfLa":
        write_at(target, box.body + 4, clean_flac_blocks(content))
    elif kind in _PROFILES:
        write_at(target, box.body + 4, strip_profile(content))


def cleaner_of_track(source: IO[bytes], track: Track) -> CleanFrames:
    """Return the cleaner for the frames of a track. Raises ValidationError for an unknown codec."""
    cleaners = set[CleanFrames]()
    for kind, start, end in _descriptions(source, track):
        described = [_cleaner_of_box(source, box) for box in _boxes(source, track, start, end)]
        cleaners.update(filter(None, described) if any(described) else [cleaner_of(kind)])
    if track.places and not cleaners:
        raise damaged()
    if len(cleaners - {keep_frames}) > 1:
        raise too_complex()
    return next(iter(cleaners - {keep_frames}), keep_frames)


def _cleaner_of_box(source: IO[bytes], box: Box) -> CleanFrames | None:
    """Return the cleaner for frames whose coding a box describes; None if it describes something else."""
    if clean_units := described_units(source, box.kind, box.body):
        return clean_units
    if box.kind == b"av1C":
        return clean_obus
    if box.kind == b"esds":
        return _cleaner_of_mpeg4(source, box)
    if box.kind == b"wave":
        found = (_cleaner_of_box(source, part) for part in boxes(source, box.body, box.end, (b"wave",)))
        return next(filter(None, found), None)
    return None


def _find_mpeg4(source: IO[bytes], box: Box) -> re.Match[bytes]:
    if found := _OF_MPEG4.match(read_at(source, box.body, min(64, box.end - box.body))):
        return found
    raise damaged()


def _cleaner_of_mpeg4(source: IO[bytes], box: Box) -> CleanFrames:
    return cleaner_of_object(_find_mpeg4(source, box)["kind"][0])


def _clean_mpeg4(source: IO[bytes], target: IO[bytes], box: Box) -> None:
    """Overwrite user data in the settings of MPEG-4 frames."""
    found, length = _find_mpeg4(source, box), 0
    for byte in found["length"] or b"":
        length = length << 7 | byte & 0x7F
    start = box.body + found.end()
    clean_mpeg(source, target, start, min(start + length, box.end))


def _descriptions(source: IO[bytes], track: Track) -> Iterator[tuple[bytes, int, int]]:
    """Yield the type, start and end of each description of a track."""
    if b"stsd" in track.boxes:
        for start, end in entries(source, track.boxes[b"stsd"]):
            yield read_at(source, start + 4, 4), start, end


def _boxes(source: IO[bytes], track: Track, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes in the description of video or audio between two positions."""
    if track.kind == b"vide":
        depth, palette = read_at(source, start + 82, 2), read_at(source, start + 84, 2)
        # Old codecs with at most 256 colours have a palette here instead. Depths of greyscale are counted from 33.
        if palette != b"\0\0" or not 1 <= int.from_bytes(depth) % 32 <= 8:
            yield from boxes(source, start + _IMAGES, end, (b"stsd",))
    elif track.kind == b"soun":
        is_quicktime = read_at(source, track.boxes[b"stsd"].body, 1) == b"\0"
        version = int.from_bytes(read_at(source, start + 16, 2)) if is_quicktime else 0
        yield from boxes(source, start + _SOUND.get(version, 36), end, (b"stsd",))
