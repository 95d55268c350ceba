"""MP4 and QuickTime: what is not needed for playing is overwritten with zeros, so that no offset in the file changes.

Cameras record places, people's names and serial numbers in boxes, in separate tracks, and between the data of tracks.
No maintained library with a permissive licence removes them without FFmpeg.
"""

import re
import struct
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import IO, Final

from media.cleaners.mp4_boxes import (
    Box,
    Track,
    apart,
    boxes,
    chunks_of,
    clear_times,
    end_of_boxes,
    entries,
    free_box,
    handler_of,
    id_of,
)
from media.cleaners.mp4_descriptions import clean_descriptions, cleaner_of_track
from media.cleaners.mp4_fragments import boxes_of_tracks, runs_of
from media.cleaners.streams import CHUNK, LANGUAGE, copy_part, damaged, read_at, too_complex, write_at, write_zeros
from media.cleaners.subtitles import Subtitles

# Video, audio and subtitles.
_SHOWN: Final = {b"vide", b"soun", b"text", b"sbtl", b"subt", b"clcp"}
_TEXTS: Final = _SHOWN - {b"vide", b"soun"}
# How often tracks may use all data of the file. Each use is read.
_MAX_USES: Final = 4
_LONGEST_LANGUAGE: Final = 64
# The standards that a file may follow. Others are named after makers of cameras and networks of mobile phones.
_BRAND: Final = re.compile(
    rb"qt  |M4[ABPV] |iso[m2-9a-c]|mp4[12v]|mp71|avc[1-4]|av01|h[ev][cv]1|dby1|3g[2efghprst][0-9a-c]|dash|dsms"
    rb"|ms(?:dh|ix)|lmsg|cm[f2][2cfs]|piff"
)
_COMMON_BRAND: Final = b"isom"
# The boxes that say what and where the data of a track is. `elst` only says which part is played.
_OF_TRACK: Final = {b"tkhd", b"hdlr", b"stsd", b"stsc", b"stsz", b"stco", b"co64"}


def clean_mp4(source: IO[bytes], target: IO[bytes]) -> None:
    """Overwrite metadata, times, names, tracks that aren't shown, and data that belongs to no track."""
    # All checks come before copying, which takes long.
    end = end_of_boxes(source)
    found = list(boxes(source, 0, end))
    tracks = list(_tracks(found))
    for track in tracks:
        track.kind = handler_of(source, track)
    is_fragmented = any(box.kind == b"moof" for box in found)
    runs = list(runs_of(source, found)) if is_fragmented else []
    data = [(box.body, box.end) for box in found if box.path == (b"mdat",)]
    _find_places(source, tracks, data, runs)
    if sum(last - first for track in tracks for first, last in apart(track.places)) > _MAX_USES * end:
        raise too_complex()
    # Browsers don't show the titles of chapters, in which programs store all kinds of notes. Their times stay.
    titles = set(_chapter_titles(source, found))
    for track in tracks:
        if titles and track.kind in _TEXTS and id_of(source, track) in titles:
            track.places.clear()
    shown = [track for track in tracks if _is_shown(source, track)]
    cleaners = [cleaner_of_track(source, track) for track in shown]
    hidden = {track.box for track in tracks} - {track.box for track in shown}
    if is_fragmented and hidden:
        ids = {id_of(source, track) for track in tracks if track.box in hidden}
        hidden.update(_fragments_of(source, found, runs, ids))
    if any(box.path == (b"moov", b"cmov") for box in found):
        # The boxes are compressed, as QuickTime did until 2005.
        raise damaged()
    copy_part(source, target, 0, end)
    _clean_boxes(source, target, found, hidden)
    for track, clean in zip(shown, cleaners, strict=True):
        clean_descriptions(source, target, track)
        for start, last in apart(track.places):
            clean(source, target, start, last)
    _zero_unused(target, data, sorted(place for track in shown for place in track.places))


def _find_places(
    source: IO[bytes], tracks: Iterable[Track], data: list[tuple[int, int]], runs: Iterable[tuple[int, int, int]]
) -> None:
    """Set the places of the data of each track that may be shown.

    `data` are the places of all media data in the file, and `runs` the places of the data in fragments.
    """
    by_id = defaultdict[int, list[tuple[int, int]]](list)
    for track_id, start, end in runs:
        by_id[track_id].append((start, end))
    for track in tracks:
        if track.kind in _SHOWN:
            in_fragments = by_id[id_of(source, track)] if by_id else []
            track.places = sorted(_within(data, chain(chunks_of(source, track), in_fragments)))


