"""What a web process notes about each request for a page until it is counted: in memory, within a microsecond."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from django.conf import settings

from blog.caching import PRESSED_LINK

type Environ = dict[str, Any]
type Answer = Callable[[Environ, Any], Iterable[bytes] | None]

# How many requests can be noted. In a flood, requests that aren't counted in time are dropped, oldest first.
_MAX_WAITING: Final = 20_000
# When there are this many, they should be counted immediately.
_MANY: Final = 2_000
# In characters. No path of this site, no host and no name of a browser is longer.
_MAX_LENGTH: Final = 1_000
# The statuses of a page that was sent, or that the reader already had.
_READ: Final = frozenset({"200", "304"})


class Reading(NamedTuple):
    """A request for a page, by a reader or by a bot. Strings are as in WSGI: each character is a byte."""

    path: str
    query: str
    referrer: str
    agent: str


class Notebook:
    """The readings of this process that are still to be counted. `is_full_enough` is set when there are many."""

    def __init__(self) -> None:
        self._readings: deque[Reading] = deque(maxlen=_MAX_WAITING)
        self.is_full_enough = threading.Event()

    def watched(self, answer: Answer) -> Answer:
        """Wrap `answer`, a WSGI application that may return None for some requests, and note the others."""

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
        purpose, tags = get("HTTP_SEC_PURPOSE", ""), get("HTTP_SEC_SPECULATION_TAGS", "")
        if not is_reading(purpose, tags, get("HTTP_SEC_FETCH_DEST", "")):
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
        """Return what was noted, and clear the notebook."""
        self.is_full_enough.clear()
        return [self._readings.popleft() for _reading in range(len(self._readings))]


def is_reading(purpose: str, tags: str, destination: str) -> bool:
    """Return whether the headers Sec-Purpose, Sec-Speculation-Tags and Sec-Fetch-Dest are those of a reading.

    Our links are prefetched when a reader presses them (blog.well_known), and then the page is shown without another
    request. Other sites and browsers prefetch what readers may never see.
    Sources: W3C, "Fetch Metadata Request Headers"; HTML, "Speculative loading".
    """
    is_pressed = purpose == "prefetch" and f'"{PRESSED_LINK}"' in tags
    return destination in {"", "document"} and (not purpose or is_pressed)
