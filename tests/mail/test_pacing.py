"""Mail is sent to each domain no faster than its servers accept it."""

import datetime as dt

import pytest
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import Settings

from mail import pacing
from mail.models import RecipientDomain

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _limits(settings: Settings) -> None:
    settings.BROADSIDE_MAIL_LIMITS = {"slow.example": 10}


class Worker:
    """A worker that sends e-mails to a domain when they are due, each `late` seconds late."""

    def __init__(self, count: int, late: float) -> None:
        self.late = dt.timedelta(seconds=late)
        self.due = [START] * count
        self.sent: list[dt.datetime] = []
        self.attempts = 0

    def run(self, domain: str) -> None:
        now = START
        while self.due:
            self.due.sort()
            now = max(now, self.due.pop(0) + self.late)
            self.attempts += 1
            at = pacing.time_to_wait_for(domain, now)
            if at is None:
                self.sent.append(now)
            else:
                assert at > now
                self.due.append(at)


@pytest.mark.parametrize("late", [0, 0.1, 2])
def test_no_minute_has_more_than_the_limit(late: float) -> None:
    worker = Worker(100, late)
    worker.run("slow.example")
    for first, eleventh in zip(worker.sent, worker.sent[10:], strict=False):
        assert eleventh - first >= dt.timedelta(minutes=1)
    # And the limit is used to the full.
    assert worker.sent[-1] - START < dt.timedelta(minutes=12)
    assert worker.attempts <= 2.2 * 100


def test_a_backlog_from_before_the_worker_started_is_not_sent_all_at_once() -> None:
    worker = Worker(30, 0)
    worker.run("slow.example")
    later = START + dt.timedelta(hours=1)
    sent = [pacing.time_to_wait_for("slow.example", later) is None for _ in range(30)]
    assert sum(sent) == 10


def test_a_domain_that_another_worker_forgets_meanwhile_is_counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    Worker(1, 0).run("slow.example")
    lock = QuerySet.select_for_update

    def forget_first(rows: QuerySet[RecipientDomain]) -> QuerySet[RecipientDomain]:
        RecipientDomain.objects.all().delete()
        return lock(rows)

    monkeypatch.setattr(QuerySet, "select_for_update", forget_first)
    assert pacing.time_to_wait_for("slow.example", START + dt.timedelta(days=3)) is None
    assert RecipientDomain.objects.get().sent_count == 1


def test_a_domain_without_a_limit_gets_everything_at_once() -> None:
    assert all(pacing.time_to_wait_for("fast.example", START) is None for _ in range(100))
    assert not RecipientDomain.objects.exists()


def test_the_star_stands_for_any_other_domain(settings: Settings) -> None:
    settings.BROADSIDE_MAIL_LIMITS = {"slow.example": 10, "*": 2}
    sent = [pacing.time_to_wait_for("fast.example", START) is None for _ in range(5)]
    assert sent == [True, True, False, False, False]


def test_a_domain_that_keeps_refusing_is_paused_for_longer_each_time() -> None:
    for _ in range(2):
        pacing.put_off("busy.example")
    assert pacing.time_to_wait_for("busy.example", timezone.now()) is None
    waits = []
    for _ in range(12):
        now = timezone.now()
        pacing.put_off("busy.example")
        at = pacing.time_to_wait_for("busy.example", now)
        assert at is not None
        RecipientDomain.objects.update(batch_at=now)
        waits.append(round((at - now).total_seconds() / 60))
    assert waits == sorted(waits)
    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-1] == 6 * 60


def test_an_accepted_email_resets_the_pause() -> None:
    for _ in range(5):
        pacing.put_off("busy.example")
        pacing.accepted("busy.example")
    assert pacing.time_to_wait_for("busy.example", timezone.now()) is None


def test_domains_are_deleted_after_a_day() -> None:
    pacing.time_to_wait_for("slow.example", START)
    pacing.time_to_wait_for("slow.example", timezone.now())
    pacing.delete_old()
    assert RecipientDomain.objects.count() == 1
    RecipientDomain.objects.update(ready_at=START, window_ends_at=START, batch_at=START)
    pacing.delete_old()
    assert not RecipientDomain.objects.exists()
