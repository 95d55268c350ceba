"""Decisions by the links in an e-mail: each notification decides once, and only about what its recipient has seen."""

from django.db import transaction
from django.utils import timezone

from comments.models import Comment, CommentStatus, Notification
from comments.moderation.actions import ACTIONS as ALL_ACTIONS
from comments.moderation.decisions import OvertakenError
from comments.notifications.decision_links import DECISIONS, moderator_of

ACTIONS = {name: ALL_ACTIONS[name] for name in DECISIONS}


def is_open(notification: Notification) -> bool:
    """Whether there is still something to decide."""
    return notification.used_at is None and notification.comment.status == CommentStatus.PENDING


def decide(notification: Notification, action: str, seen: str) -> None:
    """Decide about the comment on behalf of the recipient, unless it is decided already.

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
            ACTIONS[action].decide([notification.comment], moderator_of(notification), None)
