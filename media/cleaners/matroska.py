"""WebM and Matroska: everything that is not needed for playing becomes padding, so that nothing moves.

The elements that each element may contain are listed, and any other becomes padding (Void). Sources: RFC 8794 (EBML),
RFC 9559 (Matroska). No maintained library with a permissive licence does this.
"""

import re
import zlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import IO, Final

from media.cleaners.codecs import (
    BITMAP_HEADER,
    check_sound,
    clean_bitmap_description,
    cleaner_of,
    cleaner_of_bitmaps,
    cleaner_of_id,
)
from media.cleaners.frames import CleanFrames, clean_mpeg, keep_frames
from media.cleaners.nal_units import clean_h265_description, described_units
from media.cleaners.obus import DESCRIPTION_HEADER, clean_obus
from media.cleaners.streams import (
    CHUNK,
    LANGUAGE,
    copy_unchanged,
    damaged,
    read_at,
    size_of,
    too_complex,
    unsupported_stream,
    write_at,
    write_zeros,
)
from media.cleaners.subtitles import Subtitles
from media.cleaners.xiph import check_comments, clean_flac_blocks, empty_comments

_MAX_ELEMENTS: Final = 2_000_000
_MAX_DEPTH: Final = 12
# In bytes. The description of a codec is read as a whole.
_MAX_DESCRIPTION: Final = 16 * 1024 * 1024

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_SEEK_HEAD, _SEEK, _SEEK_ID = 0x114D9B74, 0x4DBB, 0x53AB
_INFO, _MUXING_APP, _WRITING_APP = 0x1549A966, 0x4D80, 0x5741
_TRACKS, _TRACK, _TRACK_NUMBER, _CODEC, _CODEC_DESCRIPTION = 0x1654AE6B, 0xAE, 0xD7, 0x86, 0x63A2
_ENCODINGS, _ENCODING, _COMPRESSION, _ENCRYPTION, _ENCRYPTION_MODE = 0x6D80, 0x6240, 0x5034, 0x5035, 0x47E7
_LANGUAGES: Final = {0x22B59C, 0x22B59D}
_BLOCK_GROUP, _BLOCK, _SIMPLE_BLOCK = 0xA0, 0xA1, 0xA3
_BLOCKS: Final = {_BLOCK, _SIMPLE_BLOCK}
# What a block group needs: a block, times, references, and additions such as transparency.
_OF_GROUP: Final = {_BLOCK, 0x9B, 0xFB, 0xFA, 0xA4, 0x75A1, 0x75A2}
_CUES, _CHAPTERS, _EDITION, _CHAPTER = 0x1C53BB6B, 0x1043A770, 0x45B9, 0xB6
_VIDEO, _AUDIO, _COLOUR, _MASTERING, _PROJECTION = 0xE0, 0xE1, 0x55B0, 0x55D0, 0x7670
_CUE, _CUE_POSITIONS = 0xBB, 0xB7
_VOID: Final = b"\xec"
# By the ID of an element: the IDs of the elements that are kept in it. 0 is the file.
_KEPT: Final[dict[int, frozenset[int]]] = {
    0: frozenset({_EBML, _SEGMENT}),
    # Versions, the longest IDs and sizes, and the type of the file.
    _EBML: frozenset({0x4286, 0x42F7, 0x42F2, 0x42F3, 0x4282, 0x4287, 0x4285}),
    _SEGMENT: frozenset({_SEEK_HEAD, _INFO, _TRACKS, _CHAPTERS, _CUES, _CLUSTER}),
    _SEEK_HEAD: frozenset({_SEEK}),
    # The unit of time, the duration, and the programs, which are required and become empty.
    _INFO: frozenset({0x2AD7B1, 0x4489, _MUXING_APP, _WRITING_APP}),
    _TRACKS: frozenset({_TRACK}),
    # Numbers, types, flags, times, languages, the codec and its settings. No names and no attachments.
    _TRACK: frozenset({_TRACK_NUMBER, 0x73C5, 0x83, 0xB9, 0x88, 0x55AA, 0x55AB, 0x55AC, 0x55AD, 0x55AE, 0x55AF, 0x9C})
    | {0x6DE7, 0x6DF8, 0x23E383, 0x234E7A, 0x23314F, 0x55EE, *_LANGUAGES, _CODEC, _CODEC_DESCRIPTION, 0xAA}
    | {0x56AA, 0x56BB, _VIDEO, _AUDIO, _ENCODINGS},
    # Sizes, interlacing, transparency, stereo views, colours, and the projection of spherical video.
    _VIDEO: frozenset({0x9A, 0x9D, 0x53B8, 0x53C0, 0x53B9, 0xB0, 0xBA, 0x54AA, 0x54BB, 0x54CC, 0x54DD, 0x54B0, 0x54BA})
    | {0x54B2, 0x54B3, 0x2EB524, 0x2FB523, 0x2383E3, _COLOUR, _PROJECTION},
    _COLOUR: frozenset({*range(0x55B1, 0x55BE), _MASTERING}),
    _MASTERING: frozenset(range(0x55D1, 0x55DB)),
    _PROJECTION: frozenset(range(0x7671, 0x7676)),
    # Rates, channels and the size of a sample.
    _AUDIO: frozenset({0xB5, 0x78B5, 0x9F, 0x6264, 0x52F1}),
    # Which blocks are compressed or encrypted, and how. No signatures.
    _ENCODINGS: frozenset({_ENCODING}),
    _ENCODING: frozenset({0x5031, 0x5032, 0x5033, _COMPRESSION, _ENCRYPTION}),
    _COMPRESSION: frozenset({0x4254, 0x4255}),
    _ENCRYPTION: frozenset({0x47E1, 0x47E2, _ENCRYPTION_MODE}),
    _ENCRYPTION_MODE: frozenset({0x47E8}),
    # Times and positions.
    _CUES: frozenset({_CUE}),
    _CUE: frozenset({0xB3, _CUE_POSITIONS}),
    _CUE_POSITIONS: frozenset({0xF7, 0xF1, 0xF0, 0xB2, 0x5378, 0xEA}),
    # Time, position and size, and the data in blocks, alone or in groups.
    _CLUSTER: frozenset({0xE7, 0xA7, 0xAB, _SIMPLE_BLOCK, _BLOCK_GROUP, 0x5854, 0xAF}),
    _CHAPTERS: frozenset({_EDITION}),
    # Numbers, flags and chapters.
    _EDITION: frozenset({0x45BC, 0x45BD, 0x45DB, 0x45DD, _CHAPTER}),
    # Numbers, flags, start, end, tracks and chapters. No names and no commands for players.
    _CHAPTER: frozenset({0x73C4, 0x91, 0x92, 0x98, 0x4598, 0x8F, _CHAPTER}),
}
# The elements that end an element of unknown size, which can't contain them. The last two are tags and attachments.
_END: Final = {
    _SEGMENT: _KEPT[0],
    _CLUSTER: _KEPT[0] | _KEPT[_SEGMENT] | {0x1254C367, 0x1941A469},
}
_SEEK_ENTRY: Final = re.compile(rb"\x53\xab\x84(.{4})\x53\xac[\x81-\x88].{1,8}", re.DOTALL)
_SUBTITLES: Final = {b"S_TEXT/ASS", b"S_TEXT/SSA", b"S_ASS", b"S_SSA", b"S_VOBSUB"}
# The lines in a description of subtitles that players need. The others name people, programs and files.
_NEEDED_LINE: Final = re.compile(
    rb"\[(?:Script Info|V4\+? Styles|Events)\]|(?:Format|Style|ScriptType|PlayRes[XY]|LayoutRes[XY]|WrapStyle|Timer"
    rb"|Collisions|ScaledBorderAndShadow|YCbCr Matrix"
    rb"|size|org|scale|alpha|smooth|fadein/out|align|time offset|forced subs|palette|custom colors) *:",
    re.IGNORECASE,
)
# Codecs that are described as in MP4, and codecs whose names are in descriptions as in AVI, WAV and QuickTime.
_BOXES: Final = {b"V_MPEG4/ISO/AVC": b"avcC", b"V_MPEGH/ISO/HEVC": b"hvcC"}
_OF_AVI, _OF_WAV, _OF_QUICKTIME = b"V_MS/VFW/FOURCC", b"A_MS/ACM", {b"V_QUICKTIME", b"A_QUICKTIME"}
_AV1: Final = b"V_AV1"
_TEXT: Final = re.compile(rb"S_TEXT/|S_ASS|S_SSA|D_WEBVTT/")
_EMPTIED: Final = {_MUXING_APP, _WRITING_APP}


