"""A worker runs long tasks in a separate process, so that no other task waits for them."""

import datetime as dt
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from comments.tasks import tidy_comments
from core.tasks import DEFAULT_TIME, TaskKind, task_kinds
from operations.models import WorkerHeartbeat
from operations.tasks import forget_old_tasks
from operations.worker import long_tasks, queue
from operations.worker.long_tasks import LongTasks
from operations.worker.queue import Share
from operations.worker.running import Worker
from tests.factories.made_once import CopyDatabase
from tests.factories.programs import run

pytestmark = pytest.mark.django_db

# The program that replaces the worker in tests: it sleeps until it is stopped.
SLEEPING = [sys.executable, "-c", "import signal; signal.pause()"]
MIGRATE_AND_WORK = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django_tasks_db.models import DBTaskResult
from comments.tasks import tidy_comments
from operations.tasks import forget_old_tasks
DBTaskResult.objects.all().delete()
ids = [task.enqueue().id for task in (tidy_comments, forget_old_tasks)]
call_command("worker", "--once", verbosity=0)
# If this takes more than a minute, the worker has also run scheduled tasks.
for row in DBTaskResult.objects.filter(pk__in=ids).order_by("task_path"):
    print(row.status, *row.worker_ids)
from operations.models import WorkerHeartbeat
print(*WorkerHeartbeat.objects.values_list("name", flat=True))
"""
STARTED_AND_KILLED = f"""
import django, os
django.setup()
from operations.worker import long_tasks, queue
long_tasks._program = lambda: {SLEEPING!r}
queue.is_due = lambda share: True
long = long_tasks.LongTasks([])
long.start_if_due()
print(long._process.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_kinds_with_a_longer_time_limit_are_long() -> None:
    assert not TaskKind("x").is_long
    assert TaskKind("x", time_limit=None).is_long
    assert TaskKind("x", time_limit=DEFAULT_TIME + dt.timedelta(seconds=1)).is_long
    long = {path.rpartition(".")[2] for path, kind in task_kinds.items() if kind.is_long}
    assert {"run_job", "run_export", "back_up_if_due", "do_upkeep"} <= long
    assert not {"send_due_mail", "send_password_link", "make_due_renditions", "continue_withdrawal"} & long


class TestShares:
    def test_each_task_belongs_to_one_share(self) -> None:
        tidy_comments.enqueue()
        forget_old_tasks.enqueue()
        DBTaskResult.objects.create(task_path="of.another.version", args_kwargs={"args": [], "kwargs": {}})
        claimed: dict[Share, list[str]] = {share: [] for share in (Share.LONG, Share.SHORT)}
        for share, rows in claimed.items():
            while row := queue.claim("a", share):
                rows.append(row.task_path.rpartition(".")[2])
            assert not queue.is_due(share)
        assert claimed[Share.LONG] == ["tidy_comments"]
        assert sorted(claimed[Share.SHORT]) == ["forget_old_tasks", "version"]

    def test_a_single_worker_runs_both(self) -> None:
        tidy_comments.enqueue()
        Worker(name="a").drain()
        assert DBTaskResult.objects.successful().count() == 1


def test_the_command_runs_long_and_short_tasks_at_the_same_time(
    own_database: dict[str, str], tmp_path: Path, copy_database: CopyDatabase
) -> None:
    # On PostgreSQL, the program migrates its own database.
    copy_database(tmp_path / "data")
    result = run(tmp_path / "data", MIGRATE_AND_WORK, SECRET_KEY="x", **own_database)
    assert result.returncode == 0, result.stderr
    (long, its_worker), (short, other), alive = (line.split() for line in result.stdout.splitlines())
    assert (long, short) == ("SUCCESSFUL", "SUCCESSFUL")
    assert its_worker != other
    # The process for long tasks has ended, and its heartbeat is deleted.
    assert alive == [other]


class TestProcess:
    @pytest.fixture
    def long(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[LongTasks]:
        monkeypatch.setattr(long_tasks, "_program", lambda: SLEEPING)
        long = LongTasks([])
        yield long
        if long._process:
            long._process.kill()
            long._process.wait()

    def pid(self, long: LongTasks) -> int:
        assert long._process
        return long._process.pid

    def end(self, long: LongTasks, number: signal.Signals) -> None:
        os.kill(self.pid(long), number)
        long.wait()

    def test_runs_only_if_a_long_task_is_due(self, long: LongTasks) -> None:
        forget_old_tasks.enqueue()
        long.start_if_due()
        assert not long.is_running
        tidy_comments.enqueue()
        long.start_if_due()
        assert long.is_running

    def test_is_started_only_once(self, long: LongTasks) -> None:
        tidy_comments.enqueue()
        long.start_if_due()
        pid = self.pid(long)
        long.start_if_due()
        assert self.pid(long) == pid
        assert not long.has_failed()

    def test_its_task_is_requeued_at_once_when_it_is_killed(self, long: LongTasks) -> None:
        tidy_comments.enqueue()
        long.start_if_due()
        WorkerHeartbeat.beat(long._name)
        queue.claim(long._name, Share.LONG)
        assert queue.recover("parent") == 0
        self.end(long, signal.SIGKILL)
        assert long.has_failed()
        assert queue.recover("parent") == 1
        assert DBTaskResult.objects.get().status == TaskResultStatus.READY
        # It isn't restarted at once, in case the task kills every process.
        long.start_if_due()
        assert not long.is_running

    def test_is_restarted_after_a_pause(self, long: LongTasks, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(long_tasks, "_PAUSE", 0)
        tidy_comments.enqueue()
        for _ in range(2):
            long.start_if_due()
            self.end(long, signal.SIGKILL)
            assert long.has_failed()

    def test_failing_to_start_does_no_harm(self, long: LongTasks, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(long_tasks, "_program", lambda: ["/does/not/exist"])
        tidy_comments.enqueue()
        long.start_if_due()
        assert not long.is_running
        assert not long.has_failed()

    def test_stops_with_its_worker(self, long: LongTasks) -> None:
        tidy_comments.enqueue()
        long.start_if_due()
        long.stop()
        long.wait()
        assert long.has_failed() is True
        long.start_if_due()
        assert not long.is_running

    @pytest.mark.usefixtures("transactional_db", "worker_signals")
    def test_its_worker_passes_on_the_signal_and_waits(self, long: LongTasks, monkeypatch: pytest.MonkeyPatch) -> None:
        tidy_comments.enqueue()
        statuses = []

        def has_failed() -> bool:
            statuses.append(long._process and long._process.poll())
            return False

        monkeypatch.setattr(long, "has_failed", has_failed)
        monkeypatch.setattr(time, "sleep", lambda seconds: signal.raise_signal(signal.SIGTERM))
        Worker(share=Share.SHORT, long_tasks=long).run()
        assert statuses == [None, -signal.SIGTERM]

    def test_ends_when_its_worker_is_killed(self, tmp_path: Path) -> None:
        result = run(tmp_path, STARTED_AND_KILLED, SECRET_KEY="x")
        assert result.returncode == -signal.SIGKILL, result.stderr
        pid = int(result.stdout)
        deadline = time.monotonic() + 60
        while is_alive(pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)
