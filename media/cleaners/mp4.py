"""MP4 and QuickTime: what is not needed for playing is overwritten with zeros, so that no offset in the file changes.

Cameras record places, people's names and serial numbers in boxes, in tracks of their own, and between their data.
No maintained library with a permissive licence removes them without FFmpeg.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Final

from media.cleaners.mp4_boxes import Box, Track, boxes, chunks_of, handler_of, id_of
from media.cleaners.mp4_fragments import runs_of
from media.cleaners.nal_units import Coding, clean_h265_description, clean_units, coding_of
from media.cleaners.streams import copy_unchanged, damaged, size_of, too_complex, write_zeros

_TIMED: Final = {b"mvhd", b"tkhd", b"mdhd"}
# Images, sound and subtitles.
_SHOWN: Final = {b"vide", b"soun", b"text", b"sbtl", b"subt", b"clcp"}
# The boxes that say where the data of a track is. `elst` only says which part is played.
_OF_TRACK: Final = {b"tkhd", b"hdlr", b"stsd", b"stsc", b"stsz", b"stco", b"co64"}
# The descriptions of H.264 and H.265, and after how many bytes the boxes in them begin.
_WITH_MESSAGES: Final = frozenset(b"avc1 avc2 avc3 avc4 dva1 dvav hvc1 hev1 dvh1 dvhe encv".split())
_DESCRIBED: Final = 86
# Where the descriptions of images and sound name the vendor and the encoder: after how many bytes, and in how many.
_ENCODED: Final = {b"vide": ((20, 4), (50, 32)), b"soun": ((20, 4),)}


def clean_mp4(source: IO[bytes], target: IO[bytes]) -> None:
    """Overwrite metadata, times, names, tracks that aren't shown, and data that belongs to no track."""
    # Before anything is copied, which takes long.
    found = list(boxes(source, 0, size_of(source)))
    kinds = [(track, handler_of(source, track)) for track in _tracks(found)]
    hidden = [track.box for track, kind in kinds if kind not in _SHOWN]
    is_fragmented = any(box.kind == b"moof" for box in found)
    if is_fragmented and hidden:
        raise too_complex()
    runs = _runs(source, found)
    if any(box.path == (b"moov", b"cmov") for box in found):
        # Compressed, as QuickTime did until 2005.
        raise damaged()
    copy_unchanged(source, target)
    for box in found:
        if any(each.body <= box.start < each.end for each in hidden):
            continue
        if not box.is_needed or box in hidden:
            _free(target, box)
        else:
            _clean(source, target, box)
    used: list[tuple[int, int]] = []
    for track, kind in kinds:
        _clean_descriptions(source, target, track, kind)
        if kind in _SHOWN:
            in_fragments = runs.get(id_of(source, track), []) if is_fragmented else []
            places = sorted([*chunks_of(source, track), *in_fragments])
            _clean_messages(source, target, track, places)
            used += places
    used.sort()
    for box in found:
        if box.path == (b"mdat",):
            _zero_unused(target, box, used)


def _runs(source: IO[bytes], found: Iterable[Box]) -> Mapping[int, list[tuple[int, int]]]:
    """Return where the data of each track starts and ends in the fragments of the file, by its ID."""
    runs = defaultdict[int, list[tuple[int, int]]](list)
    for track_id, start, end in runs_of(source, found):
        runs[track_id].append((start, end))
    return runs


def _tracks(found: Iterable[Box]) -> Iterator[Track]:
    track: Track | None = None
    for box in found:
        if box.path == (b"moov", b"trak"):
            if track:
                yield track
            track = Track(box)
        elif track and box.path[:2] == (b"moov", b"trak") and box.kind in _OF_TRACK and b"minf" not in box.path[-2:-1]:
            # QuickTime has a second handler in `minf`, of the data.
            track.boxes[box.kind] = box
    if track:
        yield track


def _free(target: IO[bytes], box: Box) -> None:
    """Turn a box into padding."""
    target.seek(box.start + 4)
    target.write(b"free")
    write_zeros(target, box.body, box.end)


def _clean(source: IO[bytes], target: IO[bytes], box: Box) -> None:
    """Overwrite what a needed box says about people and times."""
    if box.kind in _TIMED:
        source.seek(box.body)
        # Creation and modification, of 4 bytes each, or 8 in version 1. Source: ISO/IEC 14496-12, 8.2.2.
        size = 16 if source.read(1) == b"\1" else 8
        write_zeros(target, box.body + 4, min(box.body + 4 + size, box.end))
    elif box.kind == b"hdlr":
        # After the type: who made the component, and a name.
        write_zeros(target, box.body + 12, box.end)
    elif box.kind == b"dref":
        # Paths of files that hold the data, which is in this one.
        for start, end in _entries(source, box):
            write_zeros(target, start + 12, end)


def _clean_descriptions(source: IO[bytes], target: IO[bytes], track: Track, kind: bytes) -> None:
    """Overwrite what the descriptions of a track of this kind say about the program that encoded it."""
    if kind in _ENCODED and b"stsd" in track.boxes:
        for start, end in _entries(source, track.boxes[b"stsd"]):
            for position, length in _ENCODED[kind]:
                write_zeros(target, start + position, min(start + position + length, end))


def _clean_messages(source: IO[bytes], target: IO[bytes], track: Track, places: Iterable[tuple[int, int]]) -> None:
    """Overwrite the messages within the video of a track, and in the descriptions of how it is coded.

    `places` are where its data starts and ends, sorted.
    """
    if b"stsd" not in track.boxes or handler_of(source, track) != b"vide":
        return
    codings = set[Coding]()
    for start, end in _entries(source, track.boxes[b"stsd"]):
        source.seek(start + 4)
        if source.read(4) not in _WITH_MESSAGES:
            continue
        for box in boxes(source, start + _DESCRIBED, end, (b"stsd",)):
            if coding := coding_of(source, box.kind, box.body):
                codings.add(coding)
                if coding.is_h265:
                    clean_h265_description(source, target, box.body, box.end)
    if len(codings) > 1:
        raise too_complex()
    for coding in codings:
        position = 0
        for start, end in places:
            # Those that overlap would let a small file take hours.
            if start >= position:
                clean_units(source, target, start, end, coding)
                position = end


def _entries(source: IO[bytes], box: Box) -> Iterator[tuple[int, int]]:
    """Yield where each entry of a list of boxes starts and ends. Their number comes before them."""
    position = box.body + 8
    while position + 8 <= box.end:
        source.seek(position)
        size = int.from_bytes(source.read(4))
        if size < 8 or position + size > box.end:
            raise damaged()
        yield position, position + size
        position += size


def _zero_unused(target: IO[bytes], box: Box, used: list[tuple[int, int]]) -> None:
    """Overwrite the data that belongs to no track. `used` is sorted."""
    position = box.body
    for start, end in used:
        if end <= position:
            continue
        if start >= box.end:
            break
        write_zeros(target, position, start)
        position = end
    write_zeros(target, position, box.end)
