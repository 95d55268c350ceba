"""Caching: which pages any cache may store, and which are for one reader only.

`application` is the page cache itself, which answers before Django does. `middleware` marks what may be stored.
"""

from collections.abc import Callable
from functools import cache
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from core.registry import Registry

# Query parameters, by the app that reads them, that determine which public page is shown. All others are ignored: views
# never see them, and no cache distinguishes them.
page_parameters: Final[Registry[frozenset[str]]] = Registry("set of page parameters")
# Pages with a private parameter are for one reader only: no cache stores them, and their URL is never sent as a
# referrer.
private_parameters: Final[Registry[str]] = Registry("private parameter")
# Pages with one of these are other views of a page that search engines already know. They are not indexed, and neither
# are private ones.
noindex_parameters: Final[Registry[str]] = Registry("noindex parameter")
# The rules about what browsers may prefetch from a public page.
SPECULATION_RULES_PATH: Final = "/speculation-rules.json"
# The tag of these rules, which browsers send in the header Sec-Speculation-Tags of same-site requests only.
PRESSED_LINK: Final = "pressed-link"
# The dictionary that browsers keep to decompress further pages.
DICTIONARY_PATH: Final = "/dictionary.txt"


def public_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark `view` as one whose responses are the same for every reader without a session."""
    view.is_public_page = True  # type: ignore[attr-defined]  # a mark on the function itself
    return view


def has_session(request: HttpRequest) -> bool:
    """Return whether the request may come from someone with an account. Readers have no cookies at all."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES


def mark_public(response: HttpResponse) -> None:
    """Let all caches store the response: the page cache, and browsers and proxies, which revalidate it every time.

    If the view has set Cache-Control, browsers and proxies follow it, but the page cache still checks the content
    version. The response does not vary on cookies, because our caches never answer requests with a session (see
    PageCache).
    """
    response.is_public_page = True  # type: ignore[attr-defined]  # a mark on the response itself
    if not response.has_header("Cache-Control"):
        patch_cache_control(response, public=True, max_age=0, must_revalidate=True)
    response.headers["No-Vary-Search"] = _no_vary_search()
    response.headers["Referrer-Policy"] = "no-referrer"
    if response.status_code == 200 and response.headers["Content-Type"].startswith("text/html"):
        response.headers["Speculation-Rules"] = f'"{SPECULATION_RULES_PATH}"'
        response.headers["Link"] = f'<{DICTIONARY_PATH}>; rel="compression-dictionary"'


def is_public(response: HttpResponse) -> bool:
    """Return whether the response is the same for every reader (see mark_public)."""
    return getattr(response, "is_public_page", False)


def mark_private(response: HttpResponse) -> None:
    """Forbid browsers and proxies to store the response."""
    response.headers["Cache-Control"] = "private, no-store"


@cache
def _no_vary_search() -> str:
    """Return the header's value: only registered parameters matter. Source: HTTPWG, "No-Vary-Search HTTP Caching"."""
    names = {*private_parameters.values(), *noindex_parameters.values()}.union(*page_parameters.values())
    return f"key-order, params, except=({' '.join(f'"{name}"' for name in sorted(names))})"
