"""The figures that users see: sums over a period, which reveal no small numbers.

All are rounded down to tens, and those below ten are shown as “< 10”. So the difference between two figures, such as a
total and one of its parts, never reveals that someone was the only reader of something.
"""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Sum, TextChoices
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from blog.models import Entry
from readers.counting import OTHERS
from readers.models import EntryCount, KindCount, PageKind, ReaderSettings, ReferrerCount
from readers.referrers import readable
from readers.retention import first_kept_day

SMALLEST: Final = 10
_LISTED: Final = 20
# In days, for the lists of posts.
RECENT: Final = 30


class Unit(TextChoices):
    """What a bar of the chart stands for."""

    DAY = "day", _("Days")
    WEEK = "week", _("Weeks")
    MONTH = "month", _("Months")


# The number of bars in the chart.
_COUNTS: Final = {Unit.DAY: 30, Unit.WEEK: 26, Unit.MONTH: 24}


def rounded(count: int) -> int:
    return count // SMALLEST * SMALLEST


def format_count(count: int) -> str:
    """Return a count as users see it."""
    if count < SMALLEST:
        return gettext("< 10")
    return str(number_format(rounded(count), use_l10n=True, force_grouping=True))


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of a table: what it is about, how often that was read, and the length of its bar, in percent.

    `entry` is the post or page that it is about, if there is one.
    """

    label: str
    count: str
    percent: int
    day: dt.date | None = None
    entry: Entry | None = None

    @property
    def top(self) -> int:
        """Where its bar begins in a chart, in percent from the top."""
        return 100 - self.percent


@dataclass(frozen=True, slots=True)
class ReaderReport:
    """All figures since a day."""

    unit: Unit
    since: dt.date
    total: str
    by_time: Sequence[Figure]
    kinds: Sequence[Figure]
    entries: Sequence[Figure]
    hosts: Sequence[Figure]

    @property
    def width(self) -> int:
        """The number of bars in the chart."""
        return len(self.by_time)

    @property
    def newest(self) -> Figure:
        return self.by_time[-1]


def report(unit: Unit, choices: ReaderSettings) -> ReaderReport:
    """Return the figures of the last days, weeks or months. Four queries, and one for the titles of entries."""
    starts = _starts(unit, timezone.localdate())
    since = starts[0]
    if unit is not Unit.MONTH:
        # Before that, there are only monthly totals.
        since = max(since, first_kept_day(choices.keep_months))
    rows = KindCount.objects.filter(day__gte=since).values_list("day", "kind", "count")
    by_time: Counter[dt.date] = Counter()
    kinds: Counter[str] = Counter()
    for day, kind, count in rows:
        by_time[_start_of(unit, day)] += count
        kinds[kind] += count
    return ReaderReport(
        unit=unit,
        since=since,
        total=format_count(kinds.total()),
        by_time=_figures([("", by_time[day], day) for day in starts if day >= _start_of(unit, since)]),
        kinds=_figures([(str(kind.label), kinds[kind], None) for kind in PageKind]),
        entries=_most_read(since),
        hosts=_most_frequent_hosts(since),
    )


def recent_counts(entry_ids: Collection[int]) -> dict[int, str]:
    """Return how often each of these entries was read in the last RECENT days, if it was. One query."""
    since = timezone.localdate() - dt.timedelta(days=RECENT - 1)
    rows = EntryCount.objects.filter(entry_id__in=entry_ids, day__gte=since).order_by()
    return {pk: format_count(count) for pk, count in rows.values_list("entry_id").annotate(Sum("count"))}


def _start_of(unit: Unit, day: dt.date) -> dt.date:
    """Return the first day of the period that contains this day. Weeks begin on Monday."""
    match unit:
        case Unit.DAY:
            return day
        case Unit.WEEK:
            return day - dt.timedelta(days=day.weekday())
        case Unit.MONTH:
            return day.replace(day=1)


def _starts(unit: Unit, today: dt.date) -> list[dt.date]:
    """Return the first days of the periods in the chart, earliest first."""
    starts = [_start_of(unit, today)]
    while len(starts) < _COUNTS[unit]:
        starts.append(_start_of(unit, starts[-1] - dt.timedelta(days=1)))
    return starts[::-1]


def _figures(counts: Sequence[tuple[str | Entry, int, dt.date | None]]) -> list[Figure]:
    highest = max([SMALLEST, *(rounded(count) for _about, count, _day in counts)])
    return [
        Figure(
            str(about),
            format_count(count),
            rounded(count) * 100 // highest,
            day,
            about if isinstance(about, Entry) else None,
        )
        for about, count, day in counts
    ]


def _most_read(since: dt.date) -> list[Figure]:
    rows = EntryCount.objects.filter(day__gte=since).order_by().values_list("entry_id").annotate(total=Sum("count"))
    # Some entries may have been deleted today.
    counts: dict[int, int] = dict(rows.order_by("-total", "-entry_id")[: 2 * _LISTED])
    entries = Entry.objects.without_texts().in_bulk(list(counts))
    return _figures([(entries[pk], count, None) for pk, count in counts.items() if pk in entries][:_LISTED])


def _most_frequent_hosts(since: dt.date) -> list[Figure]:
    """Return the hosts from which readers came, and how many came from all others. Rare ones are not named."""
    rows = ReferrerCount.objects.filter(day__gte=since).order_by().values_list("host").annotate(total=Sum("count"))
    counts: dict[str, int] = dict(rows.order_by("-total", "host"))
    named = [(host, count) for host, count in counts.items() if host != OTHERS and count >= SMALLEST][:_LISTED]
    others = sum(counts.values()) - sum(count for _host, count in named)
    figures = [(readable(host), count, None) for host, count in named]
    return _figures([*figures, (gettext("Other sites"), others, None)] if others else figures)
