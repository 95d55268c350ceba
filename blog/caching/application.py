"""The page cache: the WSGI application around Django's, which answers before Django's middleware runs."""

import logging
import math
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, close_old_connections, connection

from blog.caching import DICTIONARY_PATH
from blog.caching.dictionaries import Dictionary, available_dictionary
from blog.caching.files import PageFiles
from blog.caching.memory import PageMemory
from blog.caching.pages import MAX_SECONDS, CachedPage, Headers, StartResponse, is_current, is_storable
from blog.caching.release import release_digest
from blog.caching.requests import FROM_CACHE, KNOWN_PAGE, Environ, PageRequest, page_request
from blog.caching.turns import Turns
from core.changes import VersionReader, content_version, next_scheduled_change
from core.outages import is_outage

# How long to wait for a page that another thread or process is rendering, and how often to check for it. In seconds.
_MAX_WAIT: Final = 0.3
_INTERVAL: Final = 0.005
# In seconds. Pages may depend on the date in ways that are not registered, so they expire after two days at most.
_DAY: Final = 24 * 60 * 60

_log = logging.getLogger(__name__)


class PageCache:
    """Answers requests of anonymous readers for public pages, and passes all others on to `django`.

    A page is looked up by the content version and its PageRequest: first in the memory of this process, then in the
    cache that all processes share. If neither has it, Django renders it. If anything fails here, Django answers.
    """

    def __init__(self, django: Callable[[Environ, Any], Iterable[bytes]]) -> None:
        self._django = django
        self._memory = PageMemory(settings.BROADSIDE_PAGE_CACHE_MEMORY)
        self._turns = Turns(settings.BROADSIDE_PAGE_CACHE_LOCKS)
        self._release = release_digest()
        folder = settings.BROADSIDE_PAGES_FOLDER
        self._files = PageFiles(folder, self._release, settings.BROADSIDE_PAGES_MAX_BYTES) if folder else None
        self._version_reader = VersionReader()
        # A content version, and the timestamp at which content next changes on its own under it.
        self._next_change = (-1, 0.0, 0.0)
        # The dictionary that this process used last, and the ETag of its page.
        self._dictionary: tuple[str, Dictionary] | None = None

    def answer_from_memory(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes] | None:
        """Answer from the memory of this process, or return None. Never blocks, for use in an event loop."""
        # Pages may have to be written to files for nginx, and compressing a page with a dictionary takes a while.
        if self._files is not None or available_dictionary(environ):
            return None
        request = page_request(environ)
        version = None if request is None else self._version_reader.read()
        if request is None or version is None:
            return None
        page = self._find_in_memory(version, request)
        if page is None:
            return None
        environ[FROM_CACHE] = True
        return page.send(environ, start_response)

    def answer_hit(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes] | None:
        """Answer if the page is in the cache. Otherwise, return None and note whether it was requested before."""
        request = page_request(environ)
        version = None if request is None else _version()
        if request is None or version is None:
            return None
        page = self._find_in_memory(version, request)
        if page is not None and self._files is not None:
            self._files.offer(version, request, page)
        page = page or self._find_shared(version, request)
        environ[KNOWN_PAGE] = self._memory.knows(request)
        return None if page is None else self._send(page, version, request, environ, start_response)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request = page_request(environ)
        version = None if request is None else _version()
        if request is None or version is None:
            return self._django(environ, start_response)
        page = self._find_in_memory(version, request)
        if page is None:
            return self._answer_in_turn(version, request, environ, start_response)
        if self._files is not None:
            self._files.offer(version, request, page)
        return self._send(page, version, request, environ, start_response)

    def _answer_in_turn(
        self, version: int, request: PageRequest, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Send a page from the cache or let Django render it, after waiting for any thread or process that does so."""
        number = int.from_bytes(self._digest(request)[:7])
        deadline = time.monotonic() + _MAX_WAIT
        while True:
            # The turn is taken first, so that a page that was stored before the turn was given back is found.
            has_turn = self._turns.take(number)
            page = self._find_in_memory(version, request) or self._find_shared(version, request)
            if has_turn or page is not None or time.monotonic() > deadline:
                break
            time.sleep(_INTERVAL)
        try:
            if page is None:
                return self._render(version, request, environ, start_response)
            return self._send(page, version, request, environ, start_response)
        finally:
            if has_turn:
                self._turns.give_back(number)

    def _render(
        self, version: int, request: PageRequest, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Let Django answer, and store the response if it is public. Only this costs more than a hit."""
        # The version and expiry are read before rendering, so that a change during rendering makes the page expire.
        expires_at = self._expiry(version)
        started: list[tuple[str, Headers]] = []
        response = self._django(request.environ(environ), lambda *start: started.append(start))
        ((status, headers),) = started
        if not is_storable(response):
            start_response(status, headers)
            return response
        environ[FROM_CACHE] = False
        page = CachedPage.of(response, status, headers, expires_at)
        response.close()
        seconds = expires_at - time.time()
        if seconds > 0:
            self._memory.add(version, request, page)
            if page.is_page and not request.query:
                # Only these: anyone can make up any number of searches, redirects and missing URLs, and fill the disk.
                cache.set(self._key(request), page, seconds, version=version)
        if available_dictionary(environ) and request.path != DICTIONARY_PATH:
            # One reader waits a little longer, so that others don't get larger pages until the next request for it.
            self._fetch_dictionary(environ)
        return self._send(page, version, request, environ, start_response)

    def _send(
        self, page: CachedPage, version: int, request: PageRequest, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        environ.setdefault(FROM_CACHE, True)
        return page.send(environ, start_response, self._find_dictionary(version, request, environ))

    def _find_dictionary(self, version: int, request: PageRequest, environ: Environ) -> Dictionary | None:
        """Return the current dictionary if the reader has it and it is in the cache."""
        name = available_dictionary(environ)
        if not name:
            return None
        own_request = PageRequest(DICTIONARY_PATH, "", request.is_secure)
        page = self._find_in_memory(version, own_request) or self._find_shared(version, own_request)
        if page is None or not page.is_page:
            return None
        known = self._dictionary
        if known is None or known[0] != page.etag:
            known = self._dictionary = page.etag, Dictionary.of(page.body(""))
        return known[1] if known[1].name == name else None

    def _fetch_dictionary(self, environ: Environ) -> None:
        """Request the current dictionary, so that it is in the cache."""
        page = {name: value for name, value in environ.items() if name != "HTTP_AVAILABLE_DICTIONARY"}
        page |= {"REQUEST_METHOD": "GET", "PATH_INFO": DICTIONARY_PATH, "QUERY_STRING": ""}
        response = self(page, lambda *_start: None)
        if close := getattr(response, "close", None):
            close()

    def _find_in_memory(self, version: int, request: PageRequest) -> CachedPage | None:
        page = self._memory.get(version, request)
        return page if page is not None and is_current(page.expires_at) else None

    def _find_shared(self, version: int, request: PageRequest) -> CachedPage | None:
        page = cache.get(self._key(request), version=version)
        if not isinstance(page, CachedPage) or not is_current(page.expires_at):
            return None
        self._memory.add(version, request, page)
        return page

    def _key(self, request: PageRequest) -> str:
        return f"page:{self._digest(request).hex()}"

    def _digest(self, request: PageRequest) -> bytes:
        return sha256(repr((settings.SITE_URL, self._release, request)).encode()).digest()

    def _expiry(self, version: int) -> float:
        """Return the timestamp at which a page that is rendered now expires, or 0 if that is unknown."""
        now = time.time()
        known_version, known_since, change = self._next_change
        # The clock may have been set back.
        if version != known_version or not known_since <= now < change:
            try:
                scheduled = next_scheduled_change()
            except DatabaseError:
                return 0
            change = scheduled.timestamp() if scheduled else math.inf
            self._next_change = version, now, change
        return min(change, now // _DAY * _DAY + MAX_SECONDS)


def _version() -> int | None:
    """Return the content version, or None if it can't be read: pages may be errors then, and must not be stored."""
    try:
        return content_version()
    except DatabaseError as error:
        if not is_outage(error):
            # An outage is logged where the request is answered.
            _log.warning("The content version could not be read. %s", error)
        return None
    finally:
        if not connection.in_atomic_block:
            # Django does this at the start and end of a request, but has not been called yet.
            close_old_connections()
