"""Recordings and films that feeds enclose with posts: what programs for podcasts download.

There are two kinds. WordPress keeps a list with each post; plug-ins for podcasts write into it, often without a word in
the text. So those of imported posts are rows of their own (`Enclosure`): they could not be read from the texts. To the
same list WordPress adds, when a post is published, what recordings its text names. That is done here whenever a feed is
made: all that stands in the rendered text and is in the library is enclosed too. Nothing has to be kept in step
with a text that way, and an address in it that led to the old site leads here as soon as its file has come.
"""

import re
from collections.abc import Iterable, Sequence
from html import unescape
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from django.db import models
from django.db.models import prefetch_related_objects
from django.utils.feedgenerator import Enclosure as Enclosed
from django.utils.translation import gettext_lazy as _

from blog.rendering.moved import files_here
from blog.site import absolute_url
from library.kinds import KINDS, kind_of
from library.models import Document

if TYPE_CHECKING:
    # It stands on this module.
    from blog.models import Post

MAX_URL_LENGTH: Final = 2000
MAX_TYPE_LENGTH: Final = 100

_ENDINGS: Final = "|".join(ending.lstrip(".") for ending, kind in KINDS.items() if kind.is_recording)
# What stands before the sign is looked at afterwards: that is much faster.
_ADDRESS = re.compile(rf'="(?:(?<=\ssrc=")|(?<=\shref="))([^"]+\.(?:{_ENDINGS}))"')
# How an address of a recording in the library ends, wherever its files are handed out: in the name of the file.
_FILE = re.compile(rf"documents/[0-9]{{4}}/[0-9]{{2}}/[^/]+\.(?:{_ENDINGS})\Z")


class Enclosure(models.Model):
    """That WordPress enclosed the file at `url` with a post. The file may be here by now."""

    post = models.ForeignKey("blog.Post", on_delete=models.CASCADE, related_name="enclosures", verbose_name=_("post"))
    url = models.CharField(_("address"), max_length=MAX_URL_LENGTH)
    # In bytes, as WordPress had it; 0 if it did not know.
    length = models.PositiveBigIntegerField(_("size in bytes"), default=0)
    media_type = models.CharField(_("type"), max_length=MAX_TYPE_LENGTH)

    class Meta:
        verbose_name = _("enclosure")
        verbose_name_plural = _("enclosures")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.url


class EnclosedWith(NamedTuple):
    """What feeds enclose with a post: those that are `kept` for it, and of those `in_text` the others."""

    kept: list[Enclosed]
    in_text: list[Enclosed]


def enclosed_with(posts: Sequence["Post"]) -> dict[int, EnclosedWith]:
    """For each of `posts`, by its key: three queries at most, whatever their number. Each file is named once."""
    prefetch_related_objects(posts, "enclosures")
    here = files_here({said.url for post in posts for said in post.enclosures.all()})
    in_texts = {post.pk: [_whole(unescape(found)) for found in _ADDRESS.findall(post.body_html)] for post in posts}
    library = _recordings(chain(map(_whole, here.values()), *in_texts.values()))
    enclosed = {}
    for post in posts:
        kept: dict[str, Enclosed] = {}
        for said in post.enclosures.all():
            url = _whole(here.get(said.url, said.url))
            kept.setdefault(url, library.get(url) or Enclosed(url, str(said.length), said.media_type))
        in_text = {url: library[url] for url in in_texts[post.pk] if url in library and url not in kept}
        enclosed[post.pk] = EnclosedWith(list(kept.values()), list(in_text.values()))
    return enclosed


def _whole(address: str) -> str:
    return absolute_url(address) if address.startswith("/") else address


def _recordings(urls: Iterable[str]) -> dict[str, Enclosed]:
    """The recordings and films of the library at `urls`, by these."""
    names = {file[0] for url in urls if (file := _FILE.search(unquote(url)))}
    found = {}
    for document in Document.objects.filter(file__in=names) if names else ():
        if kind := kind_of(str(document.file.name)):
            url = _whole(document.file.url)
            found[url] = Enclosed(url, str(document.size), kind.media_type)
    return found
