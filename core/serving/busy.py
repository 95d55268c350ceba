"""Responses to requests that are refused under overload (core.serving.admission)."""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication

from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template
from django.utils.translation import gettext

from core.middleware import Middleware
from core.outages import as_unavailable, outage_page

# Set in the environment of a request that is refused.
IS_REFUSED: Final = "broadside.is_refused"
# Seconds after which a client should try again.
RETRY_AFTER: Final = 5


def refused(application: WSGIApplication) -> WSGIApplication:
    """Return a WSGI application that refuses every request, through the middleware of another application."""

    def refuse(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        return application(environ | {IS_REFUSED: True}, start_response)

    return refuse


class BusyMiddleware(Middleware):
    """Answers a request that is refused, in the design of the site and without the database.

    A submitted form is returned, so nothing that was typed is lost.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if IS_REFUSED not in request.META:
            return self.get_response(request)
        title, text = gettext("The site is very busy"), gettext("Please try again in a few seconds.")
        if request.method in {"GET", "HEAD"}:
            response = as_unavailable(HttpResponse(_page_without_form(title, text)))
        else:
            response = outage_page(request, title, f"{gettext('Nothing was changed.')} {text}")
        response.headers["Retry-After"] = str(RETRY_AFTER)
        return response


@cache
def _page_without_form(title: str, text: str) -> bytes:
    """Render the page once. In a flood most requests are refused, which must cost less than answering them."""
    return get_template("outage.html").render({"title": title, "text": text}).encode()
