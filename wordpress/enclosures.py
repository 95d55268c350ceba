"""The enclosures of posts in exports (blog.enclosures says what they are).

WordPress keeps each in a meta field: address, size in bytes and type, a line each. What plug-ins write below is theirs.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from blog.enclosures import MAX_TYPE_LENGTH, MAX_URL_LENGTH, Enclosure
from blog.models import Post
from library.kinds import kind_of
from wordpress.comments import Answered
from wordpress.hosts import host_of
from wordpress.lookups import add_rows
from wordpress.originals import number_of_enclosures
from wordpress.records import ENCLOSURE, Item

# More is nobody's post.
_MOST: Final = 100
_MAX_LENGTH: Final = 2**53
_TYPE = re.compile(rf"(?=.{{3,{MAX_TYPE_LENGTH}}}\Z)[\w.+-]+/[\w.+-]+", re.ASCII)
# What a file is that nobody says anything of.
_ANYTHING: Final = "application/octet-stream"


class Enclosed(NamedTuple):
    """One enclosure of an exported post."""

    url: str
    length: int
    media_type: str


def enclosures_of(item: Item) -> list[Enclosed]:
    """Those that can be read, in their order."""
    read = filter(None, map(_enclosed, _fields(item)))
    return list(read)[:_MOST]


def number_unread(item: Item) -> int:
    """How many cannot be read."""
    return len(_fields(item)) - len(enclosures_of(item))


def bring_in_enclosures(new: Sequence[Answered], changed: Sequence[Answered]) -> None:
    """Let posts, new ones and such as have changed, have the enclosures that their items name."""
    if changed:
        Enclosure.objects.filter(post__in=[answered.entry.pk for answered in changed]).delete()
    found = [(answered.entry.pk, *each) for answered in (*new, *changed) for each in enclosures_of(answered.item)]
    add_rows(Enclosure, ("post", "url", "length", "media_type"), found)


def enclosure_fields(post: Post) -> Iterator[str]:
    """What WordPress has in the meta fields of `post`, of which it is known what feeds enclose with it."""
    for kept in post.enclosures.all():
        yield f"{kept.url}\n{kept.length}\n{kept.media_type}\n"
    for file in post.enclosed.in_text:
        yield f"{file.url}\n{file.length}\n{file.mime_type}\n"


def _fields(item: Item) -> list[str]:
    fields = [value for key, value in item.meta if key == ENCLOSURE and value.strip()]
    return fields[: number_of_enclosures(item)]


def _enclosed(field: str) -> Enclosed | None:
    url, length, media_type, *_more = (line.strip() for line in (*field.strip().split("\n"), "", ""))
    if not host_of(url) or len(url) > MAX_URL_LENGTH:
        return None
    size = int(length) if length.isascii() and length.isdecimal() and len(length) < 17 else 0
    # As in `audio/mpeg mpga mp2 mp3`.
    named = _TYPE.match(media_type.partition(" ")[0])
    kind = kind_of(urlsplit(url).path)
    return Enclosed(url, min(size, _MAX_LENGTH), named[0] if named else kind.media_type if kind else _ANYTHING)
