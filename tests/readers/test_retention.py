"""Statistics become coarser with time, and are deleted with their entries."""

import datetime as dt

import pytest
from django.utils import timezone

from readers.models import EntryCount, KindCount, ReaderSettings, ReferrerCount
from readers.retention import first_kept_day, tidy
from tests.factories import PostFactory

pytestmark = pytest.mark.usefixtures("counting")


def old_days() -> list[dt.date]:
    """Return three days of a month for which only monthly sums are kept."""
    first = (first_kept_day(12) - dt.timedelta(days=1)).replace(day=1)
    return [first, first + dt.timedelta(days=1), first + dt.timedelta(days=20)]


def test_the_first_day_kept_is_the_first_of_a_month() -> None:
    today = timezone.localdate()
    assert first_kept_day(12) == today.replace(year=today.year - 1, day=1)
    assert first_kept_day(1) == (today.replace(day=1) - dt.timedelta(days=1)).replace(day=1)


def test_old_days_are_summed_by_month() -> None:
    post = PostFactory()
    days = old_days()
    for day in days:
        KindCount.objects.create(day=day, kind="entry", count=10)
        EntryCount.objects.create(day=day, entry_id=post.pk, count=7)
        ReferrerCount.objects.create(day=day, host="news.example", count=4)
    for _again in range(2):
        tidy()
        assert list(KindCount.objects.values_list("day", "kind", "count")) == [(days[0], "entry", 30)]
        assert list(EntryCount.objects.values_list("day", "entry_id", "count")) == [(days[0], post.pk, 21)]
        assert list(ReferrerCount.objects.values_list("day", "host", "count")) == [(days[0], "news.example", 12)]


def test_hosts_that_were_rare_in_a_month_lose_their_names() -> None:
    day = old_days()[0]
    KindCount.objects.create(day=day, kind="front", count=20)
    for host, count in (("wiki.ministry.example", 9), ("news.example", 10), ("", 3)):
        ReferrerCount.objects.create(day=day, host=host, count=count)
    tidy()
    assert dict(ReferrerCount.objects.values_list("host", "count")) == {"news.example": 10, "": 12}


def test_newer_days_are_kept() -> None:
    day = first_kept_day(12)
    KindCount.objects.create(day=day + dt.timedelta(days=1), kind="front", count=1)
    ReferrerCount.objects.create(day=day + dt.timedelta(days=1), host="news.example", count=1)
    tidy()
    assert KindCount.objects.get().day == day + dt.timedelta(days=1)
    assert ReferrerCount.objects.get().host == "news.example"


def test_the_owner_sets_how_long_days_are_kept() -> None:
    ReaderSettings.objects.update(keep_months=1)
    KindCount.objects.create(day=first_kept_day(1) - dt.timedelta(days=1), kind="front", count=1)
    tidy()
    assert KindCount.objects.get().day.day == 1


def test_counts_of_deleted_entries_are_deleted() -> None:
    post, deleted = PostFactory(), PostFactory()
    for entry in (post, deleted):
        EntryCount.objects.create(day=timezone.localdate(), entry_id=entry.pk, count=1)
    deleted.delete()
    tidy()
    assert [row.entry_id for row in EntryCount.objects.all()] == [post.pk]


def test_all_counts_are_deleted_once_counting_is_turned_off() -> None:
    KindCount.objects.create(day=timezone.localdate(), kind="front", count=1)
    EntryCount.objects.create(day=timezone.localdate(), entry_id=1, count=1)
    ReferrerCount.objects.create(day=timezone.localdate(), host="", count=1)
    ReaderSettings.objects.update(count_readers=False)
    tidy()
    assert [model.objects.count() for model in (KindCount, EntryCount, ReferrerCount)] == [0, 0, 0]
