"""What a pool and prepared statements save with PostgreSQL: uncached pages with each, in turns. See README.md.

DATABASE_URL names an empty PostgreSQL database.
"""

import os
import statistics
import subprocess
import sys
import time

import scratch_site  # isort: split

from django.db import connection

from accounts.models import User
from blog.models import Category, Post, Status
from config.wsgi import application

POSTS, TAGS, ROUNDS, REPEATS, WARM = 500, 100, 7, 60, 12
# The settings of each variation, compared with the first.
VARIATIONS = {
    "one connection for each thread": {"DATABASE_POOL": "0", "DATABASE_PREPARE": "0"},
    "with prepared statements": {"DATABASE_POOL": "0", "DATABASE_PREPARE": "1"},
    "a pool": {"DATABASE_POOL": "4", "DATABASE_PREPARE": "0"},
    "a pool and prepared statements": {"DATABASE_POOL": "4", "DATABASE_PREPARE": "1"},
    "a new connection for each request": {
        "DATABASE_POOL": "0",
        "DATABASE_PREPARE": "0",
        "DATABASE_CONN_MAX_AGE": "0",
    },
}
PAGES = ("/", "/tag/tag-1/", "/category/news/", "/feed/")


def build() -> None:
    scratch_site.migrate()
    author = User.objects.create_user("writer")
    category = Category.objects.create(name="News", slug="news")
    for n in range(POSTS):
        post = Post.objects.create(
            title=f"Post {n}", author=author, status=Status.PUBLISHED, source="Some text. " * 100
        )
        post.categories.add(category)
        post.tags.add(*(f"Tag {(n * step) % TAGS}" for step in range(1, 6)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def get(path: str) -> None:
    """Request a page as a server does: outside the page cache, with a connection taken and given back."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.input": sys.stdin.buffer,
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        "HTTP_CACHE_CONTROL": "no-store",
    }
    statuses = []
    response = application(environ, lambda status, headers: statuses.append(status))
    for _part in response:
        pass
    response.close()
    if statuses != ["200 OK"]:
        raise SystemExit(f"{path}: {statuses}")


def measure() -> None:
    """Print the milliseconds of CPU time, and by the clock, that a page takes in this process."""
    for _time in range(WARM):
        for path in PAGES:
            get(path)
    clock, cpu = time.perf_counter(), time.process_time()
    for _time in range(REPEATS):
        for path in PAGES:
            get(path)
    pages = REPEATS * len(PAGES)
    print((time.process_time() - cpu) / pages * 1000, (time.perf_counter() - clock) / pages * 1000)


def main() -> None:
    if sys.argv[1:] == ["measure"]:
        measure()
        return
    if connection.vendor != "postgresql":
        raise SystemExit("Set DATABASE_URL to an empty PostgreSQL database.")
    build()
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in VARIATIONS}
    for _round in range(ROUNDS):
        for name, settings in VARIATIONS.items():
            command = [sys.executable, __file__, "measure"]
            done = subprocess.run(command, env=os.environ | settings, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603  # ourselves
            cpu, clock = map(float, done.stdout.split())
            results[name].append((cpu, clock))
    first = next(iter(VARIATIONS))
    print(f"{'':<36}{'CPU, ms':>9}{'ratio':>7}{'clock, ms':>11}{'ratio':>7}")
    for name, times in results.items():
        cells = ""
        for width, column in ((9, 0), (11, 1)):
            mine = statistics.median(pair[column] for pair in times)
            ratio = statistics.median(
                pair[column] / base[column] for pair, base in zip(times, results[first], strict=True)
            )
            cells += f"{mine:{width}.2f}{ratio:7.2f}"
        print(f"{name:<36}{cells}")


main()
