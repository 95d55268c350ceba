"""Deciding through links in a moderator's e-mail: signed, valid for a week, and for one person only.

Each notification can be used once, and only to decide about what its recipient has seen. Changing the password
invalidates the links, as it ends sessions.
"""

import datetime as dt

from django.core.signing import SignatureExpired, TimestampSigner
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import User
from comments.models import Comment, CommentStatus, Event, Notification, NotificationPreference
from comments.moderation import actions
from comments.moderation.decisions import OvertakenError
from core.bulk import delete_in_batches
from core.site import absolute_url

VALID_DAYS = 7
ACTIONS = {name: actions.ACTIONS[name] for name in ("approve", "spam", "trash")}
_SIGNER = TimestampSigner(salt="comments.notifications.decision_links")


def decision_urls(notification: Notification, by: User) -> dict[str, str]:
    """Return the absolute URL of each decision about the comment of `notification`, which is sent to `by`."""
    signed = _SIGNER.sign(f"{notification.pk}.{_password_mark(by)}")
    return {name: absolute_url(reverse("comments:decide", args=[signed, name])) for name in ACTIONS}


def find_notification(signed: str) -> tuple[Notification, NotificationPreference] | None:
    """Return the notification that a URL belongs to, and its recipient; None if its comment is gone.

    Raises SignatureExpired after VALID_DAYS or a change of the password, BadSignature if the URL is forged.
    """
    value = _SIGNER.unsign(signed, max_age=dt.timedelta(days=VALID_DAYS))
    pk, _dot, password_mark = value.partition(".")
    related = ("moderator__user", "comment__user", "comment__entry")
    notification = Notification.objects.filter(pk=int(pk), event=Event.PENDING).select_related(*related).first()
    if notification is None or (moderator := notification.moderator) is None:
        return None
    if not constant_time_compare(password_mark, _password_mark(moderator.user)):
        raise SignatureExpired("The password has changed.")
    return notification, moderator


def _password_mark(user: User) -> str:
    """Return a value that changes with the password and reveals nothing about it."""
    return user.get_session_auth_hash()[:16]


def is_open(notification: Notification) -> bool:
    """Whether the comment still awaits a decision."""
    return notification.used_at is None and notification.comment.status == CommentStatus.PENDING


def decide(notification: Notification, by: User, action: str, seen: str) -> None:
    """Decide about the comment on behalf of the recipient, unless that has already been done.

    `seen` is the comment's mark on the page. Raises OvertakenError if it has another one now, and DoesNotExist if
    the comment is gone.
    """
    with transaction.atomic():
        # The comment is locked first, as in every decision.
        notification.comment = Comment.objects.select_for_update(no_key=True).get(pk=notification.comment_id)
        if not is_open(notification):
            return
        if notification.comment.mark != seen:
            raise OvertakenError
        if Notification.objects.filter(pk=notification.pk, used_at=None).update(used_at=timezone.now()):
            ACTIONS[action].decide([notification.comment], by, None)


def delete_old() -> int:
    """Delete notifications whose links have expired, and return how many."""
    old = Notification.objects.filter(sent_at__lt=timezone.now() - dt.timedelta(days=VALID_DAYS + 1))
    return delete_in_batches(old.order_by("sent_at"))
