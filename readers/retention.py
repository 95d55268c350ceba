"""Reducing old figures: days are summed up by month, and rare hosts and entries are dropped."""

import datetime as dt
from typing import Any, Final

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from blog.models import Entry
from readers.counting import OTHERS, keep_most_frequent_hosts
from readers.models import DayCount, EntryCount, KindCount, ReaderSettings, ReferrerCount

# How many hosts and entries are kept per month.
_MAX_OF_MONTH: Final = 100
# Hosts that fewer readers came from in a month are counted with all others, because they could reveal who read.
_RARE: Final = 10
_MODELS: Final[dict[type[DayCount], str]] = {KindCount: "kind", EntryCount: "entry_id", ReferrerCount: "host"}


def first_kept_day(keep_months: int) -> dt.date:
    """Return the first day with daily figures, which is the first of a month."""
    today = timezone.localdate()
    month = today.year * 12 + today.month - 1 - keep_months
    return dt.date(month // 12, month % 12 + 1, 1)


def tidy() -> None:
    """Delete the figures of deleted entries, and sum up old days. If no readers are counted, delete all."""
    choices = ReaderSettings.current()
    if not choices.count_readers:
        for model in _MODELS:
            model._default_manager.all().delete()
        return
    EntryCount.objects.exclude(entry_id__in=Entry.objects.values("pk")).delete()
    before = first_kept_day(choices.keep_months)
    single_days = KindCount.objects.filter(day__lt=before).exclude(day__day=1)
    rare_hosts = ReferrerCount.objects.filter(day__lt=before, count__lt=_RARE).exclude(host=OTHERS)
    for month in {month for rows in (single_days, rare_hosts) for month in rows.dates("day", "month")}:
        _sum_up(month)


def _sum_up(month: dt.date) -> None:
    """Store the totals of a month under its first day."""
    end = (month + dt.timedelta(days=31)).replace(day=1)
    with transaction.atomic():
        for model, key in _MODELS.items():
            rows: Any = model._default_manager.filter(day__gte=month, day__lt=end).order_by()
            sums = dict(rows.values_list(key).annotate(Sum("count")))
            if model is EntryCount:
                sums = dict(sorted(sums.items(), key=lambda pair: -pair[1])[:_MAX_OF_MONTH])
            rows.delete()
            model._default_manager.bulk_create(
                [model(day=month, count=count, **{key: value}) for value, count in sums.items()]
            )
        keep_most_frequent_hosts(month, _MAX_OF_MONTH, at_least=_RARE)
