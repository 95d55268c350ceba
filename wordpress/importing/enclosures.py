"""The meta fields in which WordPress stores the enclosures of posts: URL, size in bytes and media type, one per line.

Any further lines belong to plugins.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from blog.models import Enclosure
from core.http import host_of
from media.file_types import file_type_of
from wordpress.importing.limits import max_length

_MEDIA_TYPE: Final = re.compile(rf"(?=.{{3,{max_length(Enclosure, 'media_type')}}}\Z)[\w.+-]+/[\w.+-]+", re.ASCII)


def parse_enclosure(field: str) -> tuple[str, int, str] | None:
    """Return the URL, size and media type of an enclosure; None if its URL is not usable."""
    url, length, media_type, *_more = (line.strip() for line in (*field.strip().split("\n"), "", ""))
    if not host_of(url) or len(url) > max_length(Enclosure, "url"):
        return None
    size = int(length) if length.isascii() and length.isdecimal() and len(length) < 17 else 0
    # WordPress writes `audio/mpeg mpga mp2 mp3`, for example.
    named = _MEDIA_TYPE.match(media_type.partition(" ")[0])
    file_type = file_type_of(urlsplit(url).path)
    default = file_type.media_type if file_type else "application/octet-stream"
    return url, min(size, 2**53), named[0] if named else default


def enclosure_field(url: str, length: int, media_type: str) -> str:
    """Return the meta field of an enclosure, as WordPress writes it."""
    return f"{url}\n{length}\n{media_type}\n"
