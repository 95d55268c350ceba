"""Deleting what is no longer needed, in batches, so that no request has to wait."""

import datetime as dt

from django.db import transaction
from django.utils import timezone

from comments import personal_data
from comments.models import Comment, CommentSettings, CommentStatus
from comments.moderation import deletion
from comments.notifications import decision_links, subscriptions
from comments.rules import proof_of_work, rate_limit

BATCH = 500


def tidy(settings: CommentSettings) -> dict[str, int]:
    """Delete expired spam, trash, counters, challenges, subscription requests and notifications.

    E-mail addresses of old comments are deleted too if the site is set up for it. Returns the number of each.
    Can be interrupted at any point, and several runs at once are safe.
    """
    before = timezone.now() - dt.timedelta(days=settings.keep_spam_days)
    return {
        **{status.value: _delete(status, before) for status in (CommentStatus.SPAM, CommentStatus.TRASH)},
        "emails": personal_data.delete_old_emails(settings),
        "rate_counts": rate_limit.delete_old(),
        "challenges": proof_of_work.delete_expired(),
        "followers": subscriptions.delete_unconfirmed(),
        "notifications": decision_links.delete_old(),
    }


def _delete(status: CommentStatus, before: dt.datetime) -> int:
    """Delete comments that have had this status since `before`, except those that a moderator restores meanwhile."""
    deleted = 0
    old = Comment.objects.filter(status=status, status_since__lt=before).order_by()
    while pks := list(old.order_by("status_since", "pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            deletion.lock(pks)
            # Queried again, now that they can no longer change.
            deleted += deletion.delete(list(old.filter(pk__in=pks).only("pk")))
    return deleted
