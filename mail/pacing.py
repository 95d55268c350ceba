"""How fast mail is sent to each domain: at most a number per minute (MAIL_LIMITS), and slower if its servers want that.

Mail that has to wait is put into a batch with a time of its own, as large as may be sent then. So however much is
waiting, each e-mail is considered about twice.
"""

import datetime as dt
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core.clock import CLOCK_TOLERANCE
from mail.models import RecipientDomain

# The period to which the limits apply.
WINDOW: Final = dt.timedelta(minutes=1)
# The time between two batches is a little longer, because workers are never exactly on time.
_BATCHES: Final = WINDOW * 1.05
# The size of a batch for a domain without a limit, whose servers were busy.
_BATCH_WITHOUT_LIMIT: Final = 60
# After this many temporary refusals in a row, all mail to the domain waits: for _FIRST_PAUSE, then twice as long each
# time. Fewer refusals concern single mailboxes.
_MANY_FAILURES: Final = 3
_FIRST_PAUSE: Final = dt.timedelta(minutes=5)
_LONGEST_PAUSE: Final = dt.timedelta(hours=6)


def limit_of(domain: str) -> int | None:
    """Return how many e-mails a domain gets in a minute; None if there is no limit."""
    limits: dict[str, int] = settings.BROADSIDE_MAIL_LIMITS
    return limits.get(domain, limits.get("*"))


def time_to_wait_for(domain: str, now: dt.datetime) -> dt.datetime | None:
    """Count an e-mail that is about to be sent to the domain; if it has to wait, return until when instead."""
    limit = limit_of(domain)
    domains = RecipientDomain.objects.filter(pk=domain)
    if limit is None and not domains.filter(ready_at__gt=now).exists():
        return None
    with transaction.atomic():
        row = _locked(domain, now)
        if row.ready_at <= now:
            _count(row, limit, now)
            at = None
        else:
            at = _join_batch(row, limit or _BATCH_WITHOUT_LIMIT)
        row.save()
    return at


def _count(row: RecipientDomain, limit: int | None, now: dt.datetime) -> None:
    if row.window_ends_at <= now:
        row.sent_count = 0
    row.sent_count += 1
    # A minute from the last e-mail, so no minute has more than the limit.
    row.window_ends_at = now + WINDOW
    if limit is not None and row.sent_count >= limit:
        row.ready_at = row.window_ends_at


def _join_batch(row: RecipientDomain, size: int) -> dt.datetime:
    if row.batch_at < row.ready_at:
        row.batch_at, row.batch_count = row.ready_at, 0
    elif row.batch_count >= size:
        row.batch_at, row.batch_count = row.batch_at + _BATCHES, 0
    row.batch_count += 1
    return row.batch_at


def accepted(domain: str) -> None:
    """Record that a server of the domain has accepted an e-mail."""
    RecipientDomain.objects.filter(pk=domain, failures__gt=0).update(failures=0)


def put_off(domain: str) -> None:
    """Record that a server of the domain has refused an e-mail temporarily."""
    now = timezone.now()
    with transaction.atomic():
        row = _locked(domain, now)
        row.failures += 1
        if row.failures >= _MANY_FAILURES:
            pause = min(_FIRST_PAUSE * 2 ** min(row.failures - _MANY_FAILURES, 10), _LONGEST_PAUSE)
            row.ready_at = max(row.ready_at, now + pause)
        row.save()


def correct_times() -> None:
    """Forget the domains that got mail, or had to wait, while the clock was ahead."""
    latest = timezone.now() + _LONGEST_PAUSE + CLOCK_TOLERANCE
    RecipientDomain.objects.filter(Q(ready_at__gt=latest) | Q(window_ends_at__gt=latest)).delete()


def longest_wait() -> dt.timedelta:
    """Return how long the last batch has to wait."""
    last = RecipientDomain.objects.order_by("-batch_at").values_list("batch_at", flat=True).first()
    return last - timezone.now() if last else dt.timedelta()


def delete_old() -> None:
    """Delete domains to which nothing was sent for a day."""
    day_ago = timezone.now() - dt.timedelta(days=1)
    RecipientDomain.objects.filter(ready_at__lt=day_ago, window_ends_at__lt=day_ago, batch_at__lt=day_ago).delete()


def _locked(domain: str, now: dt.datetime) -> RecipientDomain:
    new = {"window_ends_at": now, "ready_at": now, "batch_at": now}
    row, _is_new = RecipientDomain.objects.select_for_update().get_or_create(pk=domain, defaults=new)
    return row
