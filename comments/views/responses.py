"""What the views of comments share: pages with secret URLs, and short messages."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from blog.caching import mark_private
from blog.models import Entry


def secret_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Wrap the view of a page with a secret URL: it needs no cookie, is not cached or indexed, and sends no referrer.

    Such a page has no CSRF token, because no page of another site knows its URL. Forged URLs are not found.
    """

    @csrf_exempt
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except BadSignature:
            raise Http404(gettext("That link doesn't exist.")) from None
        mark_private(response)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return wrapper


def message(
    request: HttpRequest, title: str, text: str, url: str = "", link: str = "", status: int = 200
) -> HttpResponse:
    context = {"title": title, "text": text, "url": url, "link": link}
    return render(request, "comments/message.html", context, status=status)


def back_to(entry: Entry) -> tuple[str, str]:
    """Return the URL of a link to `entry` and its text. They are empty if readers don't see the entry any more."""
    if not entry.is_public:
        return "", ""
    return entry.get_absolute_url(), gettext("Back to %(title)s") % {"title": entry}
