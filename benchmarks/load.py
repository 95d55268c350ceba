"""Has wrk request a page as often as possible, and returns the latency and what that cost the server."""

import shutil
import signal
import statistics
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import httpx
from scratch_site import Server

WRK = shutil.which("wrk")
SCRIPT = Path(__file__).with_name("wrk.lua")
CLIENT = httpx.Client(timeout=60)


@dataclass(frozen=True)
class Target:
    """A path on a server, the headers of the request, and the status that each response must have.

    With `posts`, comments are sent to the posts with these IDs instead, and the path is ignored.
    """

    server: Server
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    status: int = 200
    posts: range | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}{self.path}"

    def get(self) -> tuple[httpx.Headers, bytes]:
        """Send one request. Return the headers of the response, and its body as it was sent."""
        with CLIENT.stream("GET", self.url, headers={"Accept-Encoding": "identity", **dict(self.headers)}) as response:
            if response.status_code != self.status:
                raise SystemExit(f"{self.url}: {response.status_code}")
            return response.headers, b"".join(response.iter_raw())


class Result(NamedTuple):
    """Requests per second, the median and 99th percentile of latency, and CPU time per request, in milliseconds."""

    per_second: float
    p50: float
    p99: float
    # For all processes of the server, including time in the kernel.
    cpu: float


def ratio(results: Iterable[Result], others: Iterable[Result], figure: Literal["per_second", "cpu"]) -> float:
    """Return how many times as high as the others' a figure is: the median of all rounds."""
    pairs = zip(results, others, strict=True)
    median: float = statistics.median(getattr(mine, figure) / getattr(other, figure) for mine, other in pairs)
    return median


def load(target: Target, connections: int, seconds: float) -> Result:
    """Request a target over this many connections, each of which sends the next request once it has a response."""
    if not WRK:
        raise SystemExit("NOTHING WAS MEASURED: Install wrk, for which Debian has a package.")
    arguments = ["-t", "1", "-c", str(connections), "-d", "1h", "--timeout", "60s", "-s", str(SCRIPT)]
    arguments += [part for name, value in target.headers for part in ("-H", f"{name}: {value}")]
    arguments += [target.url, "--", str(target.status)]
    if target.posts is None:
        for _request in range(5):
            # Refill the caches that the last change of the content emptied.
            target.get()
    else:
        arguments += [str(target.posts[0]), str(target.posts[-1]), str(time.time_ns())]
    before = target.server.cpu_seconds()
    with subprocess.Popen([WRK, *arguments], stdout=subprocess.PIPE, text=True) as wrk:  # noqa: S603  # our own arguments
        time.sleep(seconds)
        # It ends as it does after its duration, which can only be whole seconds.
        wrk.send_signal(signal.SIGINT)
        while (output := _output(wrk)) is None:
            # A signal that arrives just before wrk begins to wait is lost.
            wrk.send_signal(signal.SIGINT)
    cpu = target.server.cpu_seconds() - before
    _wait_until_idle(target.server)
    figures = [int(figure) for figure in (output.splitlines() or [""])[-1].split()]
    if not figures or not figures[0]:
        # The machine is so busy that wrk had not started, or had no response yet.
        return load(target, connections, seconds * 2)
    count, duration, p50, p99, failed, refused = figures
    if failed or (refused and target.status < 400):
        raise SystemExit(f"{target.url}: {failed + refused} of {count} requests failed.\n{output}")
    return Result(count / duration * 1e6, p50 / 1000, p99 / 1000, cpu / count * 1000)


def _output(wrk: subprocess.Popen[str]) -> str | None:
    """Return the output of wrk once it ends, or None if it doesn't."""
    try:
        return wrk.communicate(timeout=1)[0]
    except subprocess.TimeoutExpired:
        return None


def _wait_until_idle(server: Server) -> None:
    """Let a server finish requests that wrk has abandoned, or they would be measured with the next target."""
    used, before = server.cpu_seconds(), 0.0
    while used - before > 0.001:
        time.sleep(0.1)
        before, used = used, server.cpu_seconds()
