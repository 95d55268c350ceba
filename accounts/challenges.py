"""Challenges for passkeys that replace the password. The browser keeps them, so asking for one stores nothing here.

Anyone can ask for challenges, and a session for each would fill the database. Instead, the challenge is in a signed
cookie for a single URL, which is valid for some minutes. Only the same browser can use it, and only once: a passkey
accepts no challenge that is older than its last use.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.conf import settings
from django.core import signing
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from fido2.webauthn import UserVerificationRequirement

COOKIE: Final = "passkey_challenge"
_SALT: Final = "accounts.challenges"
# The time in which a device has to answer.
_MAX_AGE: Final = dt.timedelta(minutes=5)


def begin() -> tuple[dict[str, Any], str]:
    """Return the options for the browser, with a new challenge, and what it has to keep."""
    options, state = auth.get_server().authenticate_begin(user_verification=UserVerificationRequirement.REQUIRED)
    return dict(options), signing.dumps([timezone.now().timestamp(), state], salt=_SALT)


def keep(request: HttpRequest, response: HttpResponse, kept: str) -> None:
    """Let the browser send `kept` with its answer, which goes to the URL of this request."""
    response.set_cookie(
        COOKIE,
        kept,
        max_age=_MAX_AGE,
        path=request.path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


@contextmanager
def current() -> Iterator[dt.datetime | None]:
    """Let allauth find the challenge that this browser has kept. Return when it was made; None if there is none."""
    try:
        made_at, state = signing.loads(context.request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_MAX_AGE)
    except signing.BadSignature:
        yield None
        return
    # The session isn't stored: it is as empty afterwards as before.
    auth.set_state(state)
    try:
        yield dt.datetime.fromtimestamp(made_at, dt.UTC)
    finally:
        auth.clear_state()


def use(passkey: Authenticator, made_at: dt.datetime) -> bool:
    """Record that a passkey has answered the challenge made at this time. Return whether it may: only once.

    The challenge has to be newer than the last use, so it can't be one that was used. A last use in the future comes
    from a clock that was ahead, and must not lock anyone out; challenges from then are refused instead. It may be a
    moment in the future, because another process has used the passkey since this one has looked at the clock.
    """
    now = timezone.now()
    is_new = Q(last_used_at=None) | Q(last_used_at__lt=made_at) | Q(last_used_at__gt=now + _MAX_AGE)
    return made_at <= now and bool(Authenticator.objects.filter(is_new, pk=passkey.pk).update(last_used_at=now))
