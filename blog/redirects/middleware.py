"""Redirects from old URLs: only one, however long the chain is, and only to pages that exist."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote_to_bytes, urlencode, urlsplit

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase

from blog.caching import has_session, mark_private, mark_public, noindex_parameters, page_parameters
from blog.caching.requests import own_host
from blog.redirects.look_up import ALTERNATIVES, RedirectToPage
from blog.redirects.resolve import TRACKING, Alternatives, find_target
from core.middleware import Middleware
from core.serving.handler import Request
from core.site import PROBE, absolute_url
from core.urls import is_script

# No chain of our own redirects is longer. If a rule is wrong, the chain must still end.
_MAX_STEPS: Final = 6


class SingleRedirectMiddleware(Middleware):
    """Answers an old URL with one redirect to the end of the chain, if there is a page.

    Unless it is known to exist, the target is requested internally, as by a reader without an account. Pages that exist
    take no further queries.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._respond(request)
        if is_script(request.path):
            # Every parameter may matter.
            response.headers.pop("No-Vary-Search", None)
        return response

    def _respond(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method not in {"GET", "HEAD"} or not isinstance(request, WSGIRequest):
            return response
        is_reader = not has_session(request)
        # Parsed with a host, because a path that begins with two slashes would be taken for one.
        requested = url = urlsplit(f"//host{request.get_full_path()}")._replace(netloc="")
        exists = False
        for _step in range(_MAX_STEPS):
            target = self._next_url(url, response, getattr(request, ALTERNATIVES, None))
            if target is None:
                break
            url, exists = target
            if exists:
                break
            request = _anonymous_request(request, url)
            response = self.get_response(request)
        if url == requested or not (exists or response.status_code in {200, 302}):
            # The last response, not the first: a redirect that ends in a 404 would reveal hidden entries.
            return response
        redirect = HttpResponsePermanentRedirect(_clean_url(url, requested))
        (mark_public if is_reader else mark_private)(redirect)
        return redirect

    def _next_url(
        self, url: SplitResult, response: HttpResponseBase, alternatives: Alternatives | None
    ) -> tuple[SplitResult, bool] | None:
        """Return where `url` leads, given the response to it, and whether that exists; None if the response is final.

        A file that something redirects to is assumed to exist, because it would be too large to request.
        """
        if response.status_code in {301, 308}:
            target = urlsplit(response.headers["Location"])
            if target.netloc and not response.headers["Location"].startswith(f"{settings.SITE_URL}/"):
                return None
            exists = isinstance(response, RedirectToPage) or _is_file(target.path)
            return target._replace(scheme="", netloc="", fragment=target.fragment or url.fragment), exists
        if response.status_code == 404:
            path = _decoded(url.path)
            if path.startswith("/admin/") or (_is_file(path) and PurePosixPath(path).suffix):
                return None
            if _is_file(path):
                # A child page of `/media/`, whose slash is missing.
                return url._replace(path=f"{url.path}/"), False
            if found := find_target(path, url.query, alternatives):
                target = urlsplit(found.url)
                if target.path != url.path:
                    exists = found.exists or _is_file(target.path)
                    return target._replace(fragment=target.fragment or url.fragment), exists
        return None


class FormerHostsMiddleware(Middleware):
    """Redirects requests for the site's former hosts (settings.BROADSIDE_FORMER_HOSTS) in a single step.

    It comes first: the other middleware gets a request for our own host, so its redirects become part of this one.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = request.META.get("HTTP_HOST", "").lower().partition(":")[0].rstrip(".")
        if host not in settings.BROADSIDE_FORMER_HOSTS or not isinstance(request, WSGIRequest):
            return self.get_response(request)
        response = self._redirect(request)
        if request.is_secure() and settings.SECURE_HSTS_SECONDS:
            # From now on, old links lead over HTTPS at once. Other hosts below this one may not be ours.
            response.headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
        return response

    def _redirect(self, request: WSGIRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        requested = urlsplit(_with_single_slash(request.get_full_path()))
        target = _clean_url(requested, requested)
        if not _is_file(requested.path):
            response = self.get_response(_anonymous_request(request, requested, own_host()))
            if response.status_code in {301, 308}:
                target = response.headers["Location"]
        return HttpResponsePermanentRedirect(absolute_url(target))


def _is_file(path: str) -> bool:
    # A page and its child pages may be at `/media/`.
    return path.startswith((settings.MEDIA_URL, settings.STATIC_URL)) and not path.endswith("/")


def _anonymous_request(request: WSGIRequest, url: SplitResult, changes: Mapping[str, str] = {}) -> WSGIRequest:
    """Return a request for `url` like `request`, but without a session, and with these `changes` to its META."""
    meta = {
        **request.META,
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path).decode("latin-1"),
        "QUERY_STRING": url.query,
        "wsgi.input": BytesIO(),
        "CONTENT_LENGTH": "0",
        PROBE: True,
        **changes,
    }
    for name in ("HTTP_COOKIE", "HTTP_RANGE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"):
        meta.pop(name, None)
    changed = Request(meta)
    if hasattr(request, "site"):
        # Use the same settings for the whole response.
        changed.site = request.site
    return changed


def _clean_url(url: SplitResult, requested: SplitResult) -> str:
    """Return `url` without tracking parameters, and with the comment to reply to if the requested URL named one."""
    pairs = [pair for pair in parse_qsl(url.query, keep_blank_values=True) if not TRACKING.fullmatch(pair[0])]
    # Others determine the page, so they have become part of the URL.
    kept_names = {*noindex_parameters.values()}.difference(*page_parameters.values())
    reply_to = [pair for pair in parse_qsl(requested.query) if pair[0] in kept_names]
    kept = set(pairs)
    pairs += [pair for pair in reply_to if pair not in kept]
    path = quote(_with_single_slash(_decoded(url.path)), safe="/~!$&'()*+,;=:@")
    return SplitResult("", "", path, urlencode(pairs), url.fragment).geturl()


def _decoded(path: str) -> str:
    return unquote_to_bytes(path).decode(errors="replace")


def _with_single_slash(path: str) -> str:
    """Return `path` with one slash at its start: two would be read as another host."""
    return "/" + path.lstrip("/\\")