@dataclass(frozen=True, slots=True)
class _Element:
    """An element of a file, with the positions of its start, body and end.

    One of unknown size, in a recording that was not finished, ends where an element begins that it can't contain.
    """

    id: int
    start: int
    body: int
    end: int
    is_endless: bool = False


def clean_matroska(source: IO[bytes], target: IO[bytes]) -> None:
    """Turn everything that is not needed for playing into padding, and empty the names of the programs."""
    copy_unchanged(source, target)
    tracks: list[dict[int, _Element]] = []
    subtitles: dict[int, Subtitles] = {}
    cleaners: dict[int, CleanFrames] | None = None
    for parent, element in _elements(source):
        if element.id not in _KEPT[parent] or (element.id == _SEEK and not _is_kept_seek(_read(source, element))):
            _write_void(target, element)
        elif element.id in _EMPTIED or (element.id in _LANGUAGES and not LANGUAGE.fullmatch(_read(source, element))):
            # The end of a text may be filled with zeros.
            write_zeros(target, element.body, element.end)
        elif element.id == _TRACK:
            tracks.append({_TRACK: element})
            cleaners = None
        elif element.id in {_TRACK_NUMBER, _CODEC, _CODEC_DESCRIPTION, _ENCODINGS}:
            tracks[-1][element.id] = element
        elif element.id in {_BLOCK_GROUP, _SIMPLE_BLOCK}:
            if cleaners is None:
                cleaners = dict(_cleaners(source, tracks))
                for number in (_number(source, track) for track in tracks if _is_text(source, track)):
                    cleaners[number] = partial(_add_part, subtitles.setdefault(number, Subtitles()))
            _clean_blocks(source, target, element, cleaners)
    for track in tracks:
        clean = _cleaner(source, track)
        if described := track.get(_CODEC_DESCRIPTION):
            _clean_description(source, target, _codec(source, track), described, clean)
    if hidden := {number for number, each in subtitles.items() if each.are_telemetry}:
        _hide(source, target, tracks, hidden)


