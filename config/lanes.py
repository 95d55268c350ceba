"""The lanes of requests that are not answered from the page cache (core.serving.admission), for each process.

One or two requests at a time keep a core busy. More would not be answered sooner, but everyone later.
"""

import asyncio
from typing import Any, Final
from urllib.parse import parse_qs

from django.conf import settings

from blog.caching.requests import KNOWN_PAGE
from core.serving.admission import Lane
from core.serving.rsgi import is_large

# Pages that readers asked for not long ago, and that must be rendered again because something changed.
KNOWN_PAGES: Final = Lane(2, waiting=32, patience=10)
# What a flood can ask for in any number of ways: one at a time, because two would answer no more of it and keep readers
# of known pages waiting for longer. Many may wait, because a client that is refused asks for the next page at once.
_TURNS: Final = asyncio.Semaphore(1)
NEW_PAGES: Final = Lane(1, waiting=128, patience=1, turns=_TURNS)
SEARCHES: Final = Lane(1, waiting=128, patience=1, turns=_TURNS)
# Comments and what else readers send, which must not get lost.
SUBMISSIONS: Final = Lane(2, waiting=64, patience=20)
# People with accounts, and signing in.
ACCOUNTS: Final = Lane(2, waiting=32, patience=20)
# Their large files, which take as long as their line does.
UPLOADS: Final = Lane(2, waiting=8, patience=60)
FILES: Final = Lane(2, waiting=64, patience=10)
# Of the search, and of the index of tags.
_SEARCH_PARAMETERS: Final = frozenset({"s", "q"})
LANES: Final = (KNOWN_PAGES, NEW_PAGES, SEARCHES, SUBMISSIONS, ACCOUNTS, UPLOADS, FILES)


def lane_of(environ: dict[str, Any]) -> Lane:
    """Return the lane of a request, by what anyone can see of it without a query."""
    path: str = environ["PATH_INFO"]
    if has_session(environ.get("HTTP_COOKIE", "")) or path.startswith("/admin/"):
        return UPLOADS if is_large(environ) else ACCOUNTS
    if environ["REQUEST_METHOD"] not in {"GET", "HEAD", "OPTIONS"}:
        return SUBMISSIONS
    if path.startswith((settings.STATIC_URL, settings.MEDIA_URL)):
        return FILES
    if path.startswith("/search/") or not _SEARCH_PARAMETERS.isdisjoint(parse_qs(environ.get("QUERY_STRING", ""))):
        return SEARCHES
    return KNOWN_PAGES if environ.get(KNOWN_PAGE) else NEW_PAGES


def has_session(cookies: str) -> bool:
    """Return whether a header `Cookie` has a session, which readers never have."""
    return f"{settings.SESSION_COOKIE_NAME}=" in cookies
