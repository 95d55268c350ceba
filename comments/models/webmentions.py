"""Webmentions that are sent to other sites."""

from typing import Final

from django.db import models
from django.utils import timezone

from core.internal_rows import InternalRow

MAX_TARGET_LENGTH: Final = 1000


class SentMention(InternalRow):
    """A link from an entry to a page of another site, which is told about it.

    Once the entry is gone, the other site is told that too, and the row is deleted.
    """

    # No foreign key, because the row outlives the entry.
    entry_id = models.BigIntegerField()
    # The URL of the entry when the link was first noted. It never changes, so that the other site recognises it.
    source = models.CharField(max_length=2000)
    target = models.CharField(max_length=MAX_TARGET_LENGTH)
    # Entry.source_digest of the text with this link; empty once the link is gone or readers no longer see it.
    digest = models.CharField(max_length=32, blank=True)
    # When it was last sent; None if it never was, for example because the other site has no endpoint.
    sent_at = models.DateTimeField(null=True)
    # When it is to be sent; None if there is nothing to do for now.
    not_before = models.DateTimeField(null=True, default=timezone.now)
    # The number of consecutive failures.
    failures = models.PositiveSmallIntegerField(default=0)

    class Meta(InternalRow.Meta):
        constraints = [models.UniqueConstraint(fields=["entry_id", "target"], name="sent_mention_once")]
        indexes = [models.Index(fields=["not_before"], name="sent_mention_due")]
