"""Which page was read: an entry, under any of its URLs, or another public page."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from django.http import Http404
from django.urls import resolve

from blog import privacy
from blog.caching import noindex_parameters, private_parameters
from blog.generated_pages import generated_pages
from blog.models import Page, Post
from readers.models import PageKind

# Feeds are read by programs, for no one or for many people, so counting them would tell nothing.
_FEED: Final = re.compile(r"/feed(?:/[a-z0-9]+)?/\Z")
# The path of a further page of an entry.
_NUMBER: Final = re.compile(r"(.+)/[1-9][0-9]{0,8}")
_MAX_PARAMETERS: Final = 30


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page that can be counted: its kind and, if it is an entry, its ID."""

    kind: PageKind
    entry_id: int | None = None


def find_page(path: str, query: str, version: int) -> ReadPage | None:
    """Return the page at a path (as in a WSGI environment), or None if requests for it are not counted.

    Not counted are other views of a page, such as search results, and anything that isn't a page. `version` is the
    version of entries: results are remembered until entries change.
    """
    if query and _is_other_view(query):
        return None
    return _page_at(path, version)


def _is_other_view(query: str) -> bool:
    try:
        given = {name for name, _value in parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)}
    except ValueError:
        return True
    return not given.isdisjoint({*noindex_parameters.values(), *private_parameters.values()})


@lru_cache(maxsize=5_000)
def _page_at(path: str, version: int) -> ReadPage | None:
    try:
        decoded = path.encode("latin-1").decode()
        match = resolve(decoded)
    except (UnicodeError, Http404):
        # Resolver404 is an Http404.
        return None
    if not getattr(match.func, "is_public_page", False) or _FEED.search(decoded) or match.view_name == "blog:oembed":
        return None
    if decoded == "/":
        return ReadPage(PageKind.FRONT)
    where = match.kwargs
    if match.view_name in {"blog:post", "blog:post_page"}:
        posts = Post.objects.published().at(where["year"], where["month"], where["day"], where["slug"])
        post_id = posts.values_list("pk", flat=True).first()
        return ReadPage(PageKind.ENTRY, post_id) if post_id else None
    if match.view_name == "blog:page":
        if page_id := _find_page_entry(where["path"]):
            return ReadPage(PageKind.ENTRY, page_id)
        if where["path"].partition("/")[0] not in {*generated_pages, privacy.PATH}:
            return None
    return ReadPage(PageKind.OTHER)


def _find_page_entry(path: str) -> int | None:
    """Return the ID of the page with this path, or with a further page at this path; None if there is none."""
    numbered = _NUMBER.fullmatch(path)
    paths = [path, numbered[1]] if numbered else [path]
    found: dict[str, int] = dict(Page.objects.published().filter(path__in=paths).values_list("path", "pk"))
    return next((found[each] for each in paths if each in found), None)
