"""The boxes of MP4 and QuickTime files, and where each track has its data.

Sources: ISO/IEC 14496-12, QuickTime File Format Specification (Apple).
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Final

from media.cleaners.streams import damaged, read_at, size_of, too_complex, write_at, write_zeros

_MAX_BOXES: Final = 100_000
_MAX_DEPTH: Final = 8
# In bytes. A table is read as a whole. This is enough for a day of video.
MAX_TABLE: Final = 64 * 1024 * 1024
_TIMED: Final = {b"mvhd", b"tkhd", b"mdhd"}
# The end of the trailer in which Insta360 cameras store sensor data: its length, and a mark.
_TRAILER_END, _TRAILER_LENGTH = 78, slice(38, 42)
_TRAILER_MARK: Final = b"8db42d694ccc418790edff439fe026bf"
# The boxes within each box that are needed for playing. The first is the file.
NEEDED: Final[dict[bytes, frozenset[bytes]]] = {
    b"": frozenset(b"ftyp styp moov mdat moof mfra sidx ssix pdin".split()),
    b"moov": frozenset(b"mvhd trak mvex iods".split()),
    b"trak": frozenset(b"tkhd tref edts mdia tapt load matt clip".split()),
    b"tref": frozenset(b"chap subt fall font folw".split()),
    b"edts": frozenset({b"elst"}),
    b"mdia": frozenset(b"mdhd hdlr minf elng".split()),
    b"minf": frozenset(b"vmhd smhd sthd nmhd gmhd hdlr dinf stbl".split()),
    b"dinf": frozenset({b"dref"}),
    b"stbl": frozenset(
        b"stsd stts ctts cslg stsc stsz stz2 stco co64 stss stps stsh padb stdp sdtp sbgp sgpd subs saiz saio".split()
    ),
    b"mvex": frozenset(b"mehd trex leva".split()),
    b"moof": frozenset(b"mfhd traf".split()),
    b"traf": frozenset(b"tfhd tfdt trun sbgp sgpd subs saiz saio senc sdtp".split()),
    b"mfra": frozenset(b"tfra mfro".split()),
    # In the description of audio: its kind, and settings for the decoders of old codecs.
    b"wave": frozenset(b"frma enda esds alac mp4a chan damr samr dac3 dec3 dOps glbl QDCA QDCP QDMC Qclp OVHS".split())
    | {b"ms\0\2", b"ms\0\x11", b"ms\0\x31", b"ms\0U", bytes(4)},
    # In the description of video: the eye that frames are for, the distance of the eyes, and the projection.
    b"vexu": frozenset(b"must eyes proj pack".split()),
    b"eyes": frozenset(b"must stri hero cams cmfy".split()),
    b"cams": frozenset(b"must blin".split()),
    b"cmfy": frozenset(b"must dadj".split()),
    b"proj": frozenset(b"must prji".split()),
    b"pack": frozenset(b"must pkin".split()),
}


@dataclass(frozen=True, slots=True)
class Box:
    """A box, with the path of types to it, and the positions of its start, body and end."""

    path: tuple[bytes, ...]
    start: int
    body: int
    end: int

    @property
    def kind(self) -> bytes:
        return self.path[-1]

    @property
    def is_needed(self) -> bool:
        return self.kind in NEEDED.get(self.path[-2] if len(self.path) > 1 else b"", frozenset())


@dataclass(slots=True)
class Track:
    """A track, with the boxes that say what it contains and where, by type.

    `kind` is what it contains, such as `vide` or `soun`; `places` are where its data starts and ends, sorted.
    """

    box: Box
    boxes: dict[bytes, Box] = field(default_factory=dict)
    kind: bytes = b""
    places: list[tuple[int, int]] = field(default_factory=list)


def end_of_boxes(file: IO[bytes]) -> int:
    """Return where the boxes of a file should end: before a known trailer, or at the end of the file."""
    end = size_of(file)
    trailer = read_at(file, max(0, end - _TRAILER_END), _TRAILER_END)
    length = int.from_bytes(trailer[_TRAILER_LENGTH], "little")
    return end - length if trailer.endswith(_TRAILER_MARK) and length < end else end


def boxes(file: IO[bytes], start: int, end: int, around: tuple[bytes, ...] = ()) -> Iterator[Box]:
    """Yield each box between two positions, followed by the needed boxes in it. Raises ValidationError."""
    for _number in range(_MAX_BOXES):
        if start + 8 > end:
            # QuickTime ends some lists with four zeros.
            if start < end and not around:
                raise damaged()
            return
        size, kind = struct.unpack(">I4s", read_at(file, start, 8))
        body = start + 8
        if size == 1:
            size, body = int.from_bytes(read_at(file, body, 8)), start + 16
        box_end = end if size == 0 else start + size
        if box_end < body or box_end > end:
            raise damaged()
        box = Box((*around, kind), start, body, box_end)
        yield box
        if kind in NEEDED and box.is_needed and len(around) < _MAX_DEPTH:
            yield from boxes(file, body, box_end, box.path)
        start = box_end
    raise too_complex()


def entries(source: IO[bytes], box: Box) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each entry in a list of boxes, which begins with their number."""
    position = box.body + 8
    while position + 8 <= box.end:
        size = int.from_bytes(read_at(source, position, 4))
        if size < 8 or position + size > box.end:
            raise damaged()
        yield position, position + size
        position += size


