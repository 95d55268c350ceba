"""Headers that isolate the site from others and turn off what it does not use."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class IsolationHeadersMiddleware:
    """Adds Permissions-Policy (settings.PERMISSIONS_POLICY) and Cross-Origin-Resource-Policy to every response.

    Other sites can't embed our pages, styles and scripts, so they learn nothing from whether and how these load. Media
    set their own header (media.views), so that feed readers, link previews and mirrors can embed them.
    Sources: W3C, "Permissions Policy"; Fetch, "Cross-Origin-Resource-Policy header".
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Permissions-Policy"] = settings.PERMISSIONS_POLICY
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response
