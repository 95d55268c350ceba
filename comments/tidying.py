"""Deleting old spam, trash and e-mail addresses, and other expired data.

It can be interrupted at any point, and is safe to run concurrently.
"""

import datetime as dt
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from comments import personal_data
from comments.models import Comment, CommentSettings, CommentStatus
from comments.moderation import deletion
from comments.notifications import decision_links, subscriptions
from comments.rules import bayes, proof_of_work, rate_limit
from core.clock import correct_future_times

BATCH: Final = 500


def tidy() -> dict[str, int]:
    """Delete expired data as set in the comment settings. Return the counts of what was deleted, by label."""
    settings = CommentSettings.current()
    rejected = Comment.objects.filter(status__in=[CommentStatus.SPAM, CommentStatus.TRASH])
    correct_future_times(rejected, "status_since")
    before = timezone.now() - dt.timedelta(days=settings.keep_spam_days)
    days = ngettext("older than %d day", "older than %d days", settings.keep_spam_days) % settings.keep_spam_days
    deleted = {
        gettext("Spam deleted, %(days)s") % {"days": days}: _delete(CommentStatus.SPAM, before),
        gettext("Trash deleted, %(days)s") % {"days": days}: _delete(CommentStatus.TRASH, before),
    }
    if finished := personal_data.finish_erasures():
        deleted[gettext("Comments erased (interrupted erasures)")] = finished
    if settings.forget_emails_after_days:
        old = timezone.now() - dt.timedelta(days=settings.forget_emails_after_days)
        deleted[gettext("E-mail addresses deleted")] = personal_data.delete_old_emails(old)
    deleted |= {
        gettext("Words forgotten by the spam filter"): bayes.forget_rare_words(),
        gettext("Rate limit counters deleted"): rate_limit.delete_old(),
        gettext("Used proofs of work deleted"): proof_of_work.delete_expired(),
        gettext("Unconfirmed subscriptions deleted"): subscriptions.delete_unconfirmed(),
        gettext("Old notifications deleted"): decision_links.delete_old(),
    }
    return deleted


def _delete(status: CommentStatus, before: dt.datetime) -> int:
    """Delete comments that have had this status since `before`, except those that a moderator restores first."""
    deleted = 0
    old = Comment.objects.filter(status=status, status_since__lt=before)
    # In batches, so that no request has to wait.
    while pks := list(old.order_by("status_since", "pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            deletion.lock(pks)
            # Queried again, now that they can no longer change.
            deleted += deletion.delete(old.filter(pk__in=pks).only("pk"))
    return deleted
