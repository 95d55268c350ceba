"""Pages with secret URLs, to which e-mails link, and the short messages that they show."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from blog.caching import mark_private


def secret_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Wrap the view of a page with a secret URL: it needs no cookie, is not cached or indexed, and sends no referrer.

    Such a page has no CSRF token, because no page of another site knows its URL. If the URL is forged or incomplete,
    for which the view raises BadSignature, the response says what to do.
    """

    @csrf_exempt
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except BadSignature:
            text = gettext("Part of it may be missing. Click the link in the e-mail again, or copy all of it.")
            response = message(request, gettext("This link doesn't work"), text, status=404)
        mark_private(response)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return wrapper


@secret_page
def broken_link(request: HttpRequest) -> HttpResponse:
    """Answer a URL that begins like one of these pages but belongs to none."""
    raise BadSignature


def message(
    request: HttpRequest, title: str, text: str, url: str = "", link: str = "", status: int = 200
) -> HttpResponse:
    context = {"title": title, "text": text, "url": url, "link": link}
    return render(request, "message.html", context, status=status)
