"""The process that runs a worker's long tasks, so that short ones don't wait for them.

It is a worker itself, with its own name, heartbeat and limits. It runs only while there are such tasks.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from time import monotonic
from typing import Final

from django.conf import settings
from django.utils.crypto import get_random_string

from operations.models import WorkerHeartbeat
from operations.serving.processes import start
from operations.worker import queue
from operations.worker.queue import Share

# How many seconds after it was killed or failed until it is started again.
_PAUSE: Final = 30.0

_log = logging.getLogger(__name__)


class LongTasks:
    """At most one process, which runs one long task after another and ends when none is due.

    `options` are those of its command.
    """

    def __init__(self, options: Sequence[str]) -> None:
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._name = ""
        self._start_at = 0.0
        self._is_stopping = False

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start_if_due(self) -> None:
        """Start the process if a long task is due. Raises DatabaseError."""
        if self._process or self._is_stopping or monotonic() < self._start_at or not queue.is_due(Share.LONG):
            return
        self._start()

    def has_failed(self) -> bool:
        """Check whether the process has ended, and return whether it was killed or failed. Raises DatabaseError.

        In that case, its task can be put back.
        """
        status = self._process.poll() if self._process else None
        if status is None:
            return False
        # It is certainly dead, which other workers could only presume.
        WorkerHeartbeat.objects.filter(name=self._name).delete()
        self._process = None
        if status:
            self._pause(f"exit status {status}")
        return status != 0

    def stop(self) -> None:
        """Tell the process to stop, as this worker was told. It takes as long, and stops at once the second time."""
        self._is_stopping = True
        if self._process:
            self._process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        """Wait until the process has ended."""
        if self._process:
            self._process.wait()

    def _start(self) -> None:
        self._name = get_random_string(32)
        try:
            self._process = start([*_program(), f"--long={self._name}", *self._options], os.environ)
        except (OSError, subprocess.SubprocessError) as error:
            # There may be too little memory at the moment.
            self._pause(str(error))
        if self._process and self._is_stopping:
            # This worker was told to stop while the process was being started.
            self._process.send_signal(signal.SIGTERM)

    def _pause(self, reason: str) -> None:
        self._start_at = monotonic() + _PAUSE
        _log.error("The process for long tasks failed (%s).", reason)


def _program() -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"]
