"""The thread of a worker that says it is alive, and ends it if it hangs."""

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
# How often the thread looks whether the task has exceeded its time.
_TICK: Final = 1.0

_log = logging.getLogger(__name__)


class Heartbeat:
    """Says that the worker of this name is alive, while the worker itself is busy with a task.

    It calls `interrupt` when an upgrade of the site waits for the task.
    """

    def __init__(self, name: str, interrupt: Callable[[], None] | None = None) -> None:
        self._name = name
        self._interrupt = interrupt
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        # The task that is running and when its time is up; a pair, so that both change at once.
        self._limit: tuple[Row, float] | None = None
        # When the worker must have stopped.
        self.stop_by: float | None = None

    def start(self) -> None:
        """Say it for the first time, then every 30 seconds. Raises DatabaseError."""
        WorkerHeartbeat.beat(self._name)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def watch(self, row: Row) -> None:
        """The worker begins with this task."""
        limit = queue.kind_of(row.task_path).time_limit
        self._limit = (row, monotonic() + limit.total_seconds() if limit else float("inf"))

    def unwatch(self) -> None:
        """The worker has ended its task."""
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
                # Others may be writing, or the database is away. It is tried again at once.
                _log.warning("The heartbeat could not be stored (%s).", type(error).__name__)
            finally:
                connections.close_all()

    def _check_limits(self) -> None:
        """End this process if its task takes too long: nothing else can stop what hangs."""
        now = monotonic()
        limit = self._limit
        if limit and now > limit[1]:
            _log.error("%s took too long. The worker ends, and has to be started again.", limit[0].task_path)
            self._end_process(limit[0], is_failure=True)
        if limit and self._interrupt and is_being_updated():
            self._interrupt()
        if self.stop_by and now > self.stop_by:
            _log.error("The worker could not stop in time, and ends.")
            self._end_process(limit[0] if limit else None, is_failure=False)

    def _end_process(self, row: Row | None, *, is_failure: bool) -> None:
        try:
            if row and is_failure:
                queue.fail(row, TimeLimitError())
            elif row:
                queue.give_back(row)
        except DatabaseError:
            # Another worker finds that this one has died.
            _log.exception("It could not be stored that the task ended.")
        finally:
            logging.shutdown()
            os._exit(1)
