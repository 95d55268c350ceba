"""Caching: what browsers and proxies may store, and the site's own page cache.

A public page contains nothing personal and sets no cookie: its bytes are the same for every reader, so one rendering
serves them all.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Final, cast

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.functional import SimpleLazyObject

from core.models import SiteSettings
from core.registry import Registry
from core.site import SiteRequest, absolute_url

# Query parameters. Pages with a private one are for one reader alone: no cache stores them, and their
# URL is never sent as a referrer.
private_parameters: Final[Registry[str]] = Registry("private parameter")
# Pages with one of these are other views of a page that search engines know already. They are not indexed, and neither
# are private ones.
noindex_parameters: Final[Registry[str]] = Registry("noindex parameter")


def public_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark `view` as one whose responses are the same for every reader without a session."""
    view.is_public_page = True  # type: ignore[attr-defined]  # a mark on the function itself
    return view


def has_session(request: HttpRequest) -> bool:
    """Return whether the request may come from someone with an account. Readers have no cookies at all."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES


def wants_no_store(request: HttpRequest) -> bool:
    """Return whether the request asks caches to leave it alone (RFC 9111, 5.2.1.5), as `verify_import` does.

    Its response is neither taken from the page cache nor stored there. That costs what any query string costs.
    """
    return "no-store" in request.headers.get("Cache-Control", "").lower()


def mark_public(response: HttpResponse) -> None:
    """Let browsers and proxies store the response, and revalidate it every time."""
    patch_cache_control(response, public=True, max_age=0, must_revalidate=True)
    # Someone with a session gets a different page at the same URL.
    patch_vary_headers(response, ["Cookie"])
    response.headers["Referrer-Policy"] = "no-referrer"


def mark_private(response: HttpResponse) -> None:
    """Forbid browsers and proxies to store any of the response."""
    response.headers["Cache-Control"] = "private, no-store"


class GZipPagesMiddleware(GZipMiddleware):
    """Compresses pages, but not streamed files: pictures and PDFs are compressed already."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if response.streaming else super().process_response(request, response)


class PageCacheMiddleware:
    """Adds the site's settings to the request, answers from the page cache and sets the caching headers.

    It comes before the session middleware, so a page from the cache never touches a session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, http_request: HttpRequest) -> HttpResponse:
        request = cast("SiteRequest", http_request)
        request.site = cast("SiteSettings", SimpleLazyObject(SiteSettings.remembered))
        is_reader = not has_session(request)
        # A page from the cache must not be sent to another host, either. Raises DisallowedHost.
        request.get_host()
        # Anyone could invent any number of query strings and fill the cache.
        has_one_answer = request.method in {"GET", "HEAD"} and not request.META.get("QUERY_STRING")
        is_cacheable = is_reader and has_one_answer and not wants_no_store(request)
        if is_cacheable and (cached := cache.get(_cache_key(request))) is not None:
            return cast("HttpResponse", cached)
        response = self.get_response(request)
        is_private = any(parameter in request.GET for parameter in private_parameters.values())
        if is_private or any(parameter in request.GET for parameter in noindex_parameters.values()):
            response.headers["X-Robots-Tag"] = "noindex"
        if is_private and is_reader:
            # The URL is a secret. With a session, our own forms need the referrer, and no other site gets it.
            response.headers["Referrer-Policy"] = "no-referrer"
        is_submission = request.method not in {"GET", "HEAD"}
        if is_private or is_submission or not is_reader or response.cookies:
            if not response.has_header("Cache-Control"):
                mark_private(response)
        elif (match := request.resolver_match) is not None and getattr(match.func, "is_public_page", False):
            mark_public(response)
            if is_cacheable and response.status_code in {200, 301} and not response.streaming:
                cache.set(_cache_key(request), response, request.site.seconds_to_next_change)
        return response


def _cache_key(request: SiteRequest) -> str:
    """Return a key that is used until something changes that readers see."""
    # The decoded path, as one path can be percent-encoded in any number of ways. The host and port are those of
    # SITE_URL, because a request can name any port, and no page depends on it.
    url = absolute_url(request.path)
    return f"page:{request.site.content_version}:{sha256(url.encode()).hexdigest()}"
