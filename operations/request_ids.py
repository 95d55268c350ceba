"""The ID of the request or task that a thread is working on: in the log, in a header, on the error page.

With it, the owner finds the error that a reader saw in the log, where nothing says who the reader was.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from blog.caching import is_public
from core.middleware import Middleware

HEADER: Final = "X-Request-ID"
# The IDs that nginx (32 digits) and other proxies (UUIDs) generate.
_ID: Final = re.compile(r"[0-9a-f-]{16,36}")

# Empty between requests and tasks.
_current: ContextVar[str] = ContextVar("operations.request_id", default="")


def current_id() -> str:
    """Return the ID of the request or task that this thread is working on; empty if there is none."""
    return _current.get()


@contextmanager
def working_on(request_id: str) -> Iterator[None]:
    """Give everything that is logged within the block this ID."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)


class RequestIDMiddleware(Middleware):
    """Gives each request an ID, or takes the proxy's, and sends it with every response that is for one reader.

    Public pages have none, because they are cached and the same bytes for everyone.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = _id_of(request)
        with working_on(request_id):
            response = self.get_response(request)
        if not is_public(response):
            response.headers[HEADER] = request_id
        return response


def _id_of(request: HttpRequest) -> str:
    # Anyone can send the header, but our proxies replace it.
    given = request.headers.get(HEADER, "") if settings.BROADSIDE_TRUSTED_PROXIES else ""
    return given if _ID.fullmatch(given) else secrets.token_hex(16)
