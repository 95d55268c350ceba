"""The kinds of background tasks (`django.tasks`): what each is called, when it is due, what happens when it fails.

Decorate each task with its TaskKind. The worker (`manage.py worker`) retries a task that failed with an error that may
pass, or during which the worker was killed. So each task must be able to run twice, and to resume where it was killed.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db import InterfaceError, OperationalError
from django.tasks import Task
from django.utils import timezone
from django.utils.functional import Promise
from django_tasks_db.models import DBTaskResult

from core.registry import Registry

# Takes a time, and returns the first one after it at which a task is due.
type NextTime = Callable[[dt.datetime], dt.datetime]

# Errors that may pass on their own: of the network, of disks, of servers that are down or busy.
PASSING: Final = (OSError, OperationalError, InterfaceError)
DEFAULT_TIME: Final = dt.timedelta(minutes=10)


class WorkerStoppingError(BaseException):
    """The worker has to stop, and the running task has used up its grace period. It will run again.

    Not an Exception, so that error handlers don't catch it.
    """


@dataclass(frozen=True, slots=True)
class TaskKind:
    """What a kind of task is called in the admin, how often it is tried, and for how long. It decorates its task.

    A task is run at most `attempts` times, including those in which the worker was killed. It is retried only after
    errors in `retry_on`. If it takes longer than `time_limit` (None: no limit), it fails and the worker restarts. Kinds
    that may take longer than most are run in a process of their own, one at a time, so no others wait for them. Before
    a failed task is run again, `before_retry` is called with its arguments.

    A task with a `schedule` takes no arguments, and the worker enqueues it whenever it is due. It is enqueued once,
    however many workers there are, and once for all the times at which none was running. If it `starts_at_once`, it is
    also due on a new site. If it `deletes_old` data that can't be brought back, it must not trust a clock that has just
    been set: when it is more than a day late, it waits until a worker has run for two days.
    """

    label: str | Promise
    attempts: int = 6
    retry_on: tuple[type[Exception], ...] = PASSING
    time_limit: dt.timedelta | None = DEFAULT_TIME
    before_retry: Callable[..., object] | None = None
    schedule: NextTime | None = None
    starts_at_once: bool = False
    deletes_old: bool = False

    @property
    def is_long(self) -> bool:
        return self.time_limit is None or self.time_limit > DEFAULT_TIME

    def __call__[Decorated: Task[..., Any]](self, task: Decorated) -> Decorated:
        """Register the kind of this task."""
        task_kinds.register(task.module_path, self)
        return task


# By the path of the task.
task_kinds: Final[Registry[TaskKind]] = Registry("kind of task")


def enqueue_once(task: Task[[], Any]) -> None:
    """Enqueue this task unless it is waiting already."""
    if not DBTaskResult.objects.ready().filter(task_path=task.module_path).exists():
        task.enqueue()


def every(interval: dt.timedelta) -> NextTime:
    """Return a schedule on which a task is due at this interval."""
    return lambda now: now + interval


def daily(hour: int, minute: int) -> NextTime:
    """Return a schedule on which a task is due every day at this time, in the site's time zone."""

    def next_time(now: dt.datetime) -> dt.datetime:
        today = timezone.localtime(now).date()
        days = (today + dt.timedelta(days=count) for count in range(3))
        times = (dt.datetime.combine(day, dt.time(hour, minute), timezone.get_current_timezone()) for day in days)
        return next(time for time in times if time > now)

    return next_time
