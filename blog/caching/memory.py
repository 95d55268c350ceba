"""The pages that a process keeps in its memory."""

import threading
from collections import OrderedDict
from typing import Final

from blog.caching.pages import CachedPage
from blog.caching.requests import PageRequest
from core.memory import Recent

# The part of the limit that is for pages which have been requested once only.
_PART_FOR_NEW: Final = 0.25
# How many pages are known without being kept.
_KNOWN: Final = 10_000


class PageMemory:
    """Pages of one content version, with a limit in bytes. Those that were not requested for longest are dropped.

    A page begins among the new ones and moves to the others when it is requested again, so a crawler that requests
    each of a million URLs once displaces nothing that readers come back to.
    """

    def __init__(self, max_bytes: int) -> None:
        self._version = 0
        self._new = Recent[PageRequest, CachedPage](int(max_bytes * _PART_FOR_NEW))
        self._popular = Recent[PageRequest, CachedPage](int(max_bytes * (1 - _PART_FOR_NEW)))
        # Under any version.
        self._known: OrderedDict[PageRequest, None] = OrderedDict()
        self._lock = threading.Lock()

    def knows(self, request: PageRequest) -> bool:
        """Whether this page was here not long ago, perhaps under an earlier version. Invented URLs never were."""
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
                # Something changed while it was rendered.
                return
            if version > self._version:
                self._version = version
                self._new.clear()
                self._popular.clear()
            # In place of one that has expired, which would be found first.
            part = self._new if self._popular.get(request) is None else self._popular
            part.add(request, page, page.size)

    def _remember(self, request: PageRequest) -> None:
        self._known[request] = None
        self._known.move_to_end(request)
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)

    @property
    def size(self) -> int:
        """How many bytes the pages take, roughly."""
        return self._new.size + self._popular.size
