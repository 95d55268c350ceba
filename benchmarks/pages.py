"""Measures pages, rendered and from the page cache, against a bare Django view and nginx with the same bytes.

See README.md.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import scratch_site  # isort: split

from load import Result, Target, load, ratio
from make_corpus import ensure_corpus, most_used_tag
from processes import free_port

from blog.models import Entry, Post, Redirect
from tags.models import TaggedPost

# The page cache ignores requests with this header, as it does those of `verify_import`.
UNCACHED = ("Cache-Control", "no-store")
GZIP = ("Accept-Encoding", "gzip")
BROWSER = ("Accept-Encoding", "br, gzip")
RENDERED, HIT = "rendered", "hit"


class Row(NamedTuple):
    """A row of the table: a kind of page, how it is answered, and how it is requested."""

    page: str
    variant: str
    target: Target


# The results of all rounds, for each row and number of connections.
Results = dict[Row, list[list[Result]]]


def paths_of_pages() -> dict[str, tuple[str, int]]:
    """Return the path and the status of each kind of page."""
    tag = most_used_tag()
    last_page = -(-TaggedPost.objects.public().filter(tag=tag).count() // 10)
    # The oldest post, because the neighbours of the newest are found more easily.
    discussed = Post.objects.published().filter(comment_count=9).order_by("pk")[0]
    moved = Post.objects.published().order_by("pk")[0]
    Redirect.objects.get_or_create(path="/2009/01/01/moved/", entry=Entry.objects.get(pk=moved.pk))
    return {
        "front page": ("/", 200),
        "tag, first page": (tag.get_absolute_url(), 200),
        "tag, last page": (f"{tag.get_absolute_url()}page/{last_page}/", 200),
        "post, 9 comments": (discussed.get_absolute_url(), 200),
        "tag feed": (f"{tag.get_absolute_url()}feed/", 200),
        "search, 2 words": ("/?s=human+rights", 200),
        "redirect": ("/2009/01/01/moved/", 301),
        "not found": ("/2009/01/01/never-existed/", 404),
    }


def rows_of(ours: scratch_site.Server) -> list[Row]:
    """Return the rows of our pages, with comments last, because each comment changes the content."""
    rows = []
    for page, (path, status) in paths_of_pages().items():
        rows += [
            Row(page, RENDERED, Target(ours, path, (UNCACHED,), status)),
            Row(page, "rendered, gzip", Target(ours, path, (UNCACHED, GZIP), status)),
            Row(page, HIT, Target(ours, path, (BROWSER,), status)),
        ]
    # The newer half of the posts, without the one whose page is measured.
    pks = list(Post.objects.published().order_by("pk").values_list("pk", flat=True))
    posts = range(pks[len(pks) // 2], pks[-1])
    return [*rows, Row("comment", RENDERED, Target(ours, "/", status=302, posts=posts))]


def nginx_server(folder: Path, port: int, hits: list[Row]) -> str:
    """Write our hits into files, and return the nginx server that sends them like any files."""
    locations = []
    for number, row in enumerate(hits):
        headers, body = row.target.get()
        (folder / f"{number}.html").write_bytes(body)
        answer = {
            301: f"return 301 {headers.get('Location')};",
            404: f"error_page 404 /{number}.html; return 404;",
        }.get(row.target.status, f"try_files /{number}.html =500;")
        encoding = f"add_header Content-Encoding {headers['Content-Encoding']} always;" if body else ""
        locations.append(f"location = /{number} {{ {encoding} {answer} }}")
    return f"server {{ listen 127.0.0.1:{port}; root {folder}; access_log off; {' '.join(locations)} }}"


def measure(rows: list[Row], connections: Sequence[int], rounds: int, seconds: float) -> Results:
    results: Results = {row: [[] for _count in connections] for row in rows}
    for _round in range(rounds):
        for row, columns in results.items():
            for count, column in zip(connections, columns, strict=True):
                column.append(load(row.target, count, seconds))
    return results


def print_table(results: Results, bare: list[list[Result]]) -> None:
    print(f"{'':<34}{'kB':>6}" + f"{'req/s':>11}{'p50, ms':>10}{'p99, ms':>10}{'CPU':>9}" * len(bare))
    for row, columns in results.items():
        size = 0 if row.target.posts else len(row.target.get()[1])
        cells = f"{row.page:<18}{row.variant:<16}{size / 1000:>6.1f}"
        for column, unit in zip(columns, bare, strict=True):
            rate, p50, p99, _cpu = (statistics.median(values) for values in zip(*column, strict=True))
            cells += f"{rate:>11,.0f}{p50:>10.2f}{p99:>10.2f}{ratio(column, unit, 'cpu'):>7.2f} b"
        print(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=2, help="for each row and number of connections (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="report the medians of this many rounds (%(default)s)")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16], help="columns (%(default)s)")
    parser.add_argument("--plain", action="store_true", help="print lines for growth.py, about rendered pages only")
    options = parser.parse_args()
    ensure_corpus(options.posts)
    scratch_site.allow_comments()
    port, folder = free_port(), Path(tempfile.mkdtemp(dir=scratch_site.FOLDER))
    with (
        scratch_site.serve_bare_view() as django,
        scratch_site.serve() as ours,
    ):
        first, rows = Row("bare view", "", Target(django, "/")), rows_of(ours)
        if options.plain:
            rows = [first, *(row for row in rows if row.variant == RENDERED)]
            results = measure(rows, (1,), options.rounds, options.seconds)
            bare = results.pop(first)[0]
            print("\n".join(f"{row.page}\t{ratio(column, bare, 'cpu')}" for row, (column,) in results.items()))
            return
        hits = [row for row in rows if row.variant == HIT]
        with scratch_site.serve_with_nginx(folder, nginx_server(folder, port, hits), port) as nginx:
            for number, row in enumerate(hits):
                target = Target(nginx, f"/{number}", status=row.target.status)
                rows.insert(rows.index(row) + 1, Row(row.page, "nginx", target))
            results = measure([first, *rows], options.connections, options.rounds, options.seconds)
            costs = [statistics.median(each.cpu for each in column) for column in results[first]]
            units = " and ".join(f"{each:.3f} ms" for each in costs)
            counts = " and ".join(map(str, options.connections))
            print(f"{options.posts:,} posts; b = {units} of CPU, with {counts} connections")
            print(f"load of the machine: {os.getloadavg()[0]:.1f}")
            print_table(results, results[first])


if __name__ == "__main__":
    main()
