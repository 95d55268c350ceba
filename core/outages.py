"""What people get while the site can't store or read something: a full disk, a database that is away or read-only.

What they sent comes back to them (core.sent_forms), so they lose nothing, with or without JavaScript.
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
# What PostgreSQL reports as internal errors: it accepts no writes, or has ended a transaction that was idle.
_SQLSTATES: Final = frozenset({"25006", "25P03"})
# What a disk says that is full, broken, read-only or another user's, and a system that has run out of something.
_ERRNOS: Final = frozenset(
    (
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM),
        *(errno.ENOMEM, errno.EMFILE, errno.ENFILE),
    )
)


class OutageError(OSError):
    """Something that the site needs can't be reached, or can't store anything at the moment."""


def is_outage(error: BaseException | None) -> bool:
    """Return whether an error comes from outside of our code, and may pass without any change to it."""
    match error:
        case OperationalError():
            # SQLite reports errors in SQL with the same class as a full disk.
            return getattr(error.__cause__, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR
        case InternalError():
            return getattr(error.__cause__, "sqlstate", None) in _SQLSTATES
        case InterfaceError() | OutageError() | ConnectionError() | TimeoutError():
            return True
        case OSError():
            return error.errno in _ERRNOS
    return False


def outage_texts(request: HttpRequest) -> tuple[str, str]:
    """Return the title and the text of a page that says what can't be done now."""
    if request.method in {"GET", "HEAD"}:
        title = gettext("This page can't be shown at the moment")
        text = gettext("The site can't read what it needs for it.")
    else:
        title = gettext("This can't be done at the moment")
        text = gettext("The site can't save anything, so nothing was changed.")
    return title, f"{text} {try_again()}"


def outage_page(request: HttpRequest, title: str, text: str) -> HttpResponse:
    """Return a page with this title and text, and what was sent; for a script that wants JSON, the text as an `error`.

    The page has the design of the site, and needs no database.
    """
    if request.accepts("application/json") and not request.accepts("text/html"):
        return as_unavailable(JsonResponse({"error": text}))
    page = get_template("outage.html").render({"title": title, "text": text, **sent_context(request)})
    return as_unavailable(HttpResponse(page))


def as_unavailable(response: HttpResponse) -> HttpResponse:
    """Make the response one for a site that can't do this at the moment."""
    response.status_code = 503
    response.headers["Retry-After"] = str(RETRY_AFTER_UPDATE if is_being_updated() else RETRY_AFTER)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def try_again() -> str:
    if is_being_updated():
        return gettext("It is being updated. Try again in a minute.")
    return gettext("Try again in a few minutes. If it still doesn't work, tell the owner of this site.")
