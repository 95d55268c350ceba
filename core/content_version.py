"""The content version: a number that is incremented whenever public content changes.

It is part of every cache key and ETag, so processes agree on what is out of date without communicating.
"""

from typing import Any

from django.db import models, transaction
from django.db.models import F


class ContentVersion(models.Model):
    """The one row that holds the number."""

    number = models.PositiveBigIntegerField(default=1)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="content_version_one_row")]

    def __str__(self) -> str:
        return str(self.number)


def content_changed() -> None:
    """Make cached pages expire when the current transaction commits, by incrementing the number once."""
    pending = transaction.get_connection().run_on_commit
    if not any(hook is _increment for _savepoints, hook, _robust in pending):
        transaction.on_commit(_increment)


def _increment() -> None:
    rows: models.QuerySet[Any] = ContentVersion.objects.filter(pk=1)
    if not rows.update(number=F("number") + 1):
        ContentVersion.objects.get_or_create(pk=1, defaults={"number": 2})
