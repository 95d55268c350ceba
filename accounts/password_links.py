"""Links with which people choose a password: after an invitation, or in place of a forgotten password.

People who are invited may choose a passkey instead. Others may not, because it would replace their second step, too.

A link works once and for a limited time. It also ends when its person logs in or gets another password or e-mail
address, and when the account is locked. The database contains a hash of it, by which it is looked up, so the time this
takes reveals nothing about other links.
"""

import datetime as dt
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_noop

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import PasswordLink, User
from core.registry import Registry
from core.site import absolute_url

Kind = PasswordLink.Kind

_NAMES: Final = ["username", "display_name", "slug"]
VALID_DAYS: Final = {Kind.GIVEN: 7, Kind.REQUESTED: 1}

# Each sends a link to the e-mail address of a person, and returns whether it could. An app above this one sends mail.
senders: Final[Registry[Callable[[User, str, Kind], bool]]] = Registry("sender of password links")


class ExpiredLinkError(Exception):
    """The link was used, is too old, was replaced by a newer one, was revoked, or never existed."""


def make_link(person: User, kind: Kind) -> str:
    """Return the absolute URL of a new link of `person`. Their former one of this kind stops working."""
    token = secrets.token_urlsafe(32)
    values = {
        "token_hash": _hash(token),
        "fingerprint": _fingerprint(person),
        "expires_at": timezone.now() + dt.timedelta(days=VALID_DAYS[kind]),
    }
    PasswordLink.objects.update_or_create(person=person, kind=kind, defaults=values)
    return absolute_url(reverse("account_set_password", args=[token]))


def send_link(person: User, url: str, kind: Kind) -> bool:
    """Send a link to its person and return whether that was possible. Call this outside of transactions."""
    return bool(person.email) and any(send(person, url, kind) for send in senders.values())


def find_person(token: str) -> User:
    """Return the person whose link ends with `token`. Raises ExpiredLinkError."""
    usable = PasswordLink.objects.filter(expires_at__gt=timezone.now(), person__is_active=True)
    link = usable.select_related("person").filter(token_hash=_hash(token)).first()
    if link is None or not constant_time_compare(link.fingerprint, _fingerprint(link.person)):
        raise ExpiredLinkError
    return link.person


@transaction.atomic
def choose_password(token: str, person: User, password: str) -> None:
    """Save `person`, whose names may have changed, with this password, and end their sessions and links.

    Raises ExpiredLinkError.
    """
    _use_up(token, person)
    person.set_password(password)
    person.save(update_fields=["password", *_NAMES])
    record(Action.PASSWORD_CHANGED, [person], by=person)


@transaction.atomic
def choose_passkey[Passkey](token: str, person: User, add_passkey: Callable[[], Passkey]) -> Passkey:
    """Save `person`, who is new and has chosen their names, and the passkey that `add_passkey` stores and returns.

    Raises ExpiredLinkError, also if the person already has a password or a passkey.
    """
    _use_up(token, person)
    if person.has_credentials:
        raise ExpiredLinkError
    person.save(update_fields=_NAMES)
    passkey = add_passkey()
    record(Action.FACTOR_ADDED, [person], by=person, details=gettext_noop("Passkey"))
    return passkey


def _use_up(token: str, person: User) -> None:
    """End all links of `person`, in the caller's transaction. Raises ExpiredLinkError if none has this `token`."""
    # If two requests use a link at the same time, the second waits here, and then finds it gone.
    User.objects.select_for_update().filter(pk=person.pk).first()
    if find_person(token) != person:
        raise ExpiredLinkError
    PasswordLink.objects.filter(person=person).delete()


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _fingerprint(person: User) -> str:
    """Return a hash that changes as soon as the person logs in or gets another password or e-mail address."""
    state = "\n".join(map(str, (person.pk, person.password, person.last_login, person.email)))
    return salted_hmac("accounts.password_links", state, algorithm="sha256").hexdigest()
