"""Texts in parts: `Pages: 1 2 3` below the body, part N at `POST/N/`."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from django.http import Http404
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from blog.models import Page, Post
from blog.rendering import PART_BREAK

_ID = re.compile(r'\sid="([^"<>]*)"')
_LINK_INSIDE = re.compile(r'(<a\b[^<>]*?\shref=")#([^"<>]+)"')


@dataclass(frozen=True, slots=True)
class PartLink:
    """A line of the table of parts."""

    number: int
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Part:
    """What one page shows of a text. `links` is empty for a text in one part."""

    text: SafeString
    number: int
    links: list[PartLink]
    url: str


def part_url(entry: Post | Page, number: int) -> str:
    """Where the part stands; the first has the address of the whole."""
    url = entry.get_absolute_url()
    return url if number == 1 else f"{url}{number}/"


def part_of(entry: Post | Page, number: int = 1) -> Part:
    """Part `number` of a text. Raises Http404 past the last one."""
    texts = entry.body_with_breaks.split(PART_BREAK)
    if number > len(texts):
        raise Http404(gettext("There is no such part of this text."))
    text = texts[number - 1]
    links = []
    if len(texts) > 1:
        links = [PartLink(other, part_url(entry, other), other == number) for other in range(1, len(texts) + 1)]
        text = _with_far_links(entry, number, texts)
    return Part(mark_safe(text), number, links, part_url(entry, number))  # noqa: S308  # blog.rendering sanitised the whole before it was stored


def _with_far_links(entry: Post | Page, number: int, texts: list[str]) -> str:
    """The text of a part; a link to something in another part, such as a footnote, leads to that part."""
    homes: dict[str, int] = {}
    for at, text in enumerate(texts, start=1):
        for name in _ID.findall(text):
            homes.setdefault(name, at)

    def link(found: re.Match[str]) -> str:
        home = homes.get(unquote(found[2]), number)
        return found[0] if home == number else f'{found[1]}{part_url(entry, home)}#{found[2]}"'

    return _LINK_INSIDE.sub(link, texts[number - 1])
