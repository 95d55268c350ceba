"""Who is answered when there is more to do than time.

Pages from the cache cost next to nothing and are not counted here. Everything else takes time that readers miss, so
each kind of request has a lane of its own: a flood of one kind fills its lane, and nobody else waits for it. There is
no puzzle, and nothing is remembered of anyone.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication

from django.utils.translation import gettext

# Seconds after which a client should try again.
RETRY_AFTER: Final = 5

type Environ = dict[str, Any]


class Lane:
    """Room for requests of one kind in this process.

    `at_once` of them are answered at the same time, and `waiting` more wait for up to `patience` seconds.
    """

    def __init__(self, at_once: int, *, waiting: int, patience: float) -> None:
        self._slots = threading.Semaphore(at_once)
        self._queue = threading.Semaphore(waiting)
        self._patience = patience

    def enter(self) -> bool:
        """Return whether there is room, perhaps after waiting for it. Then `leave` must be called."""
        if self._slots.acquire(blocking=False):
            return True
        if not self._queue.acquire(blocking=False):
            return False
        try:
            return self._slots.acquire(timeout=self._patience)
        finally:
            self._queue.release()

    def leave(self) -> None:
        self._slots.release()


class Admission:
    """A WSGI application that passes requests on to `application` if `lane_of` them has room, or else answers 503."""

    def __init__(self, application: WSGIApplication, lane_of: Callable[[Environ], Lane]) -> None:
        self._application = application
        self._lane_of = lane_of

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        lane = self._lane_of(environ)
        if not lane.enter():
            return _busy(environ, start_response)
        try:
            return self._application(environ, start_response)
        finally:
            lane.leave()


def _busy(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    sentence = gettext("The site is very busy. Please try again in a few seconds.")
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Retry-After", str(RETRY_AFTER)),
    ]
    start_response("503 Service Unavailable", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [f"{sentence}\n".encode()]
