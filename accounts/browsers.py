"""Browsers: their names in plain language, and a cookie for those that have logged in before.

The cookie gives a browser its own allowance of guesses for the accounts that it has logged in to (accounts.throttle),
and nothing else. It is sent only to pages of the admin, and names no account.
"""

import re
import secrets
from typing import Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.devices import name_device
from accounts.models import User

COOKIE: Final = "known_browser"
_SALT: Final = "accounts.browsers"
_MAX_AGE: Final = 365 * 24 * 60 * 60
# The most accounts that one browser is known for.
_MAX_ACCOUNTS: Final = 8

# The first match counts, because most browsers also name others.
_BROWSERS: Final = (
    (r"\bEdg(?:e|A|iOS)?/", "Edge"),
    (r"\b(?:OPR|Opera)/", "Opera"),
    (r"\bSamsungBrowser/", "Samsung Internet"),
    (r"\bVivaldi/", "Vivaldi"),
    (r"\b(?:Firefox|FxiOS)/", "Firefox"),
    (r"\b(?:HeadlessChrome|Chrome|CriOS|Chromium)/", "Chrome"),
    (r"\bSafari/", "Safari"),
)
_SYSTEMS: Final = (
    (r"\biPhone\b", "iPhone"),
    (r"\biPad\b", "iPad"),
    (r"\bAndroid\b", "Android"),
    (r"\bWindows\b", "Windows"),
    (r"\bCrOS\b", "ChromeOS"),
    (r"\bMac OS X\b|\bMacintosh\b", "Mac"),
    (r"\bLinux\b", "Linux"),
)


def describe(request: HttpRequest) -> str:
    """Return the name of the browser and its system as `accounts.devices` stores it; empty if neither is known."""
    # Text beyond any sensible length would only cost time.
    agent = request.headers.get("User-Agent", "")[:500]
    browser = next((name for pattern, name in _BROWSERS if re.search(pattern, agent)), "")
    system = next((name for pattern, name in _SYSTEMS if re.search(pattern, agent)), "")
    return name_device(browser, system)


def known_browser(request: HttpRequest, user: User | None) -> str:
    """Return the ID of this browser if it has logged in as `user` before; empty otherwise."""
    browser, marks = _read(request)
    mark = _mark(user.pk if user is not None else 0, browser)
    is_known = [constant_time_compare(mark, each) for each in marks]
    return browser if user is not None and any(is_known) else ""


def last_account(request: HttpRequest) -> str:
    """Return the mark of the account that last logged in with this browser; empty if it is unknown."""
    return next(iter(_read(request)[1]), "")


def mark_of(request: HttpRequest, user: User) -> str:
    """Return the mark that `user` has in this browser, and in no other."""
    return _mark(user.pk, _read(request)[0])


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Set the cookie on `response`, so that this browser is known to have logged in as `user`."""
    browser, marks = _read(request)
    browser = browser or secrets.token_hex(16)
    mark = _mark(user.pk, browser)
    marks = [mark, *(each for each in marks if each != mark)][:_MAX_ACCOUNTS]
    response.set_cookie(
        COOKIE,
        signing.dumps([browser, *marks], salt=_SALT),
        max_age=_MAX_AGE,
        path=reverse("admin:index"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> tuple[str, list[str]]:
    try:
        browser, *marks = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_MAX_AGE)
    except signing.BadSignature:
        return "", []
    return browser, marks


def _mark(user_pk: int, browser: str) -> str:
    return salted_hmac("accounts.browsers.mark", f"{user_pk}.{browser}", algorithm="sha256").hexdigest()[:32]
