"""The enclosures of posts in exports (blog.models.post says what they are).

WordPress keeps each in a meta field: URL, size in bytes and media type, one per line. Further lines belong to plug-ins.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from django.utils.translation import ngettext

from blog.models import Enclosure, Post
from core.http import host_of
from media.file_types import file_type_of
from wordpress.bulk import insert_rows
from wordpress.importing.context import ImportContext
from wordpress.importing.entry_builder import ImportedEntry
from wordpress.importing.limits import max_length
from wordpress.importing.report import POSTS
from wordpress.wxr.records import ENCLOSURE, Item

# No real post has more.
_MAX_ENCLOSURES: Final = 100
_MAX_BYTES: Final = 2**53
_MEDIA_TYPE = re.compile(rf"(?=.{{3,{max_length(Enclosure, 'media_type')}}}\Z)[\w.+-]+/[\w.+-]+", re.ASCII)
_UNKNOWN_TYPE: Final = "application/octet-stream"


class ExportedEnclosure(NamedTuple):
    """One enclosure of an exported post."""

    url: str
    length: int
    media_type: str


def import_enclosures(context: ImportContext, posts: Sequence[ImportedEntry]) -> None:
    """Store the enclosures of posts that are new or have changed."""
    if changed := [post.entry.pk for post in posts if post.is_changed]:
        Enclosure.objects.filter(post__in=changed).delete()
    rows = []
    for post in posts:
        fields = _fields(post.item)
        found = enclosures_of(post.item)
        rows += [(post.entry.pk, *enclosure) for enclosure in found]
        if unreadable := len(fields) - len(found):
            text = ngettext(
                "%d of its enclosures has no readable URL and was skipped.",
                "%d of its enclosures have no readable URL and were skipped.",
                unreadable,
            )
            context.report.note(POSTS, post.item.id, post.entry.title, text % unreadable)
    insert_rows(Enclosure, ("post", "url", "length", "media_type"), rows)


def enclosures_of(item: Item) -> list[ExportedEnclosure]:
    """Return the readable enclosures of an item, in order."""
    return [enclosure for field in _fields(item) if (enclosure := _parse(field))][:_MAX_ENCLOSURES]


def enclosure_fields(post: Post) -> Iterator[str]:
    """Yield what WordPress has in the meta fields of `post`, for which it is known what feeds enclose."""
    for stored in post.enclosures.all():
        yield f"{stored.url}\n{stored.length}\n{stored.media_type}\n"
    for file in post.enclosed.in_text:
        yield f"{file.url}\n{file.length}\n{file.mime_type}\n"


def _fields(item: Item) -> list[str]:
    fields = [value for key, value in item.meta if key == ENCLOSURE and value.strip()]
    return fields[: item.extension.stored_enclosures if item.extension else None]


def _parse(field: str) -> ExportedEnclosure | None:
    url, length, media_type, *_more = (line.strip() for line in (*field.strip().split("\n"), "", ""))
    if not host_of(url) or len(url) > max_length(Enclosure, "url"):
        return None
    size = int(length) if length.isascii() and length.isdecimal() and len(length) < 17 else 0
    # WordPress writes `audio/mpeg mpga mp2 mp3`, for example.
    named = _MEDIA_TYPE.match(media_type.partition(" ")[0])
    file_type = file_type_of(urlsplit(url).path)
    return ExportedEnclosure(
        url, min(size, _MAX_BYTES), named[0] if named else file_type.media_type if file_type else _UNKNOWN_TYPE
    )