def _elements(file: IO[bytes]) -> Iterator[tuple[int, _Element]]:
    """Yield the elements of the file and of listed elements, each after the ID of its parent."""
    position, file_end = 0, size_of(file)
    # The elements that contain the current position, outermost first.
    around = [_Element(0, 0, 0, file_end)]
    count = 0
    while position < file_end:
        while position >= around[-1].end:
            around.pop()
        element = _read_header(file, position, around[-1].end)
        while around[-1].is_endless and element.id in _END[around[-1].id]:
            around.pop()
        parent = around[-1]
        if (count := count + 1) > _MAX_ELEMENTS:
            raise too_complex()
        yield parent.id, element
        if element.id in _KEPT and element.id in _KEPT[parent.id]:
            if len(around) > _MAX_DEPTH:
                raise too_complex()
            around.append(element)
            position = element.body
        else:
            position = element.end


def _read_header(file: IO[bytes], start: int, end: int) -> _Element:
    """Return the element that starts here, within a parent that ends at `end`."""
    header = read_at(file, start, 12)
    id_size = 9 - header[0].bit_length()
    if id_size > 4 or len(header) <= id_size:
        raise damaged()
    size_size = 9 - header[id_size].bit_length()
    body = start + id_size + size_size
    # The first bit that is set says how long the number is, and isn't part of it.
    limit = 1 << 7 * size_size
    size = int.from_bytes(header[id_size : id_size + size_size]) % limit
    element_id = int.from_bytes(header[:id_size])
    # A size with all bits set means that it is unknown.
    is_endless = size == limit - 1
    if is_endless and element_id in _END:
        return _Element(element_id, start, body, end, is_endless=True)
    if is_endless or size_size > 8 or body + size > end:
        raise damaged()
    return _Element(element_id, start, body, body + size)


