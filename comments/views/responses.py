"""What the views of comments share: pages with secret URLs, short messages, and where a request comes from."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signing import BadSignature
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import is_same_domain
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from blog.caching import mark_private
from blog.models import Entry
from core.updating import is_being_updated

# In seconds.
RETRY_AFTER = 300

_log = logging.getLogger(__name__)


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
        except OperationalError as error:
            # Nothing can be written, for example on a full disk, but reading may still work.
            title, text = gettext("Nothing was changed"), gettext("This site can't save anything at the moment.")
            response = unavailable(message(request, title, f"{text} {try_again()}"), error)
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


def try_again() -> str:
    if is_being_updated():
        return gettext("It is being updated. Try again in a minute.")
    return gettext("Try again in a few minutes. If it still doesn't work, tell the owner of this site.")


def unavailable(response: HttpResponse, error: OperationalError) -> HttpResponse:
    """Log `error` and make the response one for a site that can't save anything at the moment."""
    _log.error("The database could not save what a reader sent: %s", error)
    response.status_code = 503
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def back_to(entry: Entry) -> tuple[str, str]:
    return entry.get_absolute_url(), gettext("Back to %(title)s") % {"title": entry}


def comes_from_here(request: HttpRequest) -> bool:
    """Whether the request comes from one of our pages, or at least not from another site, according to the browser.

    Our pages send no referrer, so their forms have the origin `null`, and old browsers send none at all.
    Sources: Fetch, "origin of a request"; Fetch Metadata, `Sec-Fetch-Site` (`none`: the user typed the URL).
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin", "null")
    if origin == "null":
        return True
    own_origins = [f"{request.scheme}://{request.get_host()}", settings.SITE_URL, *settings.CSRF_TRUSTED_ORIGINS]
    try:
        other = urlsplit(origin)
        return any(
            other.scheme == own.scheme and is_same_domain(other.netloc.lower(), own.netloc.lower().removeprefix("*"))
            for own in map(urlsplit, own_origins)
        )
    except ValueError:
        # It is not a URL.
        return False
