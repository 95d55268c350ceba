"""The ports and processes of what benchmarks start. Importing this needs no Django."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = Path(__file__).resolve().parent.parent

# How long everything may take to start, in seconds, even on a busy machine.
PATIENCE = 300
# How often the memory of a running command is looked up, in seconds. The system remembers the peak of each process.
INTERVAL = 0.05


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_for_port(port: int, process: subprocess.Popen[Any]) -> None:
    """Wait until something listens on the port that this process should open."""
    stop = time.monotonic() + PATIENCE
    while time.monotonic() < stop:
        if process.poll() is not None:
            raise SystemExit(f"The server exited with status {process.returncode}.")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"Nothing listens on port {port}.")


def with_descendants(pid: int) -> Iterator[int]:
    """Yield a process and all that it has started, directly or not (on Linux)."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                yield from with_descendants(int(child))


def kill_all(processes: Collection[subprocess.Popen[Any]]) -> None:
    """Kill processes at once, and all that they have started, and wait for them."""
    for pid in [pid for process in processes for pid in with_descendants(process.pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for process in processes:
        process.wait()


class Used(NamedTuple):
    """What a command used: seconds on the clock and of the processors, and its peak memory in MiB.

    Memory is that of its largest process, and of all its processes together.
    """

    wall: float
    cpu: float
    largest: float
    together: float


def run_measured(arguments: list[str], environment: Mapping[str, str] | None = None) -> Used:
    """Run Python in the folder of the project, with these additional environment variables (on Linux)."""
    # As in an installation, modules are compiled once, not at each start.
    variables = os.environ | {"PYTHONDONTWRITEBYTECODE": "", **(environment or {})}
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(  # noqa: S603  # our own commands
            [sys.executable, *arguments], cwd=PROJECT, env=variables, stdout=subprocess.DEVNULL, stderr=errors
        )
        largest = together = 0
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            found = [_memory_of(pid) for pid in with_descendants(process.pid)]
            largest = max(largest, *(peak for peak, _now in found))
            together = max(together, sum(now for _peak, now in found))
            time.sleep(INTERVAL)
        # Unlike `process.wait()`, this returns what the process used.
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{' '.join(arguments)} failed with status {process.returncode}:\n{errors.read()}")
    return Used(time.perf_counter() - start, used.ru_utime + used.ru_stime, largest / 1024, together / 1024)


def _memory_of(pid: int) -> tuple[int, int]:
    """Return the peak and the current memory of a process in KiB; zeros if it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0, 0
    values = dict(line.split(":", 1) for line in status.splitlines())
    peak, now = (int(values.get(name, "0").split()[0]) for name in ("VmHWM", "VmRSS"))
    return peak, now