def _read(file: IO[bytes], element: _Element) -> bytes:
    if element.end - element.body > _MAX_DESCRIPTION:
        raise damaged()
    return read_at(file, element.body, element.end - element.body)


def _cleaners(source: IO[bytes], tracks: list[dict[int, _Element]]) -> Iterator[tuple[int, CleanFrames]]:
    """Yield the number of each track, and the cleaner for its frames. Raises ValidationError for an unknown codec."""
    for track in tracks:
        clean = _cleaner(source, track)
        if clean is not keep_frames and _ENCODINGS in track:
            # The blocks are compressed again, or without their beginnings.
            raise unsupported_stream()
        yield _number(source, track), clean


def _cleaner(source: IO[bytes], track: dict[int, _Element]) -> CleanFrames:
    codec = _codec(source, track)
    description = _read(source, track[_CODEC_DESCRIPTION]) if _CODEC_DESCRIPTION in track else b""
    if codec == _OF_AVI:
        return cleaner_of_bitmaps(description)
    if codec == _OF_WAV:
        check_sound(description)
        return keep_frames
    if codec in _OF_QUICKTIME:
        # The name of the codec follows the size.
        return cleaner_of(description[4:8])
    clean = cleaner_of_id(codec)
    if description and (box := _BOXES.get(codec)):
        return described_units(source, box, track[_CODEC_DESCRIPTION].body) or clean
    return clean


def _clean_blocks(source: IO[bytes], target: IO[bytes], element: _Element, cleaners: dict[int, CleanFrames]) -> None:
    """Overwrite the metadata in a block or in the block of a group, and what a group doesn't need."""
    for part in _parts(source, element):
        if part.id not in _BLOCKS:
            if part.id not in _OF_GROUP:
                _write_void(target, part)
            continue
        number, flags, start = _block_header(source, part)
        if (clean := cleaners.get(number)) is None:
            raise damaged()
        if clean is keep_frames:
            continue
        # Several frames share a block.
        if flags & 6:
            raise unsupported_stream()
        clean(source, target, start, part.end)


def _parts(source: IO[bytes], element: _Element) -> Iterator[_Element]:
    """Yield a block itself, or the parts of a block group."""
    if element.id != _BLOCK_GROUP:
        yield element
        return
    position = element.body
    while position < element.end:
        yield (part := _read_header(source, position, element.end))
        position = part.end


def _block_header(source: IO[bytes], block: _Element) -> tuple[int, int, int]:
    """Return the track number of a block, its flags, and where its data starts."""
    header = read_at(source, block.body, 12)
    # Two bytes of time follow the number.
    size = 9 - header[0].bit_length()
    return int.from_bytes(header[:size]) % (1 << 7 * size), header[size + 2], block.body + size + 3


def _number(source: IO[bytes], track: dict[int, _Element]) -> int:
    return int.from_bytes(_read(source, track[_TRACK_NUMBER]))


