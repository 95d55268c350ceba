"""The links in a moderator's e-mail: signed, valid for a week, and for one person only.

Changing the password ends them, as it ends sessions.
"""

import datetime as dt

from django.core.signing import SignatureExpired, TimestampSigner
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from accounts.models import User
from comments.models import Event, Notification
from core.site import absolute_url

VALID_DAYS = 7
# The decisions that an e-mail has links for (comments.moderation.actions).
DECISIONS = ("approve", "spam", "trash")
_SIGNER = TimestampSigner(salt="comments.notifications.decision_links")


def decision_urls(notification: Notification) -> dict[str, str]:
    """Return the absolute URL of each decision for this notification of a moderator."""
    signed = _SIGNER.sign(f"{notification.pk}.{_password_mark(moderator_of(notification))}")
    return {decision: absolute_url(reverse("comments:decide", args=[signed, decision])) for decision in DECISIONS}


def find_notification(signed: str) -> Notification | None:
    """Return the notification that a URL belongs to; None if its comment is gone.

    Raises SignatureExpired after VALID_DAYS or a change of the password, BadSignature if the URL is forged.
    """
    value = _SIGNER.unsign(signed, max_age=dt.timedelta(days=VALID_DAYS))
    pk, _dot, password_mark = value.partition(".")
    notifications = Notification.objects.filter(pk=int(pk), event=Event.PENDING, moderator__isnull=False)
    related = ("moderator__user", "comment__user", "comment__entry")
    notification = notifications.select_related(*related).first()
    if notification is None:
        return None
    if not constant_time_compare(password_mark, _password_mark(moderator_of(notification))):
        raise SignatureExpired("The password has changed.")
    return notification


def moderator_of(notification: Notification) -> User:
    """Return who the links of this notification were sent to."""
    assert notification.moderator is not None  # noqa: S101  (for the type checker: only moderators get links)
    return notification.moderator.user


def _password_mark(user: User) -> str:
    """Return something that changes with the password and reveals nothing about it."""
    return user.get_session_auth_hash()[:16]
