"""Floods a site with requests for different pages that no cache has, while readers read and comment. See README.md."""

import argparse
import collections
import contextlib
import http.client
import itertools
import multiprocessing
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import scratch_site  # isort: split

from make_corpus import ensure_corpus, most_used_tag
from processes import with_descendants
from write import HEADINGS, Sent, measured, show

from blog.models import Post
from comments.models import Comment
from tags.models import Tag

WORKERS = 2
# Sent by the flood as if by a proxy in front. No file may contain it afterwards.
ADDRESS = "203.0.113.77"
HEADERS = {"X-Forwarded-For": ADDRESS, "User-Agent": "Flooder/7.7"}


def flood_paths(tags: list[str], seed: int) -> Iterator[str]:
    """Yield different URLs endlessly: pages of tags, searches, redirects and pages that don't exist."""
    rng = random.Random(seed)  # noqa: S311  # test data needs no secrecy
    for number in itertools.count():
        tag = quote(tags[rng.randrange(len(tags))])
        yield from (
            f"/tag/{tag}/",
            f"/tag/{tag}/page/{rng.randrange(2, 2000)}/",
            f"/?s=words+{seed}+{number}",
            f"/{rng.randrange(2010, 2025)}/nothing-{seed}-{number}/",
            f"/?p={rng.randrange(1, 200_000)}",
            f"/tag/{tag}/feed/",
        )


def flood(port: int, tags: list[str], seed: int, connections: int, stop: float) -> None:
    """Request as much as possible over this many connections until the clock reads `stop`, and print the statuses."""
    statuses: collections.Counter[int] = collections.Counter()

    def run(number: int) -> None:
        paths = flood_paths(tags, seed * 1000 + number)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.time() < stop:
            try:
                connection.request("GET", next(paths), headers=HEADERS)
                response = connection.getresponse()
                response.read()
                statuses[response.status] += 1
            except (OSError, http.client.HTTPException):
                statuses[0] += 1
                connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("  flood:", ", ".join(f"{count:,} × {status or 'broken'}" for status, count in sorted(statuses.items())))


def hang(port: int, stop: float) -> None:
    """Keep sixteen connections open with comments whose text never arrives."""
    start = b"POST /comments/on/post/1/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nname="
    while time.time() < stop:
        connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(16)]
        for connection in connections:
            connection.connect()
            connection.sock.sendall(start)
        for connection in connections:
            connection.sock.settimeout(max(0.1, stop - time.time()))
            with contextlib.suppress(TimeoutError):
                connection.sock.recv(1)
            connection.close()


def once_a_second(stop: float, action: Callable[[int], int]) -> list[Sent]:
    """Run an action that returns a status once a second, at least once."""
    sent: list[Sent] = []
    while not sent or time.time() < stop:
        started = time.time()
        sent.append(measured(partial(action, len(sent))))
        time.sleep(max(0.0, started + 1 - time.time()))
    return sent


def memory_of(server: scratch_site.Server) -> str:
    """Return the peak memory of the largest worker, and its current private memory, in MiB."""
    pattern = re.compile(r"(?:VmHWM|RssAnon|RssFile):\s+(\d+)")
    states = [Path(f"/proc/{pid}/status").read_text() for pid in with_descendants(server.pid)]
    sizes = ([int(kibibytes) // 1024 for kibibytes in pattern.findall(state)] for state in states)
    peak, own, mapped = max(sizes)
    return f"{peak} MiB at most, now {own} MiB of its own and {mapped} MiB of files that all share"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    ensure_corpus(options.posts)
    scratch_site.allow_comments()
    tags = list(Tag.objects.order_by("?").values_list("slug", flat=True)[:20_000])
    posts = list(Post.objects.published().values_list("pk", flat=True)[:500])
    hot = ["/", most_used_tag().get_absolute_url(), Post.objects.published()[0].get_absolute_url(), "/feed/"]
    before = Comment.objects.count()
    with scratch_site.serve(WORKERS) as server:

        def read(number: int) -> int:
            return scratch_site.status_of(server.port, hot[number % len(hot)])

        def comment(number: int) -> int:
            return scratch_site.send_comment(server.port, posts[number % len(posts)], f"comment at {time.time()}")

        for number in range(40):
            read(number)
        for name, seconds, connections in (
            ("idle", min(15, options.seconds), 0),
            ("under siege", options.seconds, options.connections),
        ):
            print(f"{f'{name}, {seconds:g} s; ms':<36}{HEADINGS}")
            stop = time.time() + seconds
            floods = [
                multiprocessing.Process(target=flood, args=(server.port, tags, seed, connections // 2, stop))
                for seed in range(2 if connections else 0)
            ]
            if connections:
                floods.append(multiprocessing.Process(target=hang, args=(server.port, stop)))
            for process in floods:
                process.start()
            comments: list[Sent] = []
            commenter = threading.Thread(target=lambda: comments.extend(once_a_second(stop, comment)))  # noqa: B023  # it ends in this round
            commenter.start()
            reads = once_a_second(stop, read)
            commenter.join()
            for process in floods:
                process.join()
            show("  reader", reads)
            show("  comments", comments)
            before += len(comments)
        print(f"worker: {memory_of(server)}")
    print(f"comments stored: {Comment.objects.count()} of {before}")
    planted = (ADDRESS.encode(), b"Flooder/7.7")
    files = [path for path in scratch_site.FOLDER.rglob("*") if path.is_file()]
    found = [path for path in files if any(trace in path.read_bytes() for trace in planted)]
    print(f"files with a trace of the sender: {len(found)} of {len(files)}")


if __name__ == "__main__":
    main()
