"""Links with which a person sets a password, without logging in: after forgetting it, or to begin with.

A link is valid once and for a limited time. Nothing is stored: its token is signed, and contains a fingerprint of what
changes as soon as the person sets a password, logs in, or gets another e-mail address.
"""

import datetime as dt
import time
from typing import Final

from django.core import signing
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import User
from core.site import absolute_url

# How long a link is valid that was asked for with “Forgot your password?”, or that an owner made.
RESET_VALID_FOR: Final = dt.timedelta(days=1)
_SALT: Final = "accounts.password_links"


def password_link(user: User, valid_for: dt.timedelta = RESET_VALID_FOR) -> str:
    """Return the absolute URL of a page on which `user` sets a password."""
    expires = int(time.time() + valid_for.total_seconds())
    token = signing.dumps([user.pk, expires, _fingerprint(user)], salt=_SALT)
    return absolute_url(reverse("account_set_password", args=[token]))


def person_of(token: str) -> User | None:
    """Return whose link this is; None if it has expired or was used, or if the account is locked."""
    try:
        pk, expires, fingerprint = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError):
        return None
    user: User | None = User.objects.filter(pk=pk, is_active=True).first()
    if user is None or time.time() > expires or not constant_time_compare(fingerprint, _fingerprint(user)):
        return None
    return user


def _fingerprint(user: User) -> str:
    parts = (user.pk, user.password, user.last_login, user.email)
    return salted_hmac(_SALT, "\n".join(map(str, parts)), algorithm="sha256").hexdigest()
