"""Which responses a cache may store, and the site's own page cache.

A public page contains nothing personal and sets no cookie: its bytes are the same for every reader. It is stored
under the content version, so it is out of date as soon as something that readers see changes.
"""

from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers

from core.site import SiteRequest


def public_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark `view` as one whose responses are the same for every reader without a session."""

    @wraps(view, assigned=("__module__", "__name__", "__qualname__", "__doc__"), updated=())
    def marked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs)

    marked.is_public_page = True  # type: ignore[attr-defined]  # a mark on the function itself
    return marked


def is_public_page(view: Callable[..., Any]) -> bool:
    return getattr(view, "is_public_page", False)


def has_session(request: HttpRequest) -> bool:
    """Return whether the request may come from someone with an account. Readers have no cookies at all."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES


def is_cacheable(request: HttpRequest) -> bool:
    """Return whether the response may be read from the page cache or stored there.

    URLs with a query string are excluded: anyone could invent any number of them and fill the cache.
    """
    return request.method in {"GET", "HEAD"} and not has_session(request) and not request.META.get("QUERY_STRING")


def cached_page(request: SiteRequest) -> HttpResponse | None:
    page: HttpResponse | None = cache.get(_cache_key(request))
    return page


def cache_page(request: SiteRequest, response: HttpResponse) -> None:
    """Store a public page until the content version goes up or the next scheduled post appears."""
    if response.status_code in {200, 301} and not response.streaming and not response.cookies:
        cache.set(_cache_key(request), response, request.site.seconds_to_next_change)


def mark_public(response: HttpResponse) -> None:
    """Let browsers and proxies store the response, and revalidate it every time."""
    patch_cache_control(response, public=True, max_age=0, must_revalidate=True)
    # Someone with a session gets a different page at the same URL.
    patch_vary_headers(response, ["Cookie"])
    response.headers["Referrer-Policy"] = "no-referrer"


def mark_private(response: HttpResponse) -> None:
    """Forbid browsers and proxies to store any of the response."""
    response.headers["Cache-Control"] = "private, no-store"


def _cache_key(request: SiteRequest) -> str:
    # The decoded path, as one path can be percent-encoded in any number of ways.
    url = f"{request.scheme}://{request.get_host()}{request.path}"
    return f"page:{request.site.content_version}:{sha256(url.encode()).hexdigest()}"
