"""The emergency lock: a link with which a person at risk locks their own account from any browser."""

import hashlib
import secrets

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import people
from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import EmergencyLink, User
from core.site import absolute_url


@transaction.atomic
def make_link(user: User) -> str:
    """Return the absolute URL of a new link of `user`. Earlier ones stop working, and this one can't be shown again."""
    secret = secrets.token_urlsafe(24)
    values = {"secret_hash": _hash(secret), "created_at": timezone.now(), "used_at": None}
    EmergencyLink.objects.update_or_create(user=user, defaults=values)
    record(Action.EMERGENCY_LINK_MADE, [user], by=user)
    return absolute_url(reverse("account_lock", args=[secret]))


def find(secret: str) -> EmergencyLink | None:
    """Return the link with this secret."""
    return EmergencyLink.objects.select_related("user").filter(secret_hash=_hash(secret)).first()


@transaction.atomic
def lock(link: EmergencyLink) -> None:
    """Log the link's person out everywhere and lock their account, which only an owner of the site can reactivate."""
    people.lock(link.user)
    # Recorded once, however often the link is used.
    if EmergencyLink.objects.filter(pk=link.pk, used_at=None).update(used_at=timezone.now()):
        record(Action.LOCKED, [link.user], by=link.user)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
