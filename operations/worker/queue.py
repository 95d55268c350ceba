"""The queue of tasks: claiming one, storing how it ended, and putting back what a killed worker was doing.

Every step is one conditional UPDATE, so any number of workers can share the queue, and none holds a lock while it
works. A task belongs to the worker that claimed it until its result is stored: by `status`, and by `started_at`, which
differs each time. `worker_ids` has one entry for each attempt.
"""

import datetime as dt
import enum
import random
import traceback
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.tasks import TaskResultStatus
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from core.tasks import TaskKind, task_kinds
from operations.models import CLOCK_TOLERANCE, WorkerHeartbeat

type Row = DBTaskResult[Any, Any]

# Of tasks that this version does not know.
_UNKNOWN: Final = TaskKind("")
# The pause before the second attempt, by how much each is longer than the one before, and the longest.
_FIRST_PAUSE: Final = dt.timedelta(seconds=15)
_PAUSE_FACTOR: Final = 4
_LONGEST_PAUSE: Final = dt.timedelta(hours=1)
# Of this part of a pause, it is up to chance how much is added or taken away, so that not everything comes at once.
_JITTER: Final = 0.25
# How long results are kept.
_KEPT: Final = {TaskResultStatus.SUCCESSFUL: dt.timedelta(days=1), TaskResultStatus.FAILED: dt.timedelta(days=30)}


class KilledWorkerError(Exception):
    """The worker was killed in the middle of the task, each time that it was tried."""


class TimeLimitError(Exception):
    """The task took longer than tasks of its kind may take."""


def kind_of(task_path: str) -> TaskKind:
    """Return what is known about tasks with this path."""
    return task_kinds.get(task_path, _UNKNOWN)


class Share(enum.Enum):
    """Which tasks a worker does."""

    ALL = enum.auto()
    # Those that may take longer than most (TaskKind.is_long), and all others.
    LONG = enum.auto()
    SHORT = enum.auto()


def is_due(share: Share) -> bool:
    """Whether there is a task to do."""
    return _ready(share).exists()


def claim(worker: str, share: Share = Share.ALL) -> Row | None:
    """Take the next task that is due for the worker of this name; None if there is none."""
    while row := _ready(share).first():
        unchanged = DBTaskResult.objects.filter(pk=row.pk, status=TaskResultStatus.READY, run_after=row.run_after)
        now, workers = timezone.now(), [*row.worker_ids, worker]
        if unchanged.update(status=TaskResultStatus.RUNNING, started_at=now, worker_ids=workers):
            row.status, row.started_at, row.worker_ids = TaskResultStatus.RUNNING, now, workers
            return row
        # Another worker was quicker.
    return None


def succeed(row: Row) -> None:
    """Store that the task has done its work. That it failed before no longer matters."""
    _finish(row, TaskResultStatus.SUCCESSFUL, exception_class_path="", traceback="")
    failed_tasks(row.task_path).filter(args_kwargs=row.args_kwargs).delete()


def fail(row: Row, error: BaseException) -> None:
    """Store that the task has failed for good.

    Where it failed is stored, but not the message of the error, in which there can be anything.
    """
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    frames = "".join(traceback.format_tb(error.__traceback__))
    _finish(row, TaskResultStatus.FAILED, exception_class_path=name, traceback=f"{frames}{name}")


def is_worth_another_attempt(row: Row, error: BaseException) -> bool:
    """Whether the task may succeed when it is run again."""
    kind = kind_of(row.task_path)
    return isinstance(error, kind.retry_on) and len(row.worker_ids) < kind.attempts


def retry_later(row: Row) -> dt.timedelta:
    """Have the task run again after a pause, which is longer each time. Return it."""
    prepare_retry(row)
    pause = _pause(len(row.worker_ids))
    _owned(row).update(status=TaskResultStatus.READY, run_after=timezone.now() + pause)
    return pause


def prepare_retry(row: Row) -> None:
    """Undo what a task that failed has noted elsewhere about its failure."""
    if prepare := kind_of(row.task_path).before_retry:
        prepare(*row.args_kwargs["args"], **row.args_kwargs["kwargs"])


def give_back(row: Row) -> None:
    """Have the next worker run the task, because this one has to stop. It doesn't count as an attempt."""
    _owned(row).update(status=TaskResultStatus.READY, run_after=timezone.now(), worker_ids=row.worker_ids[:-1])


def recover(worker: str) -> int:
    """Put back the tasks of workers that were killed, and return how many. The worker of this name is running none.

    After too many attempts, such a task fails.
    """
    now = timezone.now()
    # What was enqueued or tried in the future was so before the clock was set back, and would wait for as long.
    future = now + CLOCK_TOLERANCE
    early = DBTaskResult.objects.filter(Q(enqueued_at__gt=future) | Q(started_at__gt=future))
    early.filter(status=TaskResultStatus.READY).update(enqueued_at=now, started_at=None, run_after=now)
    running = list(DBTaskResult.objects.running())
    if not running:
        return 0
    alive = set(WorkerHeartbeat.objects.alive().exclude(name=worker).values_list("name", flat=True))
    dead = [row for row in running if not row.worker_ids or row.worker_ids[-1] not in alive]
    for row in dead:
        if len(row.worker_ids) < kind_of(row.task_path).attempts:
            _owned(row).update(status=TaskResultStatus.READY, run_after=now)
        else:
            fail(row, KilledWorkerError())
    return len(dead)


def delete_old_results() -> None:
    """Delete the results of tasks that have ended long ago."""
    now = timezone.now()
    old = Q()
    for status, kept in _KEPT.items():
        old |= Q(status=status, finished_at__lt=now - kept)
    # What has ended in the future has done so before the clock was set back.
    ended = Q(status__in=list(_KEPT), finished_at__gt=now + CLOCK_TOLERANCE)
    DBTaskResult.objects.filter(ended).update(finished_at=now)
    DBTaskResult.objects.filter(old).delete()


def failed_tasks(task_path: str) -> QuerySet[Row]:
    """Return the failed tasks with this path."""
    return DBTaskResult.objects.failed().filter(task_path=task_path)


def _ready(share: Share) -> QuerySet[Row]:
    """Return the tasks that are due, in their order."""
    ready = DBTaskResult.objects.ready()
    if share is Share.ALL:
        return ready
    is_long = Q(task_path__in=[path for path, kind in task_kinds.items() if kind.is_long])
    return ready.filter(is_long if share is Share.LONG else ~is_long)


def _owned(row: Row) -> QuerySet[Row]:
    """Return the row, unless it is no longer of the attempt that `row` is about."""
    return DBTaskResult.objects.filter(pk=row.pk, status=TaskResultStatus.RUNNING, started_at=row.started_at)


def _finish(row: Row, status: TaskResultStatus, **values: str) -> None:
    row.status, row.finished_at = status, timezone.now()
    row.exception_class_path, row.traceback = values["exception_class_path"], values["traceback"]
    _owned(row).update(status=status, finished_at=row.finished_at, **values)


def _pause(attempts: int) -> dt.timedelta:
    pause: dt.timedelta = min(_FIRST_PAUSE * _PAUSE_FACTOR ** min(attempts - 1, 10), _LONGEST_PAUSE)
    return pause * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # chance needs no secrecy
