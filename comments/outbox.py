"""Notifications about comments: events are recorded in the transaction that causes them, and fanned out later.

Commenters and moderators only wait until a row for each comment is inserted. The worker does the rest.
"""

import datetime as dt
from collections.abc import Collection, Iterable
from functools import partial
from itertools import batched, chain

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from blog.models import Post
from comments.models import Comment, CommentKind, CommentSettings, CommentStatus
from comments.models.notifications import Event, Follower, Notification, NotificationPreference, OutboxItem
from core.clock import correct_future_times
from core.database import retry_on_conflict
from mail import messages
from mail.tasks import wake_worker

# How long an event waits for others to share an e-mail with.
SETTLE = dt.timedelta(minutes=5)
BATCH = 200


def record(pks: Collection[int], status: str) -> None:
    """Record that the comments with these IDs have just been given this status. No one is notified of spam."""
    if pks and status in Event.values and messages.is_on():
        items = [OutboxItem(comment_id=pk, event=status) for pk in sorted(pks)]
        # What is recorded already is locked, because a worker that is fanning it out knows nothing of this transaction.
        OutboxItem.objects.bulk_create(
            items,
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["comment", "event"],
            update_fields=["event"],
        )
        wake_worker(timezone.now() + SETTLE)


def fan_out() -> None:
    """Create one notification for each recipient of each recorded event. Safe to call concurrently.

    Once the oldest event has waited for SETTLE, all of them are due, so that one e-mail covers a whole burst.
    """
    correct_future_times(OutboxItem.objects.all(), "created_at")
    due_at = next_at()
    if due_at is None or due_at > timezone.now():
        return
    last = OutboxItem.objects.order_by("pk").values_list("pk", flat=True).last()
    if last is None:
        # Another worker has just done it.
        return
    # A follower may be deleted at the same time.
    while retry_on_conflict(partial(_fan_out_some, last)):
        pass


@transaction.atomic
def _fan_out_some(last: int) -> bool:
    """Create the notifications for the oldest events up to the `last` one. Return whether there were any events."""
    recorded = OutboxItem.objects.select_for_update().filter(pk__lte=last)
    # In the order in which `record` locks them.
    items = list(recorded.order_by("comment_id")[:BATCH])
    if not items:
        return False
    pks = {event: [item.comment_id for item in items if item.event == event] for event in Event}
    # Events may be outdated by now.
    written_here = Comment.objects.filter(is_imported=False).order_by("pk")
    pending = list(written_here.filter(pk__in=pks[Event.PENDING], status=CommentStatus.PENDING))
    approved = written_here.for_authors().with_entries().filter(pk__in=pks[Event.APPROVED])
    notifications = chain(_for_moderators(pending), _for_authors(approved), _for_followers(approved))
    # There may be as many notifications as comments times followers.
    for batch in batched(notifications, BATCH):
        Notification.objects.bulk_create(batch, ignore_conflicts=True)
    OutboxItem.objects.filter(pk__in=[item.pk for item in items]).delete()
    return True


def next_at() -> dt.datetime | None:
    """Return when events next have to be fanned out; None if none are recorded."""
    oldest = OutboxItem.objects.order_by("created_at").values_list("created_at", flat=True).first()
    return None if oldest is None else oldest + SETTLE


def _for_moderators(comments: Collection[Comment]) -> Iterable[Notification]:
    if not comments:
        return
    moderators = User.objects.with_perm("comments.moderate_comment").filter(is_staff=True).exclude(email="")
    for preference in NotificationPreference.objects.of_users(moderators):
        if preference.frequency != NotificationPreference.Frequency.NEVER:
            for comment in comments:
                yield Notification(comment=comment, event=Event.PENDING, moderator=preference)


def _for_authors(comments: Iterable[Comment]) -> Iterable[Notification]:
    """Notify subscribed authors of others' comments on their posts. Source: WordPress's “Anyone posts a comment”."""
    on_posts = [comment for comment in comments if isinstance(comment.entry, Post)]
    authors = {comment.entry.author_id for comment in on_posts}
    subscribed = NotificationPreference.objects.filter(own_posts=True, user__in=authors)
    preferences = {preference.user_id: preference for preference in subscribed}
    for comment in on_posts:
        author = comment.entry.author_id
        if author in preferences and comment.user_id != author:
            yield Notification(comment=comment, event=Event.APPROVED, moderator=preferences[author])


def _for_followers(comments: Iterable[Comment]) -> Iterable[Notification]:
    """Notify followers of others' comments that every reader can see."""
    settings = CommentSettings.current()
    if not settings.follow_by_mail:
        return
    for comment in comments:
        if comment.entry.password or (comment.kind != CommentKind.COMMENT and not settings.show_pingbacks):
            continue
        followers = Follower.objects.confirmed().filter(entry=comment.entry_id)
        for follower in followers.exclude(email=comment.email.lower()).only("pk").iterator(BATCH):
            yield Notification(comment=comment, event=Event.APPROVED, follower=follower)
