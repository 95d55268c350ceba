"""Recording what people are to be notified of, in the transaction in which it happens.

This costs the commenter or the moderator one row. The worker does the rest (comments.notifications.fanout).
"""

import datetime as dt
from collections.abc import Iterable

from django.utils import timezone

from comments.models import Comment, CommentStatus, Event, OutboxItem
from mail import messages
from mail.tasks import wake_worker

# Comments that come within this time share one e-mail.
SETTLE = dt.timedelta(minutes=5)
BATCH = 200

_EVENTS: dict[str, Event] = {CommentStatus.PENDING: Event.PENDING, CommentStatus.APPROVED: Event.APPROVED}


def record(comments: Iterable[Comment]) -> None:
    """Have people notified of `comments` that are pending or approved now. Nobody is notified of spam."""
    _store(
        OutboxItem(comment_id=comment.pk, event=_EVENTS[comment.status])
        for comment in comments
        if comment.status in _EVENTS
    )


def record_approved(pks: Iterable[int]) -> None:
    """Do the same for the comments with these IDs, which were just approved."""
    _store(OutboxItem(comment_id=pk, event=Event.APPROVED) for pk in pks)


def _store(items: Iterable[OutboxItem]) -> None:
    if not messages.is_on():
        return
    new = list(items)
    if new:
        OutboxItem.objects.bulk_create(new, batch_size=BATCH, ignore_conflicts=True)
        wake_worker(timezone.now() + SETTLE)
