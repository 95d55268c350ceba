"""When scheduled tasks are due (`schedule` of core.tasks.TaskKind)."""

import datetime as dt
from collections.abc import Callable

from django.utils import timezone

# Takes a time, and returns the first one after it at which the task is due.
type NextTime = Callable[[dt.datetime], dt.datetime]


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