def _within(data: list[tuple[int, int]], places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield each of `places` up to the end of the place in sorted `data` in which it begins."""
    for start, end in places:
        number = bisect_right(data, start, key=itemgetter(0)) - 1
        if number >= 0 and start < data[number][1]:
            yield start, min(end, data[number][1])


def _tracks(found: Iterable[Box]) -> Iterator[Track]:
    track: Track | None = None
    for box in found:
        if box.path == (b"moov", b"trak"):
            if track:
                yield track
            track = Track(box)
        elif track and box.path[:2] == (b"moov", b"trak") and _is_of_track(box):
            track.boxes[box.kind] = box
    if track:
        yield track


def _is_of_track(box: Box) -> bool:
    """Whether a box says what a track contains, or where. QuickTime has a second handler in `minf`, for the data."""
    return box.kind in _OF_TRACK and box.is_needed and box.path[-2] != b"minf"


def _chapter_titles(source: IO[bytes], found: Iterable[Box]) -> Iterator[int]:
    """Yield the IDs of the tracks with the chapter titles of other tracks."""
    for box in found:
        if box.path == (b"moov", b"trak", b"tref", b"chap"):
            ids = read_at(source, box.body, min(box.end - box.body, CHUNK))
            yield from (track_id for (track_id,) in struct.iter_unpack(">I", ids[: len(ids) // 4 * 4]))


def _fragments_of(
    source: IO[bytes], found: Sequence[Box], runs: Iterable[tuple[int, int, int]], ids: Collection[int]
) -> Collection[Box]:
    """Return the boxes about fragments of these tracks. Raises ValidationError if other tracks depend on them."""
    hidden = set(boxes_of_tracks(source, found, ids))
    # The data of a track may begin where the data of a hidden track ends, a position that would be lost.
    if [*runs_of(source, _without(found, hidden))] != [run for run in runs if run[0] not in ids]:
        raise too_complex()
    return hidden


def _without(found: Iterable[Box], hidden: Collection[Box]) -> Iterator[Box]:
    """Yield the boxes that are neither hidden nor inside a hidden box."""
    end = 0
    for box in found:
        if box in hidden:
            end = max(end, box.end)
        elif box.start >= end:
            yield box


def _clean_boxes(source: IO[bytes], target: IO[bytes], found: Iterable[Box], hidden: Collection[Box]) -> None:
    """Turn boxes that are hidden or not needed for playing into padding, and clean the others."""
    freed = 0
    for box in found:
        if box.start < freed:
            continue
        if not box.is_needed or box in hidden:
            free_box(target, box)
            freed = box.end
        else:
            _clean(source, target, box)


def _clean(source: IO[bytes], target: IO[bytes], box: Box) -> None:
    """Overwrite what a needed box says about people and times."""
    clear_times(target, box)
    if box.kind in {b"ftyp", b"styp"}:
        # A version follows the first brand.
        write_zeros(target, box.body + 4, min(box.body + 8, box.end))
        for position in (box.body, *range(box.body + 8, min(box.end, box.body + CHUNK) - 3, 4)):
            if not _BRAND.fullmatch(read_at(source, position, 4)):
                write_at(target, position, _COMMON_BRAND)
    elif box.kind == b"hdlr":
        # The manufacturer of the component and a name follow the type.
        write_zeros(target, box.body + 12, box.end)
    elif box.kind == b"dref":
        # Paths of external files with the data, which is in this file.
        for start, end in entries(source, box):
            write_zeros(target, start + 12, end)
    elif box.kind == b"elng":
        # A language follows the version and flags.
        stated = read_at(source, box.body, min(_LONGEST_LANGUAGE, box.end - box.body))[4:]
        if box.end - box.body > _LONGEST_LANGUAGE or not LANGUAGE.fullmatch(stated):
            write_zeros(target, box.body + 4, box.end)


def _is_shown(source: IO[bytes], track: Track) -> bool:
    """Whether readers see or hear a track."""
    subtitles = Subtitles()
    for start, end in apart(track.places) if track.kind in _TEXTS else ():
        for position in range(start, end, CHUNK):
            subtitles.add(read_at(source, position, min(CHUNK, end - position)))
    return track.kind in _SHOWN and not subtitles.are_telemetry


def _zero_unused(target: IO[bytes], data: Iterable[tuple[int, int]], used: list[tuple[int, int]]) -> None:
    """Overwrite the media data that belongs to no track. `used` is sorted, and each of it is within one of `data`."""
    for position, end in data:
        for used_start, used_end in used[bisect_left(used, (position,)) : bisect_left(used, (end,))]:
            write_zeros(target, position, used_start)
            position = max(position, used_end)
        write_zeros(target, position, end)
