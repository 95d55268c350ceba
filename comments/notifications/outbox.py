"""Recording what people are to be notified of, in the transaction in which it happens.

This costs the commenter or the moderator one row. The worker does the rest (comments.notifications.fanout).
"""

import datetime as dt
from collections.abc import Collection

from django.utils import timezone

from comments.models import Event, OutboxItem
from mail import messages
from mail.tasks import wake_worker

# Comments that come within this time share one e-mail.
SETTLE = dt.timedelta(minutes=5)
BATCH = 200


def record(pks: Collection[int], status: str) -> None:
    """Have people notified of the comments with these IDs, which just got this status. Nobody is notified of spam."""
    if pks and status in Event.values and messages.is_on():
        items = [OutboxItem(comment_id=pk, event=status) for pk in pks]
        OutboxItem.objects.bulk_create(items, batch_size=BATCH, ignore_conflicts=True)
        wake_worker(timezone.now() + SETTLE)
