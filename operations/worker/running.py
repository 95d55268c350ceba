"""A worker, which runs tasks from the queue and the schedule, one after another, until it is told to stop.

Long tasks are run by a second process at the same time, which is a worker too (operations.worker.long_tasks).
"""

import datetime as dt
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any, Final

from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, transaction
from django.tasks import TaskContext
from django.tasks.signals import task_finished, task_started
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.module_loading import import_string

from core.clock import CLOCK_TOLERANCE
from core.tasks import WorkerStoppingError, task_kinds
from core.updating import inside_the_gate
from operations.models import PRESUMED_DEAD, ScheduledTime
from operations.request_ids import working_on
from operations.worker import queue
from operations.worker.heartbeat import Heartbeat
from operations.worker.long_tasks import LongTasks
from operations.worker.queue import Row, Share

# In seconds: how long a running task has to end after the worker was told to stop (the command's default), and how much
# longer until the worker exits in any case.
STOP_AFTER: Final = 30
_STOP_MARGIN: Final = 10
# In seconds: how often the worker checks the queue, and how often the schedule and the tasks of killed workers.
_INTERVAL: Final = 1.0
_ROUND_INTERVAL: Final = 10.0
# The longest pause between attempts to reach an unavailable database, in seconds. The pause grows each time.
_LONGEST_WAIT: Final = 30.0
# A task that deletes old data and is later than this is put off by `_TIME_TO_SET_CLOCK`.
_LATE: Final = dt.timedelta(days=1)
_TIME_TO_SET_CLOCK: Final = dt.timedelta(days=2)
# How often it tries to store a result.
_STORE_ATTEMPTS: Final = 6

_log = logging.getLogger(__name__)


class Worker:
    """A worker with a unique `name`, by which other workers know it.

    With `long_tasks`, it runs only the short tasks itself. A worker for long tasks doesn't handle the schedule.
    """

    def __init__(
        self,
        *,
        stop_after: float = STOP_AFTER,
        name: str = "",
        share: Share = Share.ALL,
        long_tasks: LongTasks | None = None,
    ) -> None:
        self.name = name or get_random_string(32)
        self._stop_after = stop_after
        self._share = share
        self._long_tasks = long_tasks
        self._heartbeat = Heartbeat(self.name, interrupt=lambda: os.kill(os.getpid(), signal.SIGALRM))
        self._is_stopping = False
        # Whether the running task's time to end is over, and whether it can be interrupted.
        self._must_interrupt = self._is_interruptible = False
        self._next_round = 0.0
        # The offset between the wall clock and the monotonic clock, and when silent workers can be presumed dead.
        self._clock_offset = _clock_offset()
        self._presume_from = 0.0

    def run(self, *, once: bool = False) -> None:
        """Work until a signal to stop or, with `once`, until nothing is due."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGALRM, self._interrupt)
        self._wait_for(self._heartbeat.start)
        title = "process for long tasks" if self._share is Share.LONG else "worker"
        _log.info("The %s has started.", title)
        while not self._is_stopping:
            is_busy = self._wait_for(self._work)
            if once and not is_busy and not (self._long_tasks and self._long_tasks.is_running):
                break
            if not is_busy and not self._is_stopping:
                time.sleep(_INTERVAL)
        if self._long_tasks:
            self._long_tasks.wait()
            self._wait_for(self._long_tasks.has_failed)
        self._heartbeat.end()
        _log.info("The %s has stopped.", title)

    def drain(self) -> None:
        """Run all tasks in the queue that are due."""
        while self._run_next():
            pass

    def _work(self) -> bool:
        """Run one task, and return whether there was any. Raises DatabaseError."""
        # Connections that have expired or that the server has closed.
        close_old_connections()
        with inside_the_gate() as may_write:
            if not may_write:
                return False
            if self._share is not Share.LONG:
                self._do_upkeep()
            return self._run_next()

    def _do_upkeep(self) -> None:
        """Enqueue scheduled tasks that are due, put back those of killed workers, and have long tasks run."""
        if self._long_tasks and self._long_tasks.has_failed():
            self._next_round = 0.0
        if monotonic() >= self._next_round:
            self._next_round = monotonic() + _ROUND_INTERVAL
            enqueue_due(timezone.now())
            if self._may_presume_dead() and (count := queue.recover(self.name)):
                _log.warning("%d tasks will be run again, because their worker was killed.", count)
        if self._long_tasks:
            self._long_tasks.start_if_due()

    def _may_presume_dead(self) -> bool:
        """Whether other workers have had the time to report that they are alive.

        They haven't if the clock was just set or the machine slept, which stops the monotonic clock.
        """
        offset = _clock_offset()
        if abs(offset - self._clock_offset) > CLOCK_TOLERANCE.total_seconds():
            self._clock_offset, self._presume_from = offset, monotonic() + PRESUMED_DEAD.total_seconds()
        return monotonic() >= self._presume_from

    def _run_next(self) -> bool:
        row = queue.claim(self.name, self._share)
        if row is None:
            return False
        with working_on(str(row.pk)):
            self._run(row)
        return True

    def _run(self, row: Row) -> None:
        self._heartbeat.watch(row)
        try:
            with self._interruptible():
                _call(row)
        except WorkerStoppingError:
            _log.warning("%s was interrupted and will be run again.", row.task_path)
            self._store(queue.give_back, row)
        except BaseException as error:  # noqa: BLE001  # whatever a task raises must not affect other tasks
            self._failed(row, error)
        else:
            self._store(queue.succeed, row)
            _announce(row)
        finally:
            self._heartbeat.unwatch()
            # Unless the worker is stopping, it was only interrupted for an upgrade.
            self._must_interrupt = self._must_interrupt and self._is_stopping

    def _failed(self, row: Row, error: BaseException) -> None:
        if queue.is_worth_another_attempt(row, error):
            pause = self._store(queue.retry_later, row)
            seconds = pause.total_seconds() if pause else 0
            name = type(error).__name__
            _log.warning("%s failed (%s) and will be run again in %d seconds.", row.task_path, name, seconds)
        else:
            self._store(queue.fail, row, error)
            _announce(row)

    def _store[**Parameters, Result](
        self, store: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result | None:
        """Call a function that stores the result of a task, and retry while the database is unavailable.

        If that fails, this or another worker puts the task back later, as after a kill.
        """
        for attempt in range(_STORE_ATTEMPTS):
            try:
                return store(*args, **kwargs)
            except (OperationalError, InterfaceError) as error:
                _log.warning("The result of a task could not be stored (%s).", type(error).__name__)
                if attempt < _STORE_ATTEMPTS - 1:
                    time.sleep(min(2**attempt, _LONGEST_WAIT))
                    close_old_connections()
        return None

    def _wait_for[Result](self, action: Callable[[], Result]) -> Result | None:
        """Call a function that needs the database until it is available, and return the result.

        Return None if the worker has to stop first.
        """
        wait = _INTERVAL
        while True:
            try:
                return action()
            except DatabaseError as error:
                if self._is_stopping:
                    return None
                _log.error(
                    "The database is unavailable or not migrated (%s). Trying again. "
                    "Run `manage.py doctor`, which says what to do.",
                    type(error).__name__,
                )
                # In short steps, so that the worker can stop in between.
                until = monotonic() + wait
                while monotonic() < until and not self._is_stopping:
                    time.sleep(_INTERVAL)
                wait = min(wait * 2, _LONGEST_WAIT)
                close_old_connections()

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        self._is_interruptible = True
        try:
            if self._must_interrupt:
                raise WorkerStoppingError
            yield
        finally:
            self._is_interruptible = False

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Give the running tasks some time to end. A second signal interrupts them at once."""
        if self._long_tasks:
            self._long_tasks.stop()
        if self._is_stopping:
            self._interrupt(number, frame)
            return
        self._is_stopping = True
        self._heartbeat.stop_by = monotonic() + self._stop_after + _STOP_MARGIN
        signal.setitimer(signal.ITIMER_REAL, max(self._stop_after, 0.001))

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._must_interrupt = True
        if self._is_interruptible:
            self._is_interruptible = False
            raise WorkerStoppingError


