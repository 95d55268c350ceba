"""The lanes of requests that are not answered from the page cache (core.serving.admission), for each process.

One or two requests at a time keep a core busy. With more, none would be answered sooner, and most of them later.
"""

import asyncio
from typing import Any, Final
from urllib.parse import parse_qs

from django.conf import settings

from blog.caching.requests import KNOWN_PAGE
from core.serving.admission import Lane
from core.serving.rsgi import is_large

# Pages that readers requested recently, and that must be rendered again because something changed.
KNOWN_PAGES: Final = Lane(2, waiting=32, patience=10)
# Requests that a flood can vary without end: one at a time, because two would get through no more of it, and would keep
# readers of known pages waiting longer. Many may wait, and for long, because a client that is refused requests the next
# page at once. After a start, no page is known yet, and on a busy machine many readers wait here.
_TURNS: Final = asyncio.Semaphore(1)
NEW_PAGES: Final = Lane(1, waiting=128, patience=10, turns=_TURNS)
SEARCHES: Final = Lane(1, waiting=128, patience=10, turns=_TURNS)
# Comments and other submissions of readers, which must not be lost.
SUBMISSIONS: Final = Lane(2, waiting=64, patience=20)
# People with accounts, and logging in.
ACCOUNTS: Final = Lane(2, waiting=32, patience=20)
# Their large files, which take as long as their connection needs.
UPLOADS: Final = Lane(2, waiting=8, patience=60)
FILES: Final = Lane(2, waiting=64, patience=10)
# The query parameters of the search and of the tag index.
_SEARCH_PARAMETERS: Final = frozenset({"s", "q"})
LANES: Final = (KNOWN_PAGES, NEW_PAGES, SEARCHES, SUBMISSIONS, ACCOUNTS, UPLOADS, FILES)


def lane_of(environ: dict[str, Any]) -> Lane:
    """Return the lane of a request, as far as can be told without a database query."""
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
    """Return whether a `Cookie` header has a session, which readers never have."""
    return f"{settings.SESSION_COOKIE_NAME}=" in cookies
