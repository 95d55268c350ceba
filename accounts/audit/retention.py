"""How long the audit log is kept. Only the server's settings decide this, so a stolen session can't shorten it."""

import datetime as dt
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from accounts.actions import COUNTED
from accounts.models import AuditRecord

# How many records one statement deletes.
_BATCH: Final = 1000


def delete_expired() -> int:
    """Delete the records that are too old, and return how many there were. Can be interrupted."""
    now = timezone.now()
    kept = now - dt.timedelta(days=settings.BROADSIDE_AUDIT_KEEP_DAYS)
    counts_kept = now - dt.timedelta(days=settings.BROADSIDE_AUDIT_KEEP_FAILED_DAYS)
    records = AuditRecord.changeable()
    return _delete(records.filter(at__lt=kept)) + sum(
        _delete(records.filter(action=action, at__lt=counts_kept)) for action in COUNTED
    )


def _delete(records: QuerySet[Any]) -> int:
    """Delete in batches, each of which is a short transaction, so that no request has to wait."""
    deleted = 0
    while pks := list(records.order_by("at").values_list("pk", flat=True)[:_BATCH]):
        deleted += records.filter(pk__in=pks).delete()[0]
    return deleted
