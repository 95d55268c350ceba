"""The queue of tasks: claiming a task, storing its result, and putting back those of killed workers.

Every step is one conditional UPDATE, so any number of workers can share the queue, and none holds a lock while it
works. A task belongs to the worker that claimed it until its result is stored: the conditions are `status` and
`started_at`, which differs for each attempt. `worker_ids` has one entry for each attempt.
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

from core.clock import CLOCK_TOLERANCE
from core.tasks import TaskKind, task_kinds
from operations.models import WorkerHeartbeat

type Row = DBTaskResult[Any, Any]

# The kind of tasks that this version does not know.
_UNKNOWN: Final = TaskKind("")
# The pause before the second attempt, the factor by which it grows, and its maximum.
_FIRST_PAUSE: Final = dt.timedelta(seconds=15)
_PAUSE_FACTOR: Final = 4
_LONGEST_PAUSE: Final = dt.timedelta(hours=1)
# Up to this fraction of a pause is added or subtracted at random, so that not everything is retried at once.
_JITTER: Final = 0.25
# How long results are kept.
_KEPT: Final = {TaskResultStatus.SUCCESSFUL: dt.timedelta(days=1), TaskResultStatus.FAILED: dt.timedelta(days=30)}


class KilledWorkerError(Exception):
    """The worker was killed in the middle of the task, on every attempt."""


class TimeLimitError(Exception):
    """The task took longer than tasks of its kind may take."""


def kind_of(task_path: str) -> TaskKind:
    """Return the kind of the tasks with this path."""
    return task_kinds.get(task_path, _UNKNOWN)


class Share(enum.Enum):
    """Which tasks a worker runs."""

    ALL = enum.auto()
    # Tasks that may take a long time (TaskKind.is_long), and all others.
    LONG = enum.auto()
    SHORT = enum.auto()


def is_due(share: Share) -> bool:
    """Whether a task is due."""
    return _ready(share).exists()


def claim(worker: str, share: Share = Share.ALL) -> Row | None:
    """Claim the next task that is due for the worker of this name; return None if there is none."""
    while row := _ready(share).first():
        unchanged = DBTaskResult.objects.filter(pk=row.pk, status=TaskResultStatus.READY, run_after=row.run_after)
        now, workers = timezone.now(), [*row.worker_ids, worker]
        if unchanged.update(status=TaskResultStatus.RUNNING, started_at=now, worker_ids=workers):
            row.status, row.started_at, row.worker_ids = TaskResultStatus.RUNNING, now, workers
            return row
        # Another worker was faster.
    return None


def succeed(row: Row) -> None:
    """Store that the task has succeeded, and delete its earlier failures."""
    _finish(row, TaskResultStatus.SUCCESSFUL, exception_class_path="", traceback="")
    failed_tasks(row.task_path).filter(args_kwargs=row.args_kwargs).delete()


def fail(row: Row, error: BaseException) -> None:
    """Store that the task has failed for good.

    The location of the failure is stored, but not the error message, which could contain anything.
    """
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    frames = "".join(traceback.format_tb(error.__traceback__))
    _finish(row, TaskResultStatus.FAILED, exception_class_path=name, traceback=f"{frames}{name}")


def is_worth_another_attempt(row: Row, error: BaseException) -> bool:
    """Whether the task may succeed if it is run again."""
    kind = kind_of(row.task_path)
    return isinstance(error, kind.retry_on) and len(row.worker_ids) < kind.attempts


def retry_later(row: Row) -> dt.timedelta:
    """Have the task run again after a pause, which grows each time. Return the pause."""
    prepare_retry(row)
    pause = _pause(len(row.worker_ids))
    _owned(row).update(status=TaskResultStatus.READY, run_after=timezone.now() + pause)
    return pause


def prepare_retry(row: Row) -> None:
    """Undo what a failed task has recorded elsewhere about its failure."""
    if prepare := kind_of(row.task_path).before_retry:
        prepare(*row.args_kwargs["args"], **row.args_kwargs["kwargs"])


def give_back(row: Row) -> None:
    """Have the next worker run the task, because this one has to stop. It doesn't count as an attempt."""
    _owned(row).update(status=TaskResultStatus.READY, run_after=timezone.now(), worker_ids=row.worker_ids[:-1])


def recover(worker: str) -> int:
    """Put back the tasks of killed workers, and return how many. `worker` is the caller, which is running none.

    After too many attempts, such a task fails.
    """
    now = timezone.now()
    # Tasks with times in the future were enqueued or run before the clock was set back, and would wait that long.
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
    """Delete the results of tasks that ended long ago."""
    now = timezone.now()
    old = Q()
    for status, kept in _KEPT.items():
        old |= Q(status=status, finished_at__lt=now - kept)
    # Tasks that ended in the future did so before the clock was set back.
    ended = Q(status__in=list(_KEPT), finished_at__gt=now + CLOCK_TOLERANCE)
    DBTaskResult.objects.filter(ended).update(finished_at=now)
    DBTaskResult.objects.filter(old).delete()


def failed_tasks(task_path: str) -> QuerySet[Row]:
    """Return the failed tasks with this path."""
    return DBTaskResult.objects.failed().filter(task_path=task_path)


def _ready(share: Share) -> QuerySet[Row]:
    """Return the tasks that are due, in order."""
    ready = DBTaskResult.objects.ready()
    if share is Share.ALL:
        return ready
    is_long = Q(task_path__in=[path for path, kind in task_kinds.items() if kind.is_long])
    return ready.filter(is_long if share is Share.LONG else ~is_long)


def _owned(row: Row) -> QuerySet[Row]:
    """Return the stored row if it still belongs to the same attempt as `row`."""
    return DBTaskResult.objects.filter(pk=row.pk, status=TaskResultStatus.RUNNING, started_at=row.started_at)


def _finish(row: Row, status: TaskResultStatus, **values: str) -> None:
    row.status, row.finished_at = status, timezone.now()
    row.exception_class_path, row.traceback = values["exception_class_path"], values["traceback"]
    _owned(row).update(status=status, finished_at=row.finished_at, **values)


def _pause(attempts: int) -> dt.timedelta:
    pause: dt.timedelta = min(_FIRST_PAUSE * _PAUSE_FACTOR ** min(attempts - 1, 10), _LONGEST_PAUSE)
    return pause * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # not a secret
