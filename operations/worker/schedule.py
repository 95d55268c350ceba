"""Enqueuing scheduled tasks when they are due (core.schedule)."""

import datetime as dt

from django.db import transaction

from core.schedule import scheduled_tasks
from operations.models import ScheduledTime


def enqueue_due(now: dt.datetime) -> None:
    """Enqueue each scheduled task that is due. If several workers do this at the same time, only one succeeds.

    A new task is due at its next time, or at once. If the clock was set back or the schedule was changed, the stored
    time may be later than the next time. Then the task is done at the next time.
    """
    stored = dict(ScheduledTime.objects.values_list("name", "at"))
    for name, scheduled in scheduled_tasks.items():
        next_time = scheduled.next_time(now)
        if name not in stored:
            at = now if scheduled.starts_at_once else next_time
            ScheduledTime.objects.bulk_create([ScheduledTime(name=name, at=at)], ignore_conflicts=True)
            continue
        at = stored[name]
        if now < at <= next_time:
            continue
        with transaction.atomic():
            is_first = ScheduledTime.objects.filter(name=name, at=at).update(at=next_time)
            if is_first and at <= now:
                scheduled.task.enqueue()
