"""The audio and video files of posts that are in meta fields instead of the text.

In `enclosure`, WordPress stores the URL, size in bytes and media type, one per line. Any further lines belong to
plugins. Plugins for podcasts and themes have fields of their own, most of them with nothing but the URL.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from blog.models import Enclosure
from core.http import host_of
from media.file_types import file_type_of
from wordpress.importing.limits import max_length
from wordpress.wxr import php_values
from wordpress.wxr.records import ENCLOSURE

_MEDIA_TYPE: Final = re.compile(rf"(?=.{{3,{max_length(Enclosure, 'media_type')}}}\Z)[\w.+-]+/[\w.+-]+", re.ASCII)
# Fields of podPress, which contain serialised arrays.
_PODPRESS: Final = {"_podPressMedia", "podPressMedia"}
# Fields whose names begin with an underscore, which WordPress hides: those of Simple Podcast Press, Church Content, and
# themes that support post formats. It is not known whether readers could get the files in others.
_SHOWN: Final = {"_audiourl", "_ctc_sermon_audio", "_ctc_sermon_video", "_format_audio_embed", "_format_video_embed"}


class EnclosedFile(NamedTuple):
    """A file that belongs to a post, with its size in bytes, which is 0 if it is not known."""

    url: str
    length: int
    media_type: str


def files_of_plugins(meta: Iterable[Sequence[str]]) -> Iterator[tuple[str, EnclosedFile]]:
    """Yield the files in fields other than `enclosure`, each with the name of its field."""
    for key, value in meta:
        if "://" in value:
            yield from ((key, file) for file in _files_in_field(key, value) if file)


def _files_in_field(key: str, value: str) -> Iterable[EnclosedFile | None]:
    if key in _PODPRESS:
        return _files_of_podpress(value)
    # PowerPress has such a field for each of several podcasts.
    if key.endswith(f":{ENCLOSURE}"):
        return [parse_enclosure(value)]
    return [_only_file(value)] if key in _SHOWN or not key.startswith("_") else []


def _files_of_podpress(value: str) -> Iterator[EnclosedFile | None]:
    try:
        entries = php_values.parse(value)
        if isinstance(entries, str):
            entries = php_values.parse(entries)
    except ValueError:
        return
    for entry in entries.values() if isinstance(entries, dict) else ():
        values = entry if isinstance(entry, dict) else {}
        yield parse_enclosure(f"{values.get('URI', '')}\n{values.get('size', '')}")


def _only_file(value: str) -> EnclosedFile | None:
    """Return the audio or video file whose URL is all that a field contains."""
    url = value.strip()
    file = parse_enclosure(url) if len(url.split()) == 1 else None
    return file if file and file.media_type.startswith(("audio/", "video/")) else None


def parse_enclosure(field: str) -> EnclosedFile | None:
    """Return the file of a field like `enclosure`; None if its URL is not usable."""
    url, length, media_type, *_more = (line.strip() for line in (*field.strip().split("\n"), "", ""))
    if not host_of(url) or len(url) > max_length(Enclosure, "url"):
        return None
    size = int(length) if length.isascii() and length.isdecimal() and len(length) < 17 else 0
    # WordPress writes `audio/mpeg mpga mp2 mp3`, for example.
    named = _MEDIA_TYPE.match(media_type.partition(" ")[0])
    file_type = file_type_of(urlsplit(url).path)
    default = file_type.media_type if file_type else "application/octet-stream"
    return EnclosedFile(url, min(size, 2**53), named[0] if named else default)


def enclosure_field(file: EnclosedFile) -> str:
    """Return the meta field of an enclosure, as WordPress writes it."""
    return f"{file.url}\n{file.length}\n{file.media_type}\n"