def _codec(source: IO[bytes], track: dict[int, _Element]) -> bytes:
    return _read(source, track[_CODEC]).rstrip(b"\0")


def _is_text(source: IO[bytes], track: dict[int, _Element]) -> bool:
    return _TEXT.match(_codec(source, track)) is not None


def _add_part(subtitles: Subtitles, source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    """Add the bytes between two positions, which may be compressed, to `subtitles`."""
    part = read_at(source, start, min(CHUNK, end - start))
    with suppress(zlib.error):
        part = zlib.decompressobj().decompress(part, CHUNK)
    subtitles.add(part)


def _hide(source: IO[bytes], target: IO[bytes], tracks: list[dict[int, _Element]], hidden: Collection[int]) -> None:
    """Turn the tracks with these numbers into padding."""
    for track in tracks:
        if _number(source, track) in hidden:
            _write_void(target, track[_TRACK])
    for _parent, element in _elements(source):
        if element.id in {_BLOCK_GROUP, _SIMPLE_BLOCK}:
            blocks = [part for part in _parts(source, element) if part.id in _BLOCKS]
            if any(_block_header(source, block)[0] in hidden for block in blocks):
                _write_void(target, element)


def _is_kept_seek(body: bytes) -> bool:
    """Whether an entry of the seek table points to an element that is kept."""
    entry = _SEEK_ENTRY.fullmatch(body)
    return entry is not None and int.from_bytes(entry[1]) in _KEPT[_SEGMENT]


def _write_void(target: IO[bytes], element: _Element) -> None:
    """Turn an element into one that players skip, of the same length."""
    length = element.end - element.start
    is_short = length <= 128
    header = _VOID + (bytes([0x80 | length - 2]) if is_short else (1 << 56 | length - 9).to_bytes(8))
    write_at(target, element.start, header)
    write_zeros(target, element.start + len(header), element.end)


def _clean_description(
    source: IO[bytes], target: IO[bytes], codec: bytes, described: _Element, clean: CleanFrames
) -> None:
    """Overwrite everything that isn't needed for decoding in the description of a codec with this cleaner."""
    description = _read(source, described)
    write_at(target, described.body, _without_comments(codec, description))
    if _BOXES.get(codec) == b"hvcC":
        clean_h265_description(source, target, described.body, described.end)
    elif codec == _OF_AVI:
        clean_bitmap_description(source, target, description[:BITMAP_HEADER], described.body, described.end)
    elif codec == _AV1:
        clean_obus(source, target, described.body + DESCRIPTION_HEADER, described.end)
    elif clean is clean_mpeg:
        clean_mpeg(source, target, described.body, described.end)


def _without_comments(codec: bytes, description: bytes) -> bytes:
    """Return the description of a codec without comments, names and pictures, at the same length."""
    if codec in {b"A_VORBIS", b"V_THEORA"}:
        return _clean_packets(description)
    if codec == b"A_FLAC" and description.startswith(b"fLaC"):
        return description[:4] + clean_flac_blocks(description[4:])
    if codec in _SUBTITLES:
        description.decode()
        lines = description.splitlines(keepends=True)
        return b"".join(line if _NEEDED_LINE.match(line) else re.sub(rb"[^\r\n]", b" ", line) for line in lines)
    return description


def _clean_packets(description: bytes) -> bytes:
    """Empty the second of the three packets of Vorbis or Theora. The lengths of the first two come before them."""
    sizes: list[int] = []
    position = 1
    while len(sizes) < 2:
        size = 0
        while (byte := description[position]) == 255:
            size, position = size + 255, position + 1
        sizes.append(size + byte)
        position += 1
    start, end = position + sizes[0], position + sum(sizes)
    empty = empty_comments(description[position:])
    check_comments(description[start:end], empty)
    if description[0] != 2 or not len(empty) <= end - start or end > len(description):
        raise damaged()
    return description[:start] + empty.ljust(end - start, b"\0") + description[end:]
