"""The page cache: public pages are the same for every reader, so one rendering serves them all."""

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.functional import SimpleLazyObject

from blog.caching import policy
from blog.caching.parameters import noindex_parameters, private_parameters
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
        cacheable = policy.is_cacheable(request)
        if cacheable and (cached := policy.cached_page(request)) is not None:
            return cached
        response = self.get_response(request)
        is_private = any(parameter in request.GET for parameter in private_parameters.values())
        if is_private or any(parameter in request.GET for parameter in noindex_parameters.values()):
            response.headers["X-Robots-Tag"] = "noindex"
        if is_private and not policy.has_session(request):
            # The URL is a secret. With a session, our own forms need the referrer, and no other site gets it.
            response.headers["Referrer-Policy"] = "no-referrer"
        if policy.has_session(request) or response.cookies or is_private:
            if not response.has_header("Cache-Control"):
                policy.mark_private(response)
        elif request.is_public_page:
            policy.mark_public(response)
            if cacheable:
                policy.cache_page(request, response)
        return response

    def process_view(self, request: SiteRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        request.is_public_page = policy.is_public_page(view)
