"""The worker runs tasks, retries those that may succeed, and stops on request."""

import datetime as dt
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.tasks import Task, TaskResultStatus, task
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from accounts.models import User
from core.tasks import TaskKind, WorkerStoppingError, task_kinds
from core.updating import closed
from operations.models import WorkerHeartbeat
from operations.tasks import forget_old_tasks
from operations.worker import heartbeat, queue
from operations.worker.heartbeat import Heartbeat
from operations.worker.running import Worker
from tests.factories.types import AtOnce, Work

pytestmark = pytest.mark.django_db

APPS = {"accounts", "mail", "media", "blog", "tags", "comments", "search", "wordpress", "operations"}

# The action of the task in these tests, and the arguments of its calls.
act: Callable[..., object] = print
calls: list[object] = []


@task()
def planned(argument: object = None) -> None:
    calls.append(argument)
    act()


@pytest.fixture(autouse=True)
def _planned() -> Iterator[None]:
    globals()["act"] = lambda: None
    calls.clear()
    task_kinds.register(planned.module_path, TaskKind("Planned", attempts=3))
    yield
    del task_kinds[planned.module_path]


def do(action: Callable[[], object]) -> None:
    globals()["act"] = action


def fail_with(error: BaseException) -> None:
    def fail() -> None:
        raise error

    do(fail)


def only_row() -> Any:
    return DBTaskResult.objects.get(task_path=planned.module_path)


def running(worker: str, *, attempts: int = 1) -> Any:
    """Return a task that the worker with this name is running."""
    planned.enqueue()
    rows = DBTaskResult.objects.filter(task_path=planned.module_path)
    rows.update(status=TaskResultStatus.RUNNING, started_at=timezone.now(), worker_ids=[worker] * attempts)
    return rows.get()


def beat(name: str, ago: dt.timedelta = dt.timedelta()) -> None:
    WorkerHeartbeat.objects.update_or_create(name=name, defaults={"at": timezone.now() - ago})


class TestEachTask:
    def test_has_a_kind(self) -> None:
        """A task without a kind has no name in the admin."""
        modules = [module for name, module in sys.modules.items() if name.partition(".")[0] in APPS]
        tasks = {value.module_path for module in modules for value in vars(module).values() if isinstance(value, Task)}
        assert len(tasks) > 10
        assert tasks <= set(task_kinds)


class TestRunning:
    def test_runs_due_tasks_in_order(self, work: Work) -> None:
        planned.using(run_after=timezone.now() + dt.timedelta(hours=1)).enqueue("later")
        planned.enqueue("first")
        planned.using(priority=5).enqueue("urgent")
        work()
        assert calls == ["urgent", "first"]

    def test_two_workers_never_run_the_same_task(self, transactional_db: None, at_once: AtOnce) -> None:
        for number in range(10):
            planned.enqueue(number)
        at_once(Worker(name="a").drain, Worker(name="b").drain)
        assert sorted(calls) == list(range(10))  # type: ignore[type-var]  # numbers
        assert DBTaskResult.objects.successful().count() == 10

    def test_checking_for_tasks_takes_no_locks(self) -> None:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert queue.claim("a") is None
        assert [query["sql"].split()[0] for query in queries] == ["SELECT"]

    def test_a_task_of_another_version_fails(self, work: Work) -> None:
        for path in ("media.tasks.no_longer_there", "no_such_app.tasks.x", "media.tasks.trash"):
            planned.enqueue()
            DBTaskResult.objects.filter(task_path=planned.module_path).update(task_path=path)
        work()
        assert DBTaskResult.objects.failed().count() == 3


