"""How long the audit log is kept. Only the server's settings decide this, so a stolen session can't shorten it."""

import datetime as dt

from django.conf import settings
from django.utils import timezone

from accounts.actions import COUNTED
from accounts.models import AuditRecord
from core.bulk import delete_in_batches


def delete_expired() -> int:
    """Delete the records that are too old, and return how many there were. Can be interrupted."""
    now = timezone.now()
    kept = now - dt.timedelta(days=settings.BROADSIDE_AUDIT_KEEP_DAYS)
    counts_kept = now - dt.timedelta(days=settings.BROADSIDE_AUDIT_KEEP_FAILED_DAYS)
    records = AuditRecord.changeable().order_by("at")
    return delete_in_batches(records.filter(at__lt=kept)) + sum(
        delete_in_batches(records.filter(action=action, at__lt=counts_kept)) for action in COUNTED
    )
