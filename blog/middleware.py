"""What every request passes: the site's settings, and the rules of what may be cached."""

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.functional import SimpleLazyObject

from blog import caching
from blog.site import SiteRequest, SiteSettings

# What a comment's sender alone has is signed with this in its address (WordPress's name).
SENDERS = "unapproved"
# One page by many addresses: while somebody answers a comment, and for who has sent one.
ANSWERING = {"replytocom", SENDERS}


class GZipPagesMiddleware(GZipMiddleware):
    """Compresses pages, but not what is streamed: pictures and PDFs are compressed already."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if response.streaming else super().process_response(request, response)


class PublicPagesMiddleware:
    """Puts the site's settings on the request, answers from the page cache and keeps public pages free of cookies.

    It stands outside the session middleware: what it answers from the cache never meets a session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, plain_request: HttpRequest) -> HttpResponse:
        request = cast("SiteRequest", plain_request)
        request.site = cast("SiteSettings", SimpleLazyObject(SiteSettings.current))
        request.is_public_page = False
        cacheable = caching.is_cacheable(request)
        if cacheable and (cached := caching.cached_page(request)) is not None:
            return cached
        response = self.get_response(request)
        if request.GET.keys() & ANSWERING:
            response.headers["X-Robots-Tag"] = "noindex"
        if SENDERS in request.GET and not caching.has_session(request):
            # The address is a key. With a session our own forms need the referrer, and nobody else gets it.
            response.headers["Referrer-Policy"] = "no-referrer"
        if caching.has_session(request) or response.cookies or SENDERS in request.GET:
            if not response.has_header("Cache-Control"):
                caching.mark_private(response)
        elif request.is_public_page:
            caching.mark_public(response)
            if cacheable:
                caching.keep_page(request, response)
        return response

    def process_view(self, request: SiteRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        request.is_public_page = caching.is_public_page(view)
