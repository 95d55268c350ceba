"""Compares granian and gunicorn with the real application, in turns, under the same load. See README.md.

Needs wrk (a Debian package) and gunicorn: `uv run --with gunicorn benchmarks/servers.py`.
"""

import argparse
import re
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import scratch_site  # isort: split

from django.core.management import call_command
from django.db import connection
from load import Result, Target, load, ratio
from processes import free_port, with_descendants
from scratch_site import Server

WORKERS, THREADS = 2, 4
WSGI = "config.wsgi:application"
# The commands of the servers, with a placeholder for the port.
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
# The page cache ignores the second.
PAGES = {"front page, cached": (), "front page, rendered": (("Cache-Control", "no-store"),)}
CONNECTIONS = (1, 16)


@contextmanager
def serve(name: str) -> Iterator[Server]:
    port = free_port()
    command = [part.format(port=port) for part in SERVERS[name]]
    with scratch_site.run_server([sys.executable, "-m", *command], port) as server:
        # After that, both workers have loaded the site and compiled its templates.
        for _request in range(20):
            scratch_site.status_of(port, "/")
        yield server


def memory(server: Server) -> float:
    """Return the memory of a server's processes in MiB, counting shared pages proportionally."""
    kibibytes = 0
    for pid in with_descendants(server.pid):
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        kibibytes += int(found[1]) if found else 0
    return kibibytes / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=SERVERS, help="only measure this server")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5, help="duration of each measurement")
    options = parser.parse_args()
    scratch_site.migrate()
    call_command("load_demo", verbosity=0)
    connection.close()
    names = [options.only] if options.only else list(SERVERS)
    results: dict[tuple[str, str, int], list[Result]] = {}
    needed: dict[str, list[float]] = {name: [] for name in names}
    for _round in range(options.rounds):
        for name in names:
            with serve(name) as server:
                for page, headers in PAGES.items():
                    target = Target(server, "/", headers)
                    load(target, 4, options.seconds / 2)
                    for connections in CONNECTIONS:
                        result = load(target, connections, options.seconds)
                        results.setdefault((page, name, connections), []).append(result)
                needed[name].append(memory(server))
    first = names[0]
    print(f"{WORKERS} workers, {THREADS} threads each; medians of {options.rounds} rounds. CPU: of all its processes.")
    for page in PAGES:
        for connections in CONNECTIONS:
            print(f"\n{page}, {connections} connections")
            print(f"{'':<26}{'req/s':>8}{'ratio':>7}{'p50, ms':>9}{'p99, ms':>9}{'CPU, ms':>9}{'ratio':>7}")
            for name in names:
                mine, base = results[page, name, connections], results[page, first, connections]
                rate, p50, p99, cpu = (statistics.median(column) for column in zip(*mine, strict=True))
                faster, dearer = ratio(mine, base, "per_second"), ratio(mine, base, "cpu")
                print(f"{name:<26}{rate:8.0f}{faster:7.2f}{p50:9.2f}{p99:9.2f}{cpu:9.3f}{dearer:7.2f}")
    print("\nMiB of all processes, afterwards")
    for name, sizes in needed.items():
        print(f"{name:<26}{statistics.median(sizes):8.0f}")


main()
