"""The schedule: tasks that apps register, and which the worker (`manage.py worker`) enqueues when they are due.

Each is enqueued once, however many workers there are. If a task came due while no worker was running, it is enqueued
once when one starts.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.tasks import Task
from django.utils import timezone

from core.registry import Registry
from core.tasks import task_kinds

# Takes a time, and returns the first one after it at which the task is due.
type NextTime = Callable[[dt.datetime], dt.datetime]


@dataclass(frozen=True, slots=True)
class ScheduledTask:
    """A task without arguments, and when it is due next. If it `starts_at_once`, it is also due on a new site."""

    task: Task[[], Any]
    next_time: NextTime
    starts_at_once: bool = False


def _find_problems(name: str, scheduled: ScheduledTask) -> Iterator[str]:
    if scheduled.task.module_path not in task_kinds:
        yield f"Its task {scheduled.task.module_path} is not decorated with `TaskKind`."


scheduled_tasks: Final[Registry[ScheduledTask]] = Registry("scheduled task", _find_problems)


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
