"""What is known about each kind of background task (`django.tasks`): what it is called, and what happens when it fails.

Decorate each task with `task_kind`. The worker (`manage.py worker`) runs it again if it fails with an error that may
pass, and if the worker was killed meanwhile. So each must be able to run twice, and to begin where it was killed.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db import InterfaceError, OperationalError
from django.tasks import Task
from django.utils.functional import Promise

from core.registry import Registry

# Errors that may pass by themselves: of the network, of disks, of servers that are down or busy.
PASSING: Final = (OSError, OperationalError, InterfaceError)
DEFAULT_ATTEMPTS: Final = 6
DEFAULT_TIME: Final = dt.timedelta(minutes=10)


class WorkerStoppingError(BaseException):
    """The worker has to stop, and the running task has had the time that it may take to end. It will run again.

    Not an Exception, so that what handles errors does not mistake it for one.
    """


@dataclass(frozen=True, slots=True)
class TaskKind:
    """How a kind of task is called in the admin, and how often and how long it is tried.

    It is run at most `attempts` times; those in which the worker was killed count. Only errors in `retry_on` are worth
    another attempt. A task that takes longer than `time_limit` fails, and the worker starts anew. None: no limit. Kinds
    that may take longer than most are run in a process of their own, one at a time, and no others wait for them.
    Before a task that has failed is run again, `before_retry` is called with its arguments.
    """

    label: str | Promise
    attempts: int = DEFAULT_ATTEMPTS
    retry_on: tuple[type[Exception], ...] = PASSING
    time_limit: dt.timedelta | None = DEFAULT_TIME
    before_retry: Callable[..., object] | None = None

    @property
    def is_long(self) -> bool:
        return self.time_limit is None or self.time_limit > DEFAULT_TIME


# By the path of the task.
task_kinds: Final[Registry[TaskKind]] = Registry("kind of task")


def task_kind[Kind: Task[..., Any]](
    label: str | Promise,
    *,
    attempts: int = DEFAULT_ATTEMPTS,
    retry_on: tuple[type[Exception], ...] = PASSING,
    time_limit: dt.timedelta | None = DEFAULT_TIME,
    before_retry: Callable[..., object] | None = None,
) -> Callable[[Kind], Kind]:
    """Register what the worker has to know about a task. The parameters are those of TaskKind."""

    def register(task: Kind) -> Kind:
        task_kinds.register(task.module_path, TaskKind(label, attempts, retry_on, time_limit, before_retry))
        return task

    return register
