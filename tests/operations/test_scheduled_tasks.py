"""Scheduled tasks run once, however many workers there are, and whatever the clock does."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from core.registry import Registry, registries
from core.tasks import NextTime, TaskKind, daily, every, task_kinds
from mail.tasks import send_due_mail
from operations.models import ScheduledTime
from operations.tasks import back_up_if_due, forget_old_tasks
from operations.worker import running
from operations.worker.running import enqueue_due
from tests.factories.programs import ROOT
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 27, 12, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
YEAR = dt.timedelta(days=365)


@pytest.fixture(autouse=True)
def plan(monkeypatch: pytest.MonkeyPatch) -> Registry[TaskKind]:
    """A schedule with one task, which is due every hour."""
    registry: Registry[TaskKind] = Registry("kind of task")
    registries.remove(registry)
    registry.register(forget_old_tasks.module_path, planned(every(HOUR)))
    monkeypatch.setattr(running, "task_kinds", registry)
    return registry


def planned(schedule: NextTime, *, starts_at_once: bool = False) -> TaskKind:
    return TaskKind("Planned", schedule=schedule, starts_at_once=starts_at_once)


def enqueued(now: dt.datetime) -> int:
    """Enqueue the tasks that are due at this time, and return how many there are."""
    before = DBTaskResult.objects.count()
    enqueue_due(now)
    return DBTaskResult.objects.count() - before


class TestDueTimes:
    def test_a_task_is_enqueued_at_each_planned_time(self) -> None:
        assert [enqueued(NOW + minutes * HOUR / 60) for minutes in (0, 1, 59, 60, 61, 119, 120)] == [
            0,
            0,
            0,
            1,
            0,
            0,
            1,
        ]

    def test_a_task_is_enqueued_once_after_a_time_without_a_worker(self) -> None:
        enqueue_due(NOW)
        assert enqueued(NOW + 100 * HOUR) == 1
        assert enqueued(NOW + 100 * HOUR) == 0

    def test_a_task_is_enqueued_after_the_clock_was_set_back(self) -> None:
        enqueue_due(NOW + YEAR)
        assert enqueued(NOW) == 0
        assert enqueued(NOW + HOUR) == 1

    def test_a_task_is_enqueued_after_the_clock_was_ahead_for_a_while(self) -> None:
        enqueue_due(NOW)
        assert enqueued(NOW + YEAR) == 1
        assert enqueued(NOW + HOUR) == 0
        assert enqueued(NOW + 2 * HOUR) == 1

    def test_a_task_is_enqueued_earlier_if_the_plan_has_changed(self, plan: Registry[TaskKind]) -> None:
        plan.register(send_due_mail.module_path, planned(every(24 * HOUR)))
        enqueue_due(NOW)
        plan[send_due_mail.module_path] = planned(every(HOUR / 2))
        assert enqueued(NOW) == 0
        assert enqueued(NOW + HOUR / 2) == 1

    def test_a_task_can_begin_at_once_on_a_new_site(self, plan: Registry[TaskKind]) -> None:
        plan[forget_old_tasks.module_path] = planned(every(HOUR), starts_at_once=True)
        enqueue_due(NOW)
        assert [enqueued(NOW + minutes * HOUR / 60) for minutes in (1, 2, 60, 61, 62)] == [1, 0, 0, 1, 0]

    @override_settings(TIME_ZONE="Europe/Berlin")
    def test_daily_times_are_in_the_time_zone_of_the_site(self) -> None:
        with timezone.override(ZoneInfo("Europe/Berlin")):
            next_time = daily(4, 15)
            assert next_time(NOW) == dt.datetime(2026, 11, 28, 3, 15, tzinfo=dt.UTC)
            assert next_time(NOW.replace(hour=1)) == dt.datetime(2026, 11, 27, 3, 15, tzinfo=dt.UTC)
            # Days have 23 and 25 hours when the clocks change.
            for day in (dt.datetime(2026, 3, 28, 12, tzinfo=dt.UTC), dt.datetime(2026, 10, 24, 12, tzinfo=dt.UTC)):
                assert timezone.localtime(next_time(day)).strftime("%d %H:%M") in {"29 04:15", "25 04:15"}


class TestTasksThatDeleteOldData:
    """They don't trust a clock that was just set: what they delete can't be brought back."""

    @pytest.fixture(autouse=True)
    def deletes_old(self, plan: Registry[TaskKind]) -> None:
        plan[forget_old_tasks.module_path] = TaskKind("Planned", schedule=every(DAY), deletes_old=True)
        enqueue_due(NOW)

    def test_are_enqueued_at_each_planned_time(self) -> None:
        assert [enqueued(NOW + hours * HOUR) for hours in (1, 23, 24, 25, 47, 48)] == [0, 0, 1, 0, 0, 1]

    def test_are_enqueued_after_some_hours_without_a_worker(self) -> None:
        assert enqueued(NOW + 47 * HOUR) == 1

    def test_wait_for_two_days_when_they_are_late(self) -> None:
        later = NOW + 30 * DAY
        assert [enqueued(later + hours * HOUR) for hours in (0, 1, 47, 48, 49, 72)] == [0, 0, 0, 1, 0, 1]

    def test_are_not_enqueued_while_the_clock_is_ahead_for_a_day(self) -> None:
        ahead = NOW + YEAR
        assert [enqueued(ahead + hours * HOUR) for hours in (0, 1, 24)] == [0, 0, 0]
        right = NOW + 25 * HOUR
        assert [enqueued(right + hours * HOUR) for hours in (0, 1, 47, 48, 72)] == [0, 0, 0, 1, 1]

    def test_are_not_enqueued_while_the_clock_is_behind_for_a_day(self) -> None:
        behind = NOW - YEAR
        assert [enqueued(behind + hours * HOUR) for hours in (0, 1, 24)] == [0, 0, 0]
        right = NOW + 25 * HOUR
        assert [enqueued(right + hours * HOUR) for hours in (0, 1, 47, 48, 72)] == [0, 0, 0, 1, 1]

    def test_are_those_that_delete_what_people_could_still_need(self) -> None:
        assert {path for path, kind in task_kinds.items() if kind.deletes_old} == {
            "accounts.tasks.delete_old_audit_records",
            "blog.tasks.delete_old_autosaves",
            "comments.tasks.tidy_comments",
            "media.tasks.remove_expired_files",
            "readers.tasks.tidy_figures",
        }


class TestSeveralWorkers:
    @pytest.mark.django_db(transaction=True)
    def test_only_one_of_them_enqueues_a_task(self, at_once: AtOnce) -> None:
        enqueue_due(NOW)
        later = NOW + HOUR
        at_once(*[lambda: enqueue_due(later)] * 4)
        assert DBTaskResult.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_all_of_them_can_start_at_once_on_a_new_site(self, at_once: AtOnce) -> None:
        at_once(*[lambda: enqueue_due(NOW)] * 4)
        assert ScheduledTime.objects.count() == 1

    def test_a_worker_that_is_killed_while_it_enqueues_changes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        enqueue_due(NOW)
        before = ScheduledTime.objects.get().at

        def die(*args: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(type(forget_old_tasks), "enqueue", die)
            with pytest.raises(KeyboardInterrupt):
                enqueue_due(NOW + HOUR)
        assert ScheduledTime.objects.get().at == before
        assert enqueued(NOW + HOUR) == 1


def test_the_schedule_contains_every_recurring_task() -> None:
    assert {path for path, kind in task_kinds.items() if kind.schedule} == {
        "accounts.tasks.delete_expired_sessions",
        "accounts.tasks.delete_old_audit_records",
        "blog.tasks.delete_old_autosaves",
        "comments.tasks.send_mentions",
        "comments.tasks.tidy_comments",
        "mail.tasks.send_due_mail",
        "media.tasks.clean_due_documents",
        "media.tasks.make_due_renditions",
        "media.tasks.remove_expired_files",
        "newsletter.tasks.read_returns",
        "newsletter.tasks.tidy_newsletter",
        "operations.tasks.back_up_if_due",
        "operations.tasks.check_site",
        "operations.tasks.forget_deleted",
        "operations.tasks.forget_old_tasks",
        "operations.tasks.rewrite_database",
        "operations.withdrawals.tasks.do_upkeep",
        "readers.tasks.tidy_figures",
        "search.tasks.index_stale_entries",
        "wordpress.downloads.jobs.delete_old_exports",
        "wordpress.uploads.tasks.clean_up",
    }


def test_the_docs_say_when_each_daily_task_runs() -> None:
    text = (ROOT / "docs/running.md").read_text(encoding="utf-8")
    backups = back_up_if_due.module_path
    plans = [kind.schedule for path, kind in task_kinds.items() if kind.schedule and path != backups]
    # The next time of a task that runs at intervals depends on the current time, unlike that of a daily task.
    times = [timezone.localtime(plan(NOW)) for plan in plans if plan(NOW) == plan(NOW + HOUR / 60)]
    assert sorted(re.findall(r"\| daily at (\d\d:\d\d) \|", text)) == sorted(f"{time:%H:%M}" for time in times)
