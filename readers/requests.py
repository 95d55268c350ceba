"""What a web process notes of each request for a page, until it is counted: in a microsecond, and in memory."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from django.conf import settings

type Environ = dict[str, Any]
type Answer = Callable[[Environ, Any], Iterable[bytes] | None]

# How many requests can be noted. In a flood, what isn't counted in time is dropped, the oldest first.
_MAX_WAITING: Final = 20_000
# How many there are when they should be counted at once.
_MANY: Final = 2_000
# In characters. What is longer is no page of ours, no host and no browser.
_MAX_LENGTH: Final = 1_000
# Statuses of a page: it was sent, or the reader had it already.
_READ: Final = frozenset({"200", "304"})


class Reading(NamedTuple):
    """A request for a page, by a reader or by a bot. Strings are as in a WSGI environment: a byte is a character."""

    path: str
    query: str
    referrer: str
    agent: str


class Notebook:
    """The readings of this process that are to be counted. `is_full_enough` is set when there are many."""

    def __init__(self) -> None:
        self._readings: deque[Reading] = deque(maxlen=_MAX_WAITING)
        self.is_full_enough = threading.Event()

    def watched(self, answer: Answer) -> Answer:
        """Return `answer`, a WSGI application that may return None for some requests, with the others noted."""

        def answer_and_note(environ: Environ, start_response: Any) -> Iterable[bytes] | None:
            if environ["REQUEST_METHOD"] != "GET":
                return answer(environ, start_response)

            def start(status: str, *arguments: Any) -> Any:
                if status[:3] in _READ:
                    self._note(environ)
                return start_response(status, *arguments)

            return answer(environ, start)

        return answer_and_note

    def _note(self, environ: Environ) -> None:
        get, path = environ.get, environ["PATH_INFO"]
        if not path.endswith("/") or settings.SESSION_COOKIE_NAME in get("HTTP_COOKIE", ""):
            return
        purpose, site = get("HTTP_SEC_PURPOSE", ""), get("HTTP_SEC_FETCH_SITE", "")
        if not is_reading(purpose, site, get("HTTP_SEC_FETCH_DEST", "")):
            return
        self._readings.append(
            Reading(
                path[:_MAX_LENGTH],
                get("QUERY_STRING", "")[:_MAX_LENGTH],
                get("HTTP_REFERER", "")[:_MAX_LENGTH],
                get("HTTP_USER_AGENT", "")[:_MAX_LENGTH],
            )
        )
        if len(self._readings) >= _MANY:
            self.is_full_enough.set()

    def take(self) -> list[Reading]:
        """Return what was noted, and forget it."""
        self.is_full_enough.clear()
        return [self._readings.popleft() for _reading in range(len(self._readings))]


def is_reading(purpose: str, site: str, destination: str) -> bool:
    """Return whether the headers Sec-Purpose, Sec-Fetch-Site and Sec-Fetch-Dest are those of someone who opens a page.

    A link of ours is prefetched when a reader presses it (blog.well_known), and then the page is shown without another
    request. Other sites and browsers prefetch what readers may never see.
    Sources: W3C, "Fetch Metadata Request Headers"; HTML, "Speculative loading".
    """
    return destination in {"", "document"} and (not purpose or (purpose == "prefetch" and site == "same-origin"))
