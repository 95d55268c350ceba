"""granian and gunicorn with the real application, in turns, under the same load. See README.md.

Needs wrk (Debian has it) and gunicorn: `uv run --with gunicorn benchmarks/servers.py`.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import scratch_site  # isort: split

from django.core.management import call_command
from django.db import connection

WORKERS, THREADS = 2, 4
WSGI = "config.wsgi:application"
# The commands of the servers, with the place of the port.
SERVERS = {
    "granian": [
        *("granian", "--interface", "rsgi", "--host", "127.0.0.1", "--port", "{port}", "--no-ws"),
        *("--workers", str(WORKERS), "--log-level", "warning", "config.rsgi:application"),
    ],
    "granian, WSGI": [
        *("granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}", "--no-ws"),
        *("--workers", str(WORKERS), "--blocking-threads", str(THREADS), "--log-level", "warning", WSGI),
    ],
    "gunicorn, threads": [
        *("gunicorn", "--bind", "127.0.0.1:{port}", "--workers", str(WORKERS), "--log-level", "warning"),
        *("--worker-class", "gthread", "--threads", str(THREADS), WSGI),
    ],
    "gunicorn, processes only": [
        *("gunicorn", "--bind", "127.0.0.1:{port}", "--workers", str(WORKERS), "--log-level", "warning", WSGI),
    ],
}
# Name, path, and a header with which the page cache is left out.
PAGES = [("front page, cached", "/", ""), ("front page, rendered", "/", "Cache-Control: no-store")]
CONNECTIONS = (1, 16)


class Result(NamedTuple):
    per_second: float
    # Milliseconds.
    median: float
    slowest_percent: float
    cpu: float


@contextmanager
def serve(name: str) -> Iterator[tuple[int, int]]:
    """Run a server, and yield its port and process ID."""
    port = scratch_site.free_port()
    command = [part.format(port=port) for part in SERVERS[name]]
    with scratch_site.run_server([sys.executable, "-m", *command], port) as pid:
        # By then, both workers have loaded the site and compiled its templates.
        for _request in range(20):
            scratch_site.send(port, "/")
        yield port, pid


def processes(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in processes(int(child)))]


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and those that it started. Source: proc(5), /proc/pid/stat."""
    ticks = 0
    for each in processes(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Return the MiB that a process and those that it started have, each page divided among those that share it."""
    kibibytes = 0
    for each in processes(pid):
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{each}/smaps_rollup").read_text(), re.MULTILINE)
        kibibytes += int(found[1]) if found else 0
    return kibibytes / 1024


def load(port: int, pid: int, path: str, header: str, connections: int, seconds: int) -> Result:
    wrk = shutil.which("wrk") or sys.exit("wrk is not installed.")
    options = ["--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--latency"]
    if header:
        options += ["--header", header]
    before = cpu_seconds(pid)
    done = subprocess.run(  # noqa: S603  # our own arguments
        [wrk, *options, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True
    )
    cpu = cpu_seconds(pid) - before
    if "Non-2xx" in done.stdout:
        sys.exit(done.stdout)
    total, rate = re.search(r"(\d+) requests in", done.stdout), re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if not total or not rate or total[1] == "0":
        sys.exit(done.stdout)
    count = int(total[1])
    return Result(float(rate[1]), _milliseconds(done.stdout, 50), _milliseconds(done.stdout, 99), cpu / count * 1000)


def _milliseconds(text: str, percent: int) -> float:
    found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)\b", text)
    if not found:
        sys.exit(text)
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=SERVERS, help="measure this one, as with other settings before")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    options = parser.parse_args()
    scratch_site.migrate()
    call_command("load_demo", verbosity=0)
    connection.close()
    names = [options.only] if options.only else list(SERVERS)
    results: dict[tuple[str, str, int], list[Result]] = {}
    needed: dict[str, list[float]] = {name: [] for name in names}
    for _round in range(options.rounds):
        for name in names:
            with serve(name) as (port, pid):
                for page, path, header in PAGES:
                    load(port, pid, path, header, 4, 3)
                    for connections in CONNECTIONS:
                        result = load(port, pid, path, header, connections, options.seconds)
                        results.setdefault((page, name, connections), []).append(result)
                needed[name].append(memory(pid))
    first = names[0]
    print(f"{WORKERS} workers, {THREADS} threads each; medians of {options.rounds} rounds. CPU: of all its processes.")
    for page, _path, _header in PAGES:
        for connections in CONNECTIONS:
            print(f"\n{page}, {connections} connections")
            print(f"{'':<26}{'req/s':>8}{'ratio':>7}{'p50, ms':>9}{'p99, ms':>9}{'CPU, ms':>9}{'ratio':>7}")
            for name in names:
                mine, base = results[page, name, connections], results[page, first, connections]
                rate, p50, p99, cpu = (statistics.median(column) for column in zip(*mine, strict=True))
                faster = statistics.median(
                    one.per_second / other.per_second for one, other in zip(mine, base, strict=True)
                )
                dearer = statistics.median(one.cpu / other.cpu for one, other in zip(mine, base, strict=True))
                print(f"{name:<26}{rate:8.0f}{faster:7.2f}{p50:9.2f}{p99:9.2f}{cpu:9.3f}{dearer:7.2f}")
    print("\nMiB of all processes, afterwards")
    for name, sizes in needed.items():
        print(f"{name:<26}{statistics.median(sizes):8.0f}")


main()
