"""The pages that a process keeps in its memory."""

import threading
from collections import OrderedDict
from typing import Final

from blog.caching.pages import CachedPage
from blog.caching.requests import PageRequest
from core.memory import Recent

# The share of the limit for pages that have been requested only once.
_NEW_SHARE: Final = 0.25
# How many requests are remembered, whether or not their pages are kept.
_MAX_KNOWN: Final = 10_000


class PageMemory:
    """Pages of one content version, with a limit in bytes. The least recently requested ones are dropped.

    A page starts among the new ones and moves to the popular ones when it is requested again, so a crawler that
    requests a million URLs once each doesn't displace the pages that readers come back to.
    """

    def __init__(self, max_bytes: int) -> None:
        self._version = 0
        self._new = Recent[PageRequest, CachedPage](int(max_bytes * _NEW_SHARE))
        self._popular = Recent[PageRequest, CachedPage](int(max_bytes * (1 - _NEW_SHARE)))
        # Requests under any version.
        self._known: OrderedDict[PageRequest, None] = OrderedDict()
        self._lock = threading.Lock()

    def knows(self, request: PageRequest) -> bool:
        """Return whether this page was stored recently, perhaps under an earlier version. New URLs never were."""
        return request in self._known

    def get(self, version: int, request: PageRequest) -> CachedPage | None:
        with self._lock:
            if version != self._version:
                return None
            if (page := self._popular.get(request)) is None and (page := self._new.pop(request)) is not None:
                self._popular.add(request, page, page.size)
            if page is not None:
                self._remember(request)
            return page

    def add(self, version: int, request: PageRequest, page: CachedPage) -> None:
        with self._lock:
            self._remember(request)
            if version < self._version:
                # Content changed while the page was rendered.
                return
            if version > self._version:
                self._version = version
                self._new.clear()
                self._popular.clear()
            # An expired page is replaced where it is, because it would be found first.
            part = self._new if self._popular.get(request) is None else self._popular
            part.add(request, page, page.size)

    def _remember(self, request: PageRequest) -> None:
        self._known[request] = None
        self._known.move_to_end(request)
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)

    @property
    def size(self) -> int:
        """The approximate size of the pages, in bytes."""
        return self._new.size + self._popular.size