class TestFailures:
    def test_tasks_with_temporary_errors_are_retried_later(self, work: Work) -> None:
        pauses = []
        planned.enqueue()
        fail_with(OSError("No space left on device"))
        for _ in range(3):
            work()
            pauses.append((only_row().run_after - timezone.now()).total_seconds())
            DBTaskResult.objects.update(run_after=timezone.now())
        assert len(calls) == 3
        assert only_row().status == TaskResultStatus.FAILED
        # Pauses vary by a quarter, so that tasks aren't all retried at once.
        assert 11 <= pauses[0] <= 19
        assert 44 <= pauses[1] <= 75
        assert {queue._pause(20) > dt.timedelta(minutes=44) for _ in range(9)} == {True}
        assert len({queue._pause(1) for _ in range(9)}) > 1

    def test_pauses_are_limited(self) -> None:
        assert queue._pause(1_000) <= dt.timedelta(minutes=75)

    @pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), KeyboardInterrupt(), MemoryError()])
    def test_tasks_with_other_errors_fail_at_once_and_the_next_ones_run(self, work: Work, error: BaseException) -> None:
        planned.enqueue()
        forget_old_tasks.enqueue()
        fail_with(error)
        work()
        assert only_row().status == TaskResultStatus.FAILED
        assert DBTaskResult.objects.successful().count() == 1

    def test_the_error_message_is_not_stored(self, work: Work) -> None:
        planned.enqueue()
        fail_with(ValueError("ann@example.org"))
        work()
        assert only_row().exception_class_path == "builtins.ValueError"
        assert "in planned" in only_row().traceback
        assert "ann@" not in only_row().traceback

    def test_a_success_clears_earlier_failures_with_the_same_arguments(self, work: Work) -> None:
        planned.enqueue("a")
        planned.enqueue("b")
        fail_with(ValueError())
        work()
        do(lambda: None)
        planned.enqueue("a")
        work()
        assert [row.args_kwargs["args"] for row in DBTaskResult.objects.failed()] == [["b"]]

    def test_results_are_stored_when_the_database_is_back(
        self, work: Work, transactional_db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        planned.enqueue()
        succeed, attempts = queue.succeed, []

        def stumble(row: Any) -> None:
            attempts.append(row)
            if len(attempts) < 3:
                raise OperationalError
            succeed(row)

        monkeypatch.setattr(queue, "succeed", stumble)
        monkeypatch.setattr(time, "sleep", lambda seconds: None)
        work()
        assert only_row().status == TaskResultStatus.SUCCESSFUL

    def test_old_results_are_deleted(self, work: Work) -> None:
        now = timezone.now()
        for status, days in (("SUCCESSFUL", 2), ("FAILED", 2), ("FAILED", 31), ("SUCCESSFUL", -400)):
            planned.enqueue()
            rows = DBTaskResult.objects.filter(task_path=planned.module_path, status="READY")
            rows.update(status=status, finished_at=now - dt.timedelta(days=days))
        beat("long gone", dt.timedelta(days=2))
        forget_old_tasks.enqueue()
        work()
        kept = DBTaskResult.objects.filter(task_path=planned.module_path).order_by("finished_at")
        assert [row.status for row in kept] == ["FAILED", "SUCCESSFUL"]
        # The result dated in the future has been corrected, because the clock must have been set back.
        assert all(row.finished_at <= timezone.now() for row in kept)
        assert not WorkerHeartbeat.objects.exists()


class TestKilledWorkers:
    def test_their_tasks_are_run_again(self, work: Work) -> None:
        running("killed")
        beat("killed", dt.timedelta(minutes=3))
        assert queue.recover("b") == 1
        work()
        assert calls == [None]
        assert only_row().worker_ids == ["killed", "tests"]

    def test_live_workers_keep_their_tasks(self) -> None:
        running("busy")
        beat("busy", dt.timedelta(minutes=1))
        assert queue.recover("b") == 0
        assert only_row().status == TaskResultStatus.RUNNING

    def test_a_worker_recovers_its_own_unfinished_task(self) -> None:
        running("a")
        beat("a")
        assert queue.recover("a") == 1

    def test_a_task_that_kills_every_worker_fails(self) -> None:
        running("killed", attempts=3)
        assert queue.recover("b") == 1
        assert only_row().exception_class_path.endswith("KilledWorkerError")

    def test_the_result_of_a_worker_presumed_dead_does_not_count(self) -> None:
        row = running("asleep")
        queue.recover("b")
        again = queue.claim("b")
        assert again is not None
        queue.succeed(row)
        assert only_row().status == TaskResultStatus.RUNNING
        queue.succeed(again)
        assert only_row().status == TaskResultStatus.SUCCESSFUL

    def test_no_task_waits_for_a_clock_that_was_set_back(self, work: Work) -> None:
        year = dt.timedelta(days=365)
        planned.using(run_after=timezone.now() + year).enqueue()
        running_row = planned.enqueue()
        DBTaskResult.objects.update(enqueued_at=timezone.now() + year)
        DBTaskResult.objects.filter(pk=running_row.id).update(status="RUNNING", worker_ids=["killed"])
        beat("killed", -year)
        retried = planned.enqueue()
        DBTaskResult.objects.filter(pk=retried.id).update(
            started_at=timezone.now() + year, run_after=timezone.now() + year, worker_ids=["killed"]
        )
        queue.recover("b")
        work()
        assert calls == [None, None, None]

    @pytest.mark.parametrize("jump", [dt.timedelta(hours=1), dt.timedelta(hours=-1)])
    def test_other_workers_are_not_presumed_dead_when_the_clock_jumps(
        self, transactional_db: None, monkeypatch: pytest.MonkeyPatch, jump: dt.timedelta
    ) -> None:
        """After a machine has slept, for example, the other workers have had no time to send a heartbeat."""
        worker, now = Worker(), timezone.now
        running("busy")
        beat("busy")
        with monkeypatch.context() as context:
            context.setattr(timezone, "now", lambda: now() + jump)
            worker.run(once=True)
            assert only_row().status == TaskResultStatus.RUNNING
            assert queue.recover("b") == 1


class TestHeartbeat:
    def test_is_the_latest_of_all_workers(self) -> None:
        assert WorkerHeartbeat.objects.latest_at() is None
        beat("a", dt.timedelta(minutes=5))
        beat("b", dt.timedelta(minutes=1))
        latest = WorkerHeartbeat.objects.latest_at()
        assert latest == WorkerHeartbeat.objects.get(name="b").at
        assert [worker.name for worker in WorkerHeartbeat.objects.alive()] == ["b"]

    def test_is_ignored_if_dated_in_the_future(self) -> None:
        beat("a", -dt.timedelta(days=365))
        assert WorkerHeartbeat.objects.latest_at() is None
        assert not WorkerHeartbeat.objects.alive().exists()

    def test_a_worker_has_one_row(self) -> None:
        WorkerHeartbeat.beat("a")
        with CaptureQueriesContext(connection) as queries:
            WorkerHeartbeat.beat("a")
        assert WorkerHeartbeat.objects.count() == 1
        assert sum(query["sql"].startswith("UPDATE") for query in queries) == 1

    def test_continues_during_a_long_task(self, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(heartbeat, "_INTERVAL", 0)
        monkeypatch.setattr(heartbeat, "_TICK", 0.01)
        thread = Heartbeat("a")
        thread.start()
        first = WorkerHeartbeat.objects.get().at
        for _ in range(3_000):
            if WorkerHeartbeat.objects.get().at > first:
                break
            time.sleep(0.01)
        thread.end()
        assert WorkerHeartbeat.objects.get().at > first


class TestTimeLimit:
    @pytest.fixture
    def ended(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """The exit statuses of the worker, which doesn't really exit."""
        ended: list[int] = []
        monkeypatch.setattr(os, "_exit", ended.append)
        monkeypatch.setattr(logging, "shutdown", lambda: None)
        return ended

    def test_a_task_that_hangs_fails_and_ends_the_worker(self, ended: list[int]) -> None:
        task_kinds[planned.module_path] = TaskKind("Planned", time_limit=dt.timedelta(seconds=-1))
        row, watching = running("a"), Heartbeat("a")
        watching.watch(row)
        watching._check_limits()
        assert ended == [1]
        assert only_row().exception_class_path.endswith("TimeLimitError")

    def test_a_task_may_have_no_time_limit(self, ended: list[int]) -> None:
        task_kinds[planned.module_path] = TaskKind("Planned", time_limit=None)
        watching = Heartbeat("a")
        watching.watch(running("a"))
        watching._check_limits()
        assert ended == []

    def test_a_task_that_does_not_stop_is_requeued(self, ended: list[int]) -> None:
        watching = Heartbeat("a")
        watching.watch(running("a"))
        watching.stop_by = 1.0
        watching._check_limits()
        assert ended == [1]
        assert (only_row().status, only_row().worker_ids) == (TaskResultStatus.READY, [])


@pytest.mark.usefixtures("transactional_db", "worker_signals")
class TestStopping:
    def test_the_running_task_can_finish(self) -> None:
        do(lambda: signal.raise_signal(signal.SIGTERM))
        planned.enqueue("a")
        planned.enqueue("b")
        Worker().run()
        assert calls == ["a"]
        assert set(DBTaskResult.objects.values_list("status", flat=True)) == {"SUCCESSFUL", "READY"}

    def test_a_task_that_takes_too_long_is_requeued(self) -> None:
        def stop() -> None:
            signal.raise_signal(signal.SIGTERM)
            time.sleep(60)

        do(stop)
        planned.enqueue()
        Worker(stop_after=0).run()
        assert (only_row().status, only_row().worker_ids) == (TaskResultStatus.READY, [])

    def test_the_second_signal_interrupts_at_once(self) -> None:
        def stop() -> None:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            raise AssertionError

        do(stop)
        planned.enqueue()
        Worker().run()
        assert (only_row().status, only_row().worker_ids) == (TaskResultStatus.READY, [])

    def test_with_once_the_worker_ends_when_nothing_is_due(self) -> None:
        planned.enqueue()
        Worker().run(once=True)
        assert calls == [None]

    def test_the_worker_waits_for_the_database(self, monkeypatch: pytest.MonkeyPatch) -> None:
        attempts = []

        def stumble() -> bool:
            attempts.append(1)
            if len(attempts) < 3:
                raise OperationalError
            return False

        worker = Worker()
        monkeypatch.setattr(worker, "_work", stumble)
        monkeypatch.setattr("operations.worker.running._INTERVAL", 0.001)
        monkeypatch.setattr("operations.worker.running._LONGEST_WAIT", 0.001)
        worker.run(once=True)
        assert len(attempts) == 3


def test_an_interrupted_task_is_rolled_back(work: Work) -> None:
    def write_and_stop() -> None:
        with transaction.atomic():
            User.objects.create_user("unfinished")
            raise WorkerStoppingError

    do(write_and_stop)
    planned.enqueue()
    # Run only this task: a worker that isn't really stopping would claim the requeued task again.
    Worker(name="a")._run_next()
    assert only_row().status == TaskResultStatus.READY
    assert not User.objects.filter(username="unfinished").exists()


class TestUpgrades:
    @pytest.fixture(autouse=True)
    def _folder(self, settings: Settings, tmp_path: Path) -> None:
        settings.DATA_DIR = tmp_path

    def test_the_worker_starts_no_task_during_an_upgrade(self, monkeypatch: pytest.MonkeyPatch) -> None:
        planned.enqueue()
        worker = Worker(name="a")
        # Run only this task, on the connection of the test.
        worker._next_round = float("inf")
        monkeypatch.setattr("operations.worker.running.close_old_connections", lambda: None)
        with closed("token", 0):
            assert not worker._work()
            assert not calls
        assert worker._work()
        assert calls

    def test_an_upgrade_interrupts_the_running_task_and_waits_for_it(self) -> None:
        interrupted: list[str] = []
        watching = Heartbeat("a", interrupt=lambda: interrupted.append("task"))
        with closed("token", 0):
            watching._check_limits()
            assert not interrupted
            watching.watch(running("a"))
            watching._check_limits()
        assert interrupted == ["task"]
        watching._check_limits()
        assert interrupted == ["task"]

    def test_the_next_task_runs_after_an_interruption(self) -> None:
        worker = Worker(name="a")
        do(lambda: worker._interrupt(signal.SIGALRM, None))
        planned.enqueue()
        worker._run_next()
        assert only_row().status == TaskResultStatus.READY
        do(lambda: None)
        worker._run_next()
        assert only_row().status == TaskResultStatus.SUCCESSFUL
