"""Entries with several pages: `Pages: 1 2 3` below the text, page N at `POST/N/`."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from django.http import Http404
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from blog.models import Entry
from blog.rendering import PAGE_BREAK

_ID = re.compile(r'\sid="([^"<>]*)"')
_INTERNAL_LINK = re.compile(r'(<a\b[^<>]*?\shref=")#([^"<>]+)"')


@dataclass(frozen=True, slots=True)
class EntryPageLink:
    page_number: int
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One page of an entry. `links` is empty if the entry has no other."""

    html: SafeString
    page_number: int
    links: list[EntryPageLink]
    url: str


def entry_page_url(entry: Entry, page_number: int) -> str:
    """Return the URL of one page of an entry. The first one has the URL of the entry."""
    url = entry.get_absolute_url()
    return url if page_number == 1 else f"{url}{page_number}/"


def entry_page(entry: Entry, page_number: int = 1) -> EntryPage:
    """Return one page of an entry. Raises Http404 past the last one."""
    htmls = entry.body_with_breaks.split(PAGE_BREAK)
    if page_number > len(htmls):
        raise Http404(gettext("That page doesn't exist."))
    html = htmls[page_number - 1]
    links = []
    if len(htmls) > 1:
        links = [
            EntryPageLink(number, entry_page_url(entry, number), is_current=number == page_number)
            for number in range(1, len(htmls) + 1)
        ]
        html = _with_links_between_pages(entry, page_number, htmls)
    return EntryPage(mark_safe(html), page_number, links, entry_page_url(entry, page_number))  # noqa: S308  # blog.rendering sanitised the whole before it was stored


def _with_links_between_pages(entry: Entry, page_number: int, htmls: list[str]) -> str:
    """Return the HTML of a page in which links to something on another page, such as a footnote, lead to that page."""
    page_of_id: dict[str, int] = {}
    for number, html in enumerate(htmls, start=1):
        for html_id in _ID.findall(html):
            page_of_id.setdefault(html_id, number)

    def replace(link: re.Match[str]) -> str:
        number = page_of_id.get(unquote(link[2]), page_number)
        return link[0] if number == page_number else f'{link[1]}{entry_page_url(entry, number)}#{link[2]}"'

    return _INTERNAL_LINK.sub(replace, htmls[page_number - 1])
