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

# Of prctl(2).
_PR_SET_PDEATHSIG: Final = 1
# Seconds in which a process that was told to stop has to end.
GRACE: Final = 50.0
# Tells a web server that another one is there, so that it ends the connection with each response.
RETIRE_SIGNAL: Final = signal.SIGUSR1

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent(parent: int) -> None:
    """Have the system send SIGTERM to this process when its parent, the process with this ID, ends for any reason."""
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # It may have ended before.
    if os.getppid() != parent:
        os._exit(1)


def end_after_parent(parent: int, seconds: float) -> None:
    """Send SIGTERM to this process when its parent, the process with this ID, ends, and end it so many seconds later.

    What it is doing by then is written to its output. Where the system can't tell, it gets SIGTERM at most.
    """
    try:
        # Not on other systems than Linux.
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
        # Before the signal: granian's handler may wait forever, and lets no other Python code run meanwhile.
        faulthandler.dump_traceback_later(seconds, exit=True)
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, daemon=True, name="end-after-parent").start()


@dataclass(slots=True)
class Process:
    """A running process, the leader of a group of its own: what a terminal sends to its group goes to the parent alone.

    `ready` is the end of a pipe to which it writes one byte for each of its `parts` that is ready; None if it says
    nothing. For `retirement` seconds, it goes on after RETIRE_SIGNAL when another process has taken its place.
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
        """Its exit status, or the signal that ended it as a negative number; None while it runs."""
        return self.process.poll()

    @property
    def is_ready(self) -> bool:
        """Whether all of its parts are."""
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
        """Tell it that another process has taken its place. `press` stops it after a while."""
        if self.retirement:
            self._signal_group(RETIRE_SIGNAL)
        self.stop_at = monotonic() + self.retirement

    def stop(self) -> None:
        """Tell it to stop. `press` kills it if it hasn't ended in time."""
        self.kill_at = self.kill_at or monotonic() + GRACE
        if self.status is None:
            self.process.send_signal(signal.SIGTERM)

    def press(self) -> None:
        """Stop it if its retirement is over, and kill it if it was told to stop long ago."""
        now = monotonic()
        if self.stop_at and now >= self.stop_at:
            self.stop_at = None
            self.stop()
        if self.kill_at and now > self.kill_at:
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        # As long as it has not been waited for, no other group has its number.
        if self.status is None:
            os.killpg(self.process.pid, number)

    def close(self) -> None:
        """Forget what it was to say."""
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
    """Start a process that ends with this one, in a folder. Of files, it gets those with the numbers `inherited`.

    What it says goes where this process's output goes, or to the file with the number `output`.

    With `lower_priority`, others get the processor first, and memory last.
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
        # One stream of lines, in their order.
        stderr=subprocess.STDOUT,
        pass_fds=inherited,
        process_group=0,
        preexec_fn=prepare,
    )