def free_box(target: IO[bytes], box: Box) -> None:
    """Turn a box into padding."""
    write_at(target, box.start + 4, b"free")
    write_zeros(target, box.body, box.end)


def clear_times(file: IO[bytes], box: Box) -> None:
    """Overwrite when a file, track or its media was made and changed, if that is what the box begins with."""
    if box.kind in _TIMED:
        # The two times have 4 bytes each, or 8 in version 1. Source: ISO/IEC 14496-12, 8.2.2.
        size = 16 if read_at(file, box.body, 1) == b"\1" else 8
        write_zeros(file, box.body + 4, min(box.body + 4 + size, box.end))


def handler_of(file: IO[bytes], track: Track) -> bytes:
    """Return what a track contains, such as `vide` or `soun`; empty if it doesn't say."""
    if (box := track.boxes.get(b"hdlr")) is None:
        return b""
    return read_at(file, box.body, min(12, box.end - box.body))[8:]


def id_of(file: IO[bytes], track: Track) -> int:
    """Return the ID by which fragments refer to a track. It follows the times, which may be twice as long."""
    if (box := track.boxes.get(b"tkhd")) is None:
        raise damaged()
    offset = 20 if read_at(file, box.body, 1) == b"\1" else 12
    return int.from_bytes(read_at(file, box.body + offset, 4))


def chunks_of(file: IO[bytes], track: Track) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each chunk of a track's data. Raises ValidationError if they aren't stated."""
    offsets = _offsets(file, track)
    if not offsets:
        return
    sizes = _sizes(file, track)
    runs = list(struct.iter_unpack(">III", _table(file, track.boxes.get(b"stsc"), 12)))
    if not runs:
        raise damaged()
    sample, run = 0, 0
    for number, offset in enumerate(offsets, start=1):
        if run + 1 < len(runs) and number >= runs[run + 1][0]:
            run += 1
        count = runs[run][1]
        if isinstance(sizes, int):
            yield offset, offset + sizes * count
        else:
            yield offset, offset + sum(sizes[sample : sample + count])
        sample += count


def apart(places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the sorted places that don't overlap an earlier one. Overlaps could make a small file take hours."""
    position = 0
    for start, end in places:
        if start >= position:
            yield start, end
            position = end


def _offsets(file: IO[bytes], track: Track) -> list[int]:
    kind, code = (b"co64", ">Q") if b"co64" in track.boxes else (b"stco", ">I")
    return [
        offset for (offset,) in struct.iter_unpack(code, _table(file, track.boxes.get(kind), struct.calcsize(code)))
    ]


def _sizes(file: IO[bytes], track: Track) -> int | list[int]:
    """Return the size of all samples of a track, or of each."""
    if (box := track.boxes.get(b"stsz")) is None:
        # Compact tables (`stz2`) don't occur in practice.
        raise too_complex()
    (size,) = struct.unpack(">I", read_at(file, box.body + 4, 4))
    if size:
        return int(size)
    return [each for (each,) in struct.iter_unpack(">I", _table(file, box, 4, skipped=8))]


def _table(file: IO[bytes], box: Box | None, width: int, *, skipped: int = 4) -> bytes:
    """Return the rows of a table, after `skipped` bytes and the number of rows."""
    if box is None:
        return b""
    rows = box.body + skipped + 4
    (count,) = struct.unpack(">I", read_at(file, rows - 4, 4))
    if count * width > min(MAX_TABLE, box.end - rows):
        raise damaged()
    return read_at(file, rows, count * width)
