"""Webmentions: what other sites were told of the links to them."""

from typing import Final

from django.db import models
from django.utils import timezone

MAX_TARGET_LENGTH: Final = 1000


class SentMention(models.Model):
    """A link from an entry to a page of another site, of which that site is told.

    The entry may be gone by now: then the other site is told so once more, and the row is deleted.
    """

    # No foreign key, because the row outlives the entry.
    entry_id = models.BigIntegerField()
    # The URL of the entry when it was first noted. It stays the same, so that the other site recognises it.
    source = models.CharField(max_length=2000)
    target = models.CharField(max_length=MAX_TARGET_LENGTH)
    # That of the text with this link (Entry.source_digest); empty once the link is gone, or readers don't see it.
    digest = models.CharField(max_length=32, blank=True)
    # When it was last sent; None if the other site doesn't want to know.
    sent_at = models.DateTimeField(null=True)
    # When it is to be sent; None if there is nothing to do for now.
    not_before = models.DateTimeField(null=True, default=timezone.now)
    # How often in a row that failed.
    failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["entry_id", "target"], name="sent_mention_once")]
        indexes = [models.Index(fields=["not_before"], name="sent_mention_due")]

    def __str__(self) -> str:
        return self.target
