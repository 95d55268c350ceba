"""Measures what a pool and prepared statements save with PostgreSQL, with uncached pages. See README.md.

The variations take turns. DATABASE_URL must name an empty PostgreSQL database.
"""

import argparse
import os
import statistics

import scratch_site  # isort: split

from django.db import connection
from load import Result, Target, load
from make_corpus import ensure_corpus, most_used_tag

# The settings of each variation. The others are compared with the first.
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
UNCACHED = (("Cache-Control", "no-store"),)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=2, help="for each page (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="report the medians of this many rounds (%(default)s)")
    options = parser.parse_args()
    if connection.vendor != "postgresql":
        raise SystemExit("Set DATABASE_URL to an empty PostgreSQL database.")
    ensure_corpus(options.posts)
    paths = ("/", most_used_tag().get_absolute_url(), "/category/category-1/", "/feed/")
    results: dict[str, list[list[Result]]] = {name: [] for name in VARIATIONS}
    for _round in range(options.rounds):
        for name, settings in VARIATIONS.items():
            with scratch_site.serve(settings=settings) as server:
                pages = [load(Target(server, path, UNCACHED), 1, options.seconds) for path in paths]
            results[name].append(pages)
    print(f"{options.posts:,} posts, load of the machine: {os.getloadavg()[0]:.1f}")
    print(f"{'':<36}{'CPU, ms':>9}{'ratio':>7}{'p50, ms':>11}{'ratio':>7}")
    for name, rounds in results.items():
        cells = ""
        for width, figure in ((9, "cpu"), (11, "p50")):
            mine, base = (
                [statistics.mean(getattr(page, figure) for page in pages) for pages in each]
                for each in (rounds, next(iter(results.values())))
            )
            ratio = statistics.median(value / other for value, other in zip(mine, base, strict=True))
            cells += f"{statistics.median(mine):{width}.2f}{ratio:7.2f}"
        print(f"{name:<36}{cells}")


main()
