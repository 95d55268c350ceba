"""Headers that isolate the site from others and turn off what it does not use."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.csp import CSP, build_policy

from core.middleware import Middleware


class IsolationHeadersMiddleware(Middleware):
    """Adds Content-Security-Policy, Permissions-Policy and Cross-Origin-Resource-Policy to every response.

    The policy of the site (settings.SECURE_CSP) is the same for all pages, because nothing in them is inline. Styles
    and scripts have it as well: a worker follows that of its script. Other sites can't embed our pages, styles and
    scripts, so they learn nothing from whether and how these load. Media set their own headers (media.views), so that
    feed readers, link previews and mirrors can embed them.
    Sources: W3C, "Permissions Policy"; Fetch, "Cross-Origin-Resource-Policy header".
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response)
        self._policy = build_policy(settings.SECURE_CSP)  # type: ignore[arg-type]  # Django types it as object

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Django's own error pages in development go without a policy, because their styles are inline.
        if not hasattr(response, "_csp_config"):
            response.headers.setdefault(CSP.HEADER_ENFORCE.value, self._policy)
        response.headers["Permissions-Policy"] = settings.PERMISSIONS_POLICY
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response
