"""The processor time of a request with the database and the cache that the environment names. See README.md.

DATABASE_URL names an empty database, or is left out for SQLite.
"""

import contextlib
import io
import statistics
import sys
import time

import scratch_site  # isort: split

from django.core.management import call_command
from django.db import connection

from config.wsgi import application

ROUNDS, REPEATS = 5, 60
UNCACHED = {"HTTP_CACHE_CONTROL": "no-store"}


def get(headers: dict[str, str]) -> None:
    """Request the front page as a server does: a connection is taken and given back."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        **headers,
    }
    statuses = []
    response = application(environ, lambda status, headers: statuses.append(status))
    for _part in response:
        pass
    response.close()
    if statuses != ["200 OK"]:
        raise SystemExit(f"The front page has the status {statuses}.")


def cpu_per_request(headers: dict[str, str]) -> float:
    """Return milliseconds: the median of ROUNDS."""
    times = []
    for _round in range(ROUNDS):
        start = time.process_time()
        for _time in range(REPEATS):
            get(headers)
        times.append((time.process_time() - start) / REPEATS * 1000)
    return statistics.median(times)


def main() -> None:
    scratch_site.migrate()
    with contextlib.redirect_stdout(io.StringIO()):
        call_command("load_demo")
    connection.close()
    for headers in ({}, UNCACHED) * 10:
        get(headers)
    for name, headers in (("from the page cache", {}), ("rendered", UNCACHED)):
        print(f"{connection.vendor}, {name}: {cpu_per_request(headers):.2f} ms of CPU time per request")


main()
