"""Links with which people choose a password: after an invitation, or instead of a password that they forgot.

A link works once, for VALID_DAYS, and only the newest one of a person does. The database has a hash of it, by which it
is looked up, so how long that takes says nothing about other links.
"""

import datetime as dt
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import SetupLink, User
from accounts.people import end_sessions
from core.registry import Registry
from core.site import absolute_url

VALID_DAYS: Final = 7

# Each sends a link to the e-mail address of a person, and returns whether it could. An app above this one sends mail.
senders: Final[Registry[Callable[[User, str], bool]]] = Registry("sender of setup links")


class ExpiredLinkError(Exception):
    """The link was used, is too old, was replaced by a newer one, or never existed."""


def make_link(person: User) -> str:
    """Return a new link with which `person` chooses a password. Their former one stops working."""
    token = secrets.token_urlsafe(32)
    values = {"token_hash": _hash(token), "expires_at": timezone.now() + dt.timedelta(days=VALID_DAYS)}
    SetupLink.objects.update_or_create(person=person, defaults=values)
    return absolute_url(reverse("account_setup", args=[token]))


def send_link(person: User, url: str) -> bool:
    """Send a link to its person and return whether that was possible. To be called outside of transactions."""
    return bool(person.email) and any(send(person, url) for send in senders.values())


def find_person(token: str) -> User:
    """Return the person whose link ends with `token`. Raises ExpiredLinkError."""
    link = SetupLink.objects.filter(_usable(token)).select_related("person").first()
    if link is None:
        raise ExpiredLinkError
    return link.person


def choose_password(token: str, person: User, password: str) -> None:
    """Save `person`, whose names may have changed, with this password, and end their sessions. The link is used up.

    Raises ExpiredLinkError.
    """
    with transaction.atomic():
        # Of two that use it at the same time, one deletes it.
        deleted, _rows = SetupLink.objects.filter(_usable(token), person=person).delete()
        if not deleted:
            raise ExpiredLinkError
        person.set_password(password)
        person.save(update_fields=["password", "username", "display_name", "slug"])
        end_sessions(person)


def _usable(token: str) -> Q:
    return Q(token_hash=_hash(token), expires_at__gt=timezone.now(), person__is_active=True)


def _hash(token: str) -> str:
    # 256 random bits need no slow hash.
    return sha256(token.encode()).hexdigest()
