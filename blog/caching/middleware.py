"""Middleware that marks what caches may store, compresses what the page cache does not, and sets no cookies there."""

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.middleware.http import ConditionalGetMiddleware
from django.utils.functional import SimpleLazyObject

from blog.caching import has_session, is_public, mark_private, mark_public, noindex_parameters, private_parameters
from blog.caching.requests import FOR_PAGE_CACHE
from core.middleware import Middleware
from core.models import SiteSettings
from core.site import SiteRequest


class GZipPagesMiddleware(GZipMiddleware):
    """Compresses pages, except streamed files, which are already compressed, and what the page cache stores.

    The page cache compresses better. Here, random bytes hide the length of tokens, which public pages don't have.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not isinstance(response, HttpResponse) or (FOR_PAGE_CACHE in request.META and is_public(response)):
            return response
        return super().process_response(request, response)


class ConditionalPagesMiddleware(ConditionalGetMiddleware):
    """Adds ETags to responses, except for the page cache, which makes its own, and for clients that store nothing."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_stored = FOR_PAGE_CACHE in request.META and isinstance(response, HttpResponse) and is_public(response)
        if is_stored or "no-store" in request.META.get("HTTP_CACHE_CONTROL", "").lower():
            return response
        return super().process_response(request, response)


class PublicPagesMiddleware(Middleware):
    """Adds the site's settings to the request, and sets the headers that control who may store the response.

    It comes before the session middleware, so that it sees the response after the view and all later middleware.
    """

    def __call__(self, http_request: HttpRequest) -> HttpResponse:
        request = cast("SiteRequest", http_request)
        if not hasattr(request, "site"):
            request.site = cast("SiteSettings", SimpleLazyObject(SiteSettings.remembered))
        is_reader = not has_session(request)
        # Raises DisallowedHost.
        request.get_host()
        response = self.get_response(request)
        parameters = set(request.GET)
        is_private = not parameters.isdisjoint(private_parameters.values())
        if is_private or not parameters.isdisjoint(noindex_parameters.values()):
            response.headers["X-Robots-Tag"] = "noindex"
        if is_private and is_reader:
            # The URL is a secret. With a session, our own forms need the referrer, and no other site gets it.
            response.headers["Referrer-Policy"] = "no-referrer"
        is_submission = request.method not in {"GET", "HEAD"}
        if is_private or is_submission or not is_reader or response.cookies:
            if not response.has_header("Cache-Control"):
                mark_private(response)
        elif _is_for_everyone(request, response):
            mark_public(response)
        elif response.status_code == 404 and not response.has_header("Cache-Control"):
            # Such as a file that an import is about to download. Proxies would keep the response for minutes.
            mark_private(response)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *_arguments: Any
    ) -> HttpResponse | None:
        """Answer methods that a public page does not support, before its view or the CSRF check sees them."""
        if not getattr(view, "is_public_page", False):
            return None
        if isinstance(cast("SiteRequest", request).site, SimpleLazyObject):
            # Public pages read the settings a hundred times, which takes longer through a lazy object.
            cast("SiteRequest", request).site = SiteSettings.remembered()
        # Forms on public pages need no token, so the views that accept them are exempt from the check.
        methods = ["GET", "HEAD", "OPTIONS", *(["POST"] if getattr(view, "csrf_exempt", False) else [])]
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": ", ".join(methods)})
        return None if request.method in methods else HttpResponseNotAllowed(methods)


class UnusedTokenMiddleware(Middleware):
    """Sets no CSRF cookie for pages without a form that needs it, whatever cookies come. It comes after Django's.

    Django's middleware answers an invalid cookie with a new one, even if the page uses no token, as public pages don't.
    Where one is used, `get_token` asks for the cookie again.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.META.pop("CSRF_COOKIE_NEEDS_UPDATE", None)
        return self.get_response(request)


def _is_for_everyone(request: HttpRequest, response: HttpResponse) -> bool:
    if request.resolver_match is None:
        # No view has this URL.
        return response.status_code == 404
    return response.status_code < 500 and getattr(request.resolver_match.func, "is_public_page", False)
