"""The ports and processes of servers that benchmarks start. Importing this needs no Django."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# How long everything may take to start, in seconds, even on a busy machine.
PATIENCE = 300


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
