"""Responses while the site can't read or store something: a full disk, a database that is down or read-only.

Submitted forms are returned to their senders (core.sent_forms), who lose nothing, with or without JavaScript.
"""

import errno
import sqlite3
from typing import Final

from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import get_template
from django.utils.translation import gettext

from core.sent_forms import sent_context
from core.updating import is_being_updated

# Seconds after which browsers and programs should try again.
RETRY_AFTER: Final = 300
RETRY_AFTER_UPDATE: Final = 60
# Outages that PostgreSQL reports as internal errors: it accepts no writes, or has ended an idle transaction.
_SQLSTATES: Final = frozenset({"25006", "25P03"})
# Errors of a disk that is full, broken, read-only or owned by another user, and of a system out of memory or files.
_ERRNOS: Final = frozenset(
    (
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM),
        *(errno.ENOMEM, errno.EMFILE, errno.ENFILE),
    )
)


class OutageError(OSError):
    """A resource that the site needs can't be reached, or can't store anything at the moment."""


def is_outage(error: BaseException | None) -> bool:
    """Return whether an error has its cause outside our code, and may pass without any change to it."""
    match error:
        case OperationalError():
            # SQLite raises the same class for errors in SQL as for a full disk.
            return getattr(error.__cause__, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR
        case InternalError():
            return getattr(error.__cause__, "sqlstate", None) in _SQLSTATES
        case InterfaceError() | OutageError() | ConnectionError() | TimeoutError():
            return True
        case OSError():
            return error.errno in _ERRNOS
    return False


def outage_texts(request: HttpRequest) -> tuple[str, str]:
    """Return the title and the text of the error page for this request."""
    if request.method in {"GET", "HEAD"}:
        title = gettext("This page can't be shown at the moment")
        text = gettext("The site can't read the data it needs for this page.")
    else:
        title = gettext("This can't be done at the moment")
        text = gettext("The site can't save anything, so nothing was changed.")
    return title, f"{text} {try_again()}"


def outage_page(request: HttpRequest, title: str, text: str) -> HttpResponse:
    """Return a page with this title, text and the submitted form; for scripts that want JSON, the text as `error`.

    The page has the design of the site, and needs no database.
    """
    if request.accepts("application/json") and not request.accepts("text/html"):
        return as_unavailable(JsonResponse({"error": text}))
    page = get_template("outage.html").render({"title": title, "text": text, **sent_context(request)})
    return as_unavailable(HttpResponse(page))


def as_unavailable(response: HttpResponse) -> HttpResponse:
    """Turn the response into a 503 that asks clients to try again later."""
    response.status_code = 503
    response.headers["Retry-After"] = str(RETRY_AFTER_UPDATE if is_being_updated() else RETRY_AFTER)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def try_again() -> str:
    if is_being_updated():
        return gettext("It is being updated. Try again in a minute.")
    return gettext("Try again in a few minutes. If it still doesn't work, tell the owner of this site.")
