"""Enclosures: the audio and video files that feeds attach to posts, which podcast apps download.

Imported posts keep WordPress's list of them (`Enclosure`), because podcast plugins add files that the text does not
mention. Audio and video files of the media library that the rendered text links to are looked up for each feed.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from html import unescape
from itertools import chain
from typing import Final, NamedTuple
from urllib.parse import unquote

from django.utils.feedgenerator import Enclosure as FeedEnclosure

from blog.models import Enclosure, Post
from blog.rendering.moved_files import resolve_files
from core.prepared import Prepared
from core.site import absolute_url
from media.file_types import FILE_TYPES, file_type_of
from media.models import Document

_EXTENSIONS: Final = "|".join(
    extension.lstrip(".") for extension, file_type in FILE_TYPES.items() if file_type.is_audio_or_video
)
# The attribute's name is checked only after its value has been found, which is much faster.
_FILE_URL = re.compile(rf'="(?:(?<=\ssrc=")|(?<=\shref="))([^"]+\.(?:{_EXTENSIONS}))"')
# The file name at the end of a URL of an audio or video file in the media library, wherever files are served from.
_STORED_NAME = re.compile(rf"documents/[0-9]{{4}}/[0-9]{{2}}/(?:[0-9a-f]{{12}}/)?[^/\0]+\.(?:{_EXTENSIONS})\Z")


class EnclosedWith(NamedTuple):
    """What feeds enclose with a post: the files stored as enclosures (`kept`), and others from its text (`in_text`)."""

    kept: list[FeedEnclosure]
    in_text: list[FeedEnclosure]


def stored_enclosures(posts: Iterable[Post]) -> dict[int, list[Enclosure]]:
    """Return the stored enclosures of each post by its ID. Takes one query."""
    stored: defaultdict[int, list[Enclosure]] = defaultdict(list)
    for enclosure in _stored([post.pk for post in posts]):
        stored[enclosure.post_id].append(enclosure)
    return stored


_stored = Prepared[Enclosure](lambda ids: Enclosure.objects.filter(post__pk__in=ids))


def enclosures_by_post(posts: Sequence[Post], stored: Mapping[int, Iterable[Enclosure]]) -> dict[int, EnclosedWith]:
    """Return the enclosures of each post by its ID, each file once: those `stored`, and those in its text.

    Takes at most two queries for any number of posts.
    """
    old_urls = {enclosure.url for enclosures in stored.values() for enclosure in enclosures}
    new_urls = resolve_files(old_urls) if old_urls else {}
    urls_in_text = {
        post.pk: [absolute_url(unescape(url)) for url in _FILE_URL.findall(post.body_html)] for post in posts
    }
    library = _library_files(chain(map(absolute_url, new_urls.values()), *urls_in_text.values()))
    by_post = {}
    for post in posts:
        kept: dict[str, FeedEnclosure] = {}
        for enclosure in stored.get(post.pk, ()):
            url = absolute_url(new_urls.get(enclosure.url, enclosure.url))
            kept.setdefault(url, library.get(url) or FeedEnclosure(url, str(enclosure.length), enclosure.media_type))
        in_text = {url: library[url] for url in urls_in_text[post.pk] if url in library and url not in kept}
        by_post[post.pk] = EnclosedWith(list(kept.values()), list(in_text.values()))
    return by_post


def _library_files(urls: Iterable[str]) -> dict[str, FeedEnclosure]:
    """Return the audio and video files of the media library that are at `urls`, by URL."""
    names = {name[0] for url in urls if (name := _STORED_NAME.search(unquote(url)))}
    found = {}
    # Nearly all posts have none, and an export goes through them one by one.
    for document in Document.objects.filter(file__in=names) if names else ():
        if file_type := file_type_of(str(document.file.name)):
            url = absolute_url(document.file.url)
            found[url] = FeedEnclosure(url, str(document.size), file_type.media_type)
    return found
