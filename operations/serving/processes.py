"""Starting processes that don't outlive the one that started them, and stopping them."""

import ctypes
import faulthandler
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Final

# From prctl(2).
_PR_SET_PDEATHSIG: Final = 1
# How many seconds a process that was told to stop has before it is killed.
GRACE: Final = 50.0
# Tells a web server that another one has taken over, so that it closes the connection after each response.
RETIRE_SIGNAL: Final = signal.SIGUSR1

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent(parent: int) -> None:
    """Have the system send SIGTERM to this process when its parent, the process with this ID, ends for any reason."""
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # The parent may already have ended.
    if os.getppid() != parent:
        os._exit(1)


def end_after_parent(parent: int, seconds: float) -> None:
    """Send SIGTERM to this process when its parent, the process with this ID, ends, and kill it `seconds` later.

    The tracebacks at that time are written to its output. On systems other than Linux, it gets SIGTERM at most.
    """
    try:
        # Only on Linux.
        running = os.pidfd_open(parent)
    except (AttributeError, OSError):
        end_with_parent(parent)
        return
    if os.getppid() != parent:
        os._exit(1)

    def wait() -> None:
        ended = select.poll()
        ended.register(running, select.POLLIN)
        ended.poll()
        # Before the signal, because granian's handler may wait forever without letting other Python code run.
        faulthandler.dump_traceback_later(seconds, exit=True)
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, daemon=True, name="end-after-parent").start()


@dataclass(slots=True)
class Process:
    """A process that leads its own process group, so that signals from a terminal only reach the parent.

    `ready` is the end of a pipe to which the process writes one byte for each of its `parts` that is ready; None if it
    doesn't report that. Once another process has replaced it, it runs for `retirement` seconds after RETIRE_SIGNAL.
    """

    process: subprocess.Popen[bytes]
    ready: int | None = None
    parts: int = 0
    retirement: float = 0.0
    started_at: float = field(default_factory=monotonic)
    stop_at: float | None = None
    kill_at: float | None = None

    @property
    def status(self) -> int | None:
        """The exit status, or the signal that ended the process as a negative number; None while it runs."""
        return self.process.poll()

    @property
    def is_ready(self) -> bool:
        """Whether all of its parts are ready."""
        if self.ready is None:
            return True
        with suppress(BlockingIOError):
            self.parts -= len(os.read(self.ready, max(self.parts, 1)))
        if self.parts > 0:
            return False
        os.close(self.ready)
        self.ready = None
        return True

    def retire(self) -> None:
        """Tell the process that another one has replaced it. `enforce_deadlines` stops it after a while."""
        if self.retirement:
            self._signal_group(RETIRE_SIGNAL)
        self.stop_at = monotonic() + self.retirement

    def stop(self) -> None:
        """Tell the process to stop. `enforce_deadlines` kills it if it hasn't ended in time."""
        self.kill_at = self.kill_at or monotonic() + GRACE
        if self.status is None:
            self.process.send_signal(signal.SIGTERM)

    def enforce_deadlines(self) -> None:
        """Stop the process if its retirement is over, and kill it if it was told to stop long ago."""
        now = monotonic()
        if self.stop_at and now >= self.stop_at:
            self.stop_at = None
            self.stop()
        if self.kill_at and now > self.kill_at:
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        # Until the process has been waited for, no other group can have its ID.
        if self.status is None:
            os.killpg(self.process.pid, number)

    def close(self) -> None:
        """Stop listening for readiness."""
        if self.ready is not None:
            os.close(self.ready)
            self.ready = None


def start(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    folder: str | None = None,
    output: int | None = None,
    inherited: Sequence[int] = (),
    lower_priority: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a process in a folder that ends with this one. It inherits the file descriptors `inherited`.

    Its output goes to that of this process, or to the file descriptor `output`. With `lower_priority`, other processes
    get the processor first, and this one is killed first if memory runs out.
    """
    parent = os.getpid()

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        end_with_parent(parent)
        if lower_priority:
            with suppress(OSError):
                os.nice(5)
            with suppress(OSError):
                Path("/proc/self/oom_score_adj").write_text("200")

    return subprocess.Popen(  # noqa: S603  our own programs
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        # One stream, so that the lines stay in order.
        stderr=subprocess.STDOUT,
        pass_fds=inherited,
        process_group=0,
        preexec_fn=prepare,
    )
