"""Which answers any cache may hold, and our own cache of them.

A public page holds nothing personal and no cookie: its bytes are the same for every reader. It is kept under
the content version, so that it is out of date the moment something that readers see changes.
"""

from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers

from blog.site import SiteRequest


def public_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark `view` as one whose answers are the same for every reader without a session."""

    @wraps(view, assigned=("__module__", "__name__", "__qualname__", "__doc__"), updated=())
    def marked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs)

    marked.is_public_page = True  # type: ignore[attr-defined]  # a mark on the function itself
    return marked


def is_public_page(view: Callable[..., Any]) -> bool:
    return getattr(view, "is_public_page", False)


def has_session(request: HttpRequest) -> bool:
    """Whether somebody with an account may be behind this request. Readers have no cookie at all."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES


def is_cacheable(request: HttpRequest) -> bool:
    """Whether the answer may come from our cache or go into it.

    Addresses with a query are left out: anyone could make up endless many and fill the cache.
    """
    return request.method in {"GET", "HEAD"} and not has_session(request) and not request.META.get("QUERY_STRING")


def cached_page(request: SiteRequest) -> HttpResponse | None:
    stored: HttpResponse | None = cache.get(_key(request))
    return stored


def keep_page(request: SiteRequest, response: HttpResponse) -> None:
    """Keep a public page until the content version goes up or the next scheduled post appears."""
    if response.status_code in {200, 301} and not response.streaming and not response.cookies:
        cache.set(_key(request), response, request.site.seconds_to_next_scheduled)


def mark_public(response: HttpResponse) -> None:
    """Say to browsers and proxies: keep it, ask each time whether it is still true."""
    patch_cache_control(response, public=True, max_age=0, must_revalidate=True)
    # Somebody with a session gets another page at the same address.
    patch_vary_headers(response, ["Cookie"])
    response.headers["Referrer-Policy"] = "no-referrer"


def mark_private(response: HttpResponse) -> None:
    """Say to browsers and proxies: keep nothing of it."""
    response.headers["Cache-Control"] = "private, no-store"


def _key(request: SiteRequest) -> str:
    # The decoded path: ways to write it in percent signs are endless, the page is one.
    address = f"{request.scheme}://{request.get_host()}{request.path}"
    return f"page:{request.site.content_version}:{sha256(address.encode()).hexdigest()}"
