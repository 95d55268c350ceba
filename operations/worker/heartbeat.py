"""The thread of a worker that reports that it is alive, and ends it if it hangs."""

import logging
import os
import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from django.db import DatabaseError, connections

from core.updating import inside_the_gate, is_being_updated
from operations.models import WorkerHeartbeat
from operations.worker import queue
from operations.worker.queue import Row, TimeLimitError

# In seconds. A beat is one small write.
_INTERVAL: Final = 30
# How often the thread checks whether the task has exceeded its time limit.
_TICK: Final = 1.0

_log = logging.getLogger(__name__)


class Heartbeat:
    """Reports that the worker of this name is alive, while the worker itself is busy with a task.

    It calls `interrupt` when an upgrade of the site is waiting for the task.
    """

    def __init__(self, name: str, interrupt: Callable[[], None] | None = None) -> None:
        self._name = name
        self._interrupt = interrupt
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        # The running task and when its time is up; a pair, so that both change at once.
        self._limit: tuple[Row, float] | None = None
        # When the worker must have stopped.
        self.stop_by: float | None = None

    def start(self) -> None:
        """Send the first heartbeat, then one every 30 seconds. Raises DatabaseError."""
        WorkerHeartbeat.beat(self._name)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def watch(self, row: Row) -> None:
        """Enforce the time limit of this task, which the worker is starting."""
        limit = queue.kind_of(row.task_path).time_limit
        self._limit = (row, monotonic() + limit.total_seconds() if limit else float("inf"))

    def unwatch(self) -> None:
        """Stop enforcing a limit, because the task has ended."""
        self._limit = None

    def _run(self) -> None:
        next_beat = monotonic() + _INTERVAL
        while not self._ended.wait(_TICK):
            self._check_limits()
            if monotonic() < next_beat:
                continue
            try:
                with inside_the_gate() as may_write:
                    if may_write:
                        WorkerHeartbeat.beat(self._name)
                        next_beat = monotonic() + _INTERVAL
            except DatabaseError as error:
                # Others may be writing, or the database is unavailable. It is tried again soon.
                _log.warning("The heartbeat could not be stored (%s).", type(error).__name__)
            finally:
                connections.close_all()

    def _check_limits(self) -> None:
        """End this process if its task takes too long, because nothing else can stop a task that hangs."""
        now = monotonic()
        limit = self._limit
        if limit and now > limit[1]:
            _log.error("%s took too long. The worker exits and has to be restarted.", limit[0].task_path)
            self._end_process(limit[0], is_failure=True)
        if limit and self._interrupt and is_being_updated():
            self._interrupt()
        if self.stop_by and now > self.stop_by:
            _log.error("The worker could not stop in time and exits.")
            self._end_process(limit[0] if limit else None, is_failure=False)

    def _end_process(self, row: Row | None, *, is_failure: bool) -> None:
        try:
            if row and is_failure:
                queue.fail(row, TimeLimitError())
            elif row:
                queue.give_back(row)
        except DatabaseError:
            # Another worker will notice that this one has died.
            _log.exception("The end of the task could not be stored.")
        finally:
            logging.shutdown()
            os._exit(1)