def enqueue_due(now: dt.datetime) -> None:
    """Enqueue each scheduled task that is due. If several workers do this at the same time, only one succeeds.

    A new task is due at its next time, or at once. If the clock was set back or the schedule was changed, the stored
    time may be later than the next time. Then the task is done at the next time.

    If a task that deletes old data is very late, no worker was running, or the clock was set. It may be wrong, so there
    is some time to set it right before anything is deleted.
    """
    stored = dict(ScheduledTime.objects.values_list("name", "at"))
    for name, kind in task_kinds.items():
        if kind.schedule is None:
            continue
        next_time = kind.schedule(now)
        if name not in stored:
            at = now if kind.starts_at_once else next_time
            ScheduledTime.objects.bulk_create([ScheduledTime(name=name, at=at)], ignore_conflicts=True)
            continue
        at = stored[name]
        must_wait = kind.deletes_old and not now - _LATE <= at <= now
        if must_wait:
            next_time = now + _TIME_TO_SET_CLOCK
        if now < at <= next_time:
            continue
        with transaction.atomic():
            is_first = ScheduledTime.objects.filter(name=name, at=at).update(at=next_time)
            if is_first and at <= now and not must_wait:
                import_string(name).enqueue()


def _clock_offset() -> float:
    return timezone.now().timestamp() - monotonic()


def _call(row: Row) -> None:
    task = row.task
    result = row.task_result
    task_started.send(sender=type(task.get_backend()), task_result=result)
    context: list[TaskContext[..., Any]] = [TaskContext(task_result=result)] if task.takes_context else []
    task.call(*context, *result.args, **result.kwargs)


def _announce(row: Row) -> None:
    """Notify the receivers of Django's signal, such as the log, that the task has ended."""
    try:
        result = row.task_result
    except (ImportError, SuspiciousOperation):
        _log.exception("The task %s of another version failed.", row.task_path)
        return
    task_finished.send(sender=type(result.task.get_backend()), task_result=result)
