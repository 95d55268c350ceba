"""The page cache: public pages are the same for every reader, so one rendering serves them all."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, cast

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.functional import SimpleLazyObject

from blog.caching import policy
from core.models import SiteSettings
from core.site import SiteRequest


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
        request.site = cast("SiteSettings", SimpleLazyObject(SiteSettings.current))
        request.is_public_page = False
        has_session = policy.has_session(request)
        # Anyone could invent any number of query strings and fill the cache.
        is_cacheable = request.method in {"GET", "HEAD"} and not has_session and not request.META.get("QUERY_STRING")
        if is_cacheable and (cached := cache.get(_cache_key(request))) is not None:
            return cast("HttpResponse", cached)
        response = self.get_response(request)
        is_private = any(parameter in request.GET for parameter in policy.private_parameters.values())
        if is_private or any(parameter in request.GET for parameter in policy.noindex_parameters.values()):
            response.headers["X-Robots-Tag"] = "noindex"
        if is_private and not has_session:
            # The URL is a secret. With a session, our own forms need the referrer, and no other site gets it.
            response.headers["Referrer-Policy"] = "no-referrer"
        if has_session or response.cookies or is_private:
            if not response.has_header("Cache-Control"):
                policy.mark_private(response)
        elif request.is_public_page:
            policy.mark_public(response)
            if is_cacheable and response.status_code in {200, 301} and not response.streaming:
                cache.set(_cache_key(request), response, request.site.seconds_to_next_change)
        return response

    def process_view(self, request: SiteRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        request.is_public_page = getattr(view, "is_public_page", False)


def _cache_key(request: SiteRequest) -> str:
    """Return a key that is used until something changes that readers see."""
    # The decoded path, as one path can be percent-encoded in any number of ways.
    url = f"{request.scheme}://{request.get_host()}{request.path}"
    return f"page:{request.site.content_version}:{sha256(url.encode()).hexdigest()}"
