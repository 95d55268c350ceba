"""What comments leave behind is deleted when its time is over: some at a time, so that nobody waits for it."""

import datetime as dt

from django.db import transaction
from django.utils import timezone

from blog.site import SiteSettings
from comments import flood, following, moderation, notices, privacy, proof
from comments.models import Comment, Status

BATCH = 500


def tidy(site: SiteSettings) -> dict[str, int]:
    """Delete spam and trash that stands so longer than the site keeps it, and counts, tasks and notices that are over.

    Addresses of followers that nobody has confirmed go too, and those of old comments, if the site says so.

    Returns the number of each. Can be interrupted at any point, and run by several at once.
    """
    before = timezone.now() - dt.timedelta(days=site.keep_spam_days)
    return {
        **{status.value: _delete(status, before) for status in (Status.SPAM, Status.TRASH)},
        "emails": privacy.forget_emails(site),
        "arrivals": flood.forget(),
        "challenges": proof.forget(),
        "followers": following.forget_unconfirmed(),
        "notices": notices.forget(),
    }


def _delete(status: Status, before: dt.datetime) -> int:
    """Delete comments of this status; those that a moderator takes out of it meanwhile stay."""
    deleted = 0
    old = Comment.objects.filter(status=status, status_since__lt=before).order_by()
    while pks := list(old.order_by("status_since", "pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            moderation.lock(pks)
            # Looked at again, now that nobody else decides.
            deleted += moderation.delete(list(old.filter(pk__in=pks).only("pk")))
    return deleted
