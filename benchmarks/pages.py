"""Measures what pages outside the page cache cost, in units of a bare Django view of the same run. See README.md."""

import argparse
import gzip
import http.client
import statistics
from urllib.parse import urlencode

import scratch_site  # isort: split

from make_corpus import make_corpus, most_used_tag

from blog.models import Entry, Post, Redirect
from tags.models import TaggedPost

# The page cache leaves these requests alone, as it does those of `verify_import`.
UNCACHED = {"Cache-Control": "no-store"}


def paths_of_pages() -> dict[str, str]:
    """Return the path of each kind of page."""
    tag = most_used_tag()
    last_page = -(-TaggedPost.objects.public().filter(tag=tag).count() // 10)
    discussed = Post.objects.published().filter(comment_count=9).first()
    moved = Post.objects.published().order_by("pk").first()
    Redirect.objects.get_or_create(path="/2009/01/01/moved/", entry=Entry.objects.get(pk=moved.pk))
    return {
        "front page": "/",
        "tag, first page": tag.get_absolute_url(),
        "tag, last page": f"{tag.get_absolute_url()}page/{last_page}/",
        "post, 9 comments": discussed.get_absolute_url(),
        "tag feed": f"{tag.get_absolute_url()}feed/",
        "redirect": "/2009/01/01/moved/",
        "not found": "/2009/01/01/never-existed/",
    }


def ask(server: scratch_site.Server, path: str, count: int, headers: dict[str, str], body: str = "") -> tuple[int, int]:
    """Send a request `count` times over one connection. Return the status and the bytes of the last response."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    status = size = 0
    for _request in range(count):
        connection.request("POST" if body else "GET", path, body or None, headers)
        response = connection.getresponse()
        content = response.read()
        status = response.status
        size = len(gzip.decompress(content) if response.headers["Content-Encoding"] == "gzip" else content)
    connection.close()
    return status, size


def cpu_of(server: scratch_site.Server, path: str, count: int, headers: dict[str, str]) -> float:
    """Return the seconds of processor time that one request takes."""
    before = server.cpu_seconds()
    ask(server, path, count, headers)
    return (server.cpu_seconds() - before) / count


def cpu_of_comments(server: scratch_site.Server, count: int, run: int) -> float:
    """Return the seconds of processor time that one comment takes, from its submission to the redirect."""
    posts = list(Post.objects.published().values_list("pk", flat=True)[:count])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    before = server.cpu_seconds()
    for pk in posts:
        form = {"name": "Reader", "email": "reader@example.org", "text": f"Comment {run}"}
        status, _size = ask(server, f"/comments/on/post/{pk}/", 1, headers, urlencode(form))
        if status != 302:
            raise SystemExit(f"A comment was not accepted: {status}")
    return (server.cpu_seconds() - before) / len(posts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=5_000)
    parser.add_argument("--requests", type=int, default=100, help="in each round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="whose median counts (%(default)s)")
    parser.add_argument("--plain", action="store_true", help="print lines for growth.py")
    options = parser.parse_args()
    scratch_site.migrate()
    # A second run in the same BROADSIDE_DATA measures the same site.
    if not Post.objects.exists():
        make_corpus(options.posts)
    scratch_site.allow_comments()
    paths = paths_of_pages()
    plain, compressed = UNCACHED, UNCACHED | {"Accept-Encoding": "gzip"}
    with (
        scratch_site.serve_application("benchmarks.bare_django:application") as bare,
        scratch_site.serve_application("config.rsgi:application", interface="rsgi") as ours,
    ):
        answers = {name: ask(ours, path, 20, plain) for name, path in paths.items()}
        ask(bare, "/", 200, {})
        units, costs = [], {name: ([], []) for name in (*paths, "comment")}
        for run in range(options.rounds):
            units.append(cpu_of(bare, "/", options.requests * 5, {}))
            for name, path in paths.items():
                costs[name][0].append(cpu_of(ours, path, options.requests, plain) / units[-1])
                costs[name][1].append(cpu_of(ours, path, options.requests, compressed) / units[-1])
            costs["comment"][0].append(cpu_of_comments(ours, min(options.requests, 40), run) / units[-1])
    if options.plain:
        print("\n".join(f"{name}\t{statistics.median(as_is)}" for name, (as_is, _zipped) in costs.items()))
        return
    print(f"{options.posts:,} posts; b = {statistics.median(units) * 1000:.3f} ms of CPU")
    print(f"{'not in the page cache':<24}{'status':>8}{'kB':>6}{'CPU':>9}{'with gzip':>12}")
    for name, (as_is, zipped) in costs.items():
        status, size = answers.get(name, (302, 0))
        print(f"{name:<24}{status:>8}{size / 1000:>6.0f}{statistics.median(as_is):>7.1f} b", end="")
        print(f"{statistics.median(zipped):>10.1f} b" if zipped else "")


if __name__ == "__main__":
    main()
