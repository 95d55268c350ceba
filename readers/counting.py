"""Counts that are not stored yet, and storing them."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from django.db import connection, transaction

from readers.bots import is_bot
from readers.models import DayCount, EntryCount, KindCount, ReaderSettings, ReferrerCount
from readers.pages import find_page
from readers.referrers import referring_host
from readers.requests import Reading

# How many hosts are stored for a day, and how many a process counts separately until then. All others are counted
# together, because anyone can invent any number of hosts.
_MAX_HOSTS: Final = 500
_MAX_HOSTS_IN_MEMORY: Final = 20_000
# How many entries are stored for a day, even if bots read the whole site.
_MAX_ENTRIES: Final = 2_000
# The value of `host` for all others.
OTHERS: Final = ""


class Tally:
    """The counts by day and by kind of page, entry and referring host."""

    def __init__(self) -> None:
        self.kinds: Counter[tuple[dt.date, str]] = Counter()
        self.entries: Counter[tuple[dt.date, int]] = Counter()
        self.hosts: Counter[tuple[dt.date, str]] = Counter()

    def __bool__(self) -> bool:
        return bool(self.kinds)

    def add(self, reading: Reading, day: dt.date, version: int) -> None:
        """Count a reading, unless it is by a bot, or not of a page. `version` is the version of entries."""
        if is_bot(reading.agent):
            return
        page = find_page(reading.path, reading.query, version)
        if page is None:
            return
        self.kinds[day, page.kind] += 1
        if page.entry_id is not None:
            self.entries[day, page.entry_id] += 1
        if reading.referrer and (host := referring_host(reading.referrer)):
            is_known = (day, host) in self.hosts or len(self.hosts) < _MAX_HOSTS_IN_MEMORY
            self.hosts[day, host if is_known else OTHERS] += 1

    def clear(self) -> None:
        for counts in (self.kinds, self.entries, self.hosts):
            counts.clear()


def store(tally: Tally) -> None:
    """Add the counts to the stored ones, in one transaction, and keep only the highest of each day."""
    with transaction.atomic():
        # One process at a time, because each also merges rows that others are adding to.
        list(ReaderSettings.objects.select_for_update(no_key=True))
        _add(KindCount, "kind", tally.kinds)
        _add(EntryCount, "entry_id", tally.entries)
        _add(ReferrerCount, "host", _most_frequent(tally.hosts))
        for day in {day for day, _host in tally.hosts}:
            if ReferrerCount.objects.filter(day=day).exclude(host=OTHERS).count() > 2 * _MAX_HOSTS:
                keep_most_frequent_hosts(day, _MAX_HOSTS)
        for day in {day for day, _entry in tally.entries}:
            _keep_most_read_entries(day)


def _most_frequent(hosts: Counter[tuple[dt.date, str]]) -> Counter[tuple[dt.date, str]]:
    """Return the counts of the most frequent hosts, and one for all others together."""
    kept: Counter[tuple[dt.date, str]] = Counter()
    for number, ((day, host), count) in enumerate(hosts.most_common()):
        kept[day, host if number < _MAX_HOSTS else OTHERS] += count
    return kept


def _add(model: type[DayCount], key: str, counts: Mapping[tuple[dt.date, Any], int]) -> None:
    if not counts:
        return
    table, *columns = map(connection.ops.quote_name, (model._meta.db_table, "day", key, "count"))
    as_stored = connection.ops.adapt_datefield_value
    rows = [(as_stored(day), value, count) for (day, value), count in counts.items()]
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES (%s, %s, %s)"  # noqa: S608  # our own names
            f" ON CONFLICT ({columns[0]}, {columns[1]})"
            f" DO UPDATE SET {columns[2]} = {table}.{columns[2]} + excluded.{columns[2]}",
            rows,
        )


def keep_most_frequent_hosts(day: dt.date, limit: int, *, at_least: int = 1) -> None:
    """Merge the counts of a day's hosts that are not among its `limit` most frequent, or are below `at_least`."""
    named = ReferrerCount.objects.filter(day=day).exclude(host=OTHERS)
    kept = named.filter(count__gte=at_least).order_by("-count", "pk").values_list("pk", flat=True)[:limit]
    rest = list(named.exclude(pk__in=list(kept)).select_for_update().values_list("pk", "count"))
    if rest:
        ReferrerCount.objects.filter(pk__in=[pk for pk, _count in rest]).delete()
        _add(ReferrerCount, "host", {(day, OTHERS): sum(count for _pk, count in rest)})


def _keep_most_read_entries(day: dt.date) -> None:
    """Delete the counts of the entries that were read least. They are still counted by kind."""
    rows = EntryCount.objects.filter(day=day)
    if rows.count() > 2 * _MAX_ENTRIES:
        kept = list(rows.order_by("-count", "pk").values_list("pk", flat=True)[:_MAX_ENTRIES])
        rows.exclude(pk__in=kept).delete()
