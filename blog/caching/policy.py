"""Which responses a cache may store.

A public page contains nothing personal and sets no cookie: its bytes are the same for every reader.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers

from core.registry import Registry

# Query parameters of higher apps. Pages with a private one are for one reader alone: no cache stores them, and their
# URL is never sent as a referrer.
private_parameters: Final[Registry[str]] = Registry("private parameter")
# Pages with one of these are other views of a page that search engines know already. They are not indexed, and neither
# are private ones.
noindex_parameters: Final[Registry[str]] = Registry("noindex parameter")


def public_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark `view` as one whose responses are the same for every reader without a session."""

    @wraps(view, assigned=("__module__", "__name__", "__qualname__", "__doc__"), updated=())
    def marked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs)

    marked.is_public_page = True  # type: ignore[attr-defined]  # a mark on the function itself
    return marked


def has_session(request: HttpRequest) -> bool:
    """Return whether the request may come from someone with an account. Readers have no cookies at all."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES


def mark_public(response: HttpResponse) -> None:
    """Let browsers and proxies store the response, and revalidate it every time."""
    patch_cache_control(response, public=True, max_age=0, must_revalidate=True)
    # Someone with a session gets a different page at the same URL.
    patch_vary_headers(response, ["Cookie"])
    response.headers["Referrer-Policy"] = "no-referrer"


def mark_private(response: HttpResponse) -> None:
    """Forbid browsers and proxies to store any of the response."""
    response.headers["Cache-Control"] = "private, no-store"
