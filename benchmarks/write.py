"""Measures the cost of a comment and how writers slow readers down, and checks that none is lost. See README.md.

The server is granian with several worker processes. Every twentieth comment is sent twice, like a double click.
"""

import argparse
import itertools
import multiprocessing
import statistics
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import scratch_site  # isort: split

from django.db import connection
from django.db.models import Count
from load import Target, load
from make_corpus import ensure_corpus
from pages import paths_of_pages

from blog.models import Post
from comments.models import Comment
from comments.moderation.counting import miscounted

WRITERS, READERS = 16, 4
# How many pages a reader requests in a second.
PACE = 5
DOUBLE_EVERY = 20
HEADINGS = f"{'p50':>9}{'p99':>9}{'longest':>9}   statuses"
HOT = ("front page", "tag, first page", "post, 9 comments", "tag feed")


class Sent(NamedTuple):
    """A request for a page, or a comment: how long it took, in seconds, the status, and the comment's text."""

    seconds: float
    status: int
    text: str = ""


def measured(send: Callable[[], int], text: str = "") -> Sent:
    started = time.perf_counter()
    status = send()
    return Sent(time.perf_counter() - started, status, text)


def read(port: int, paths: list[str], stop: float) -> list[Sent]:
    """Request these pages in turn until the clock reads `stop`, as all readers."""

    def run(reader: int) -> list[Sent]:
        sent = []
        for path in itertools.islice(itertools.cycle(paths), reader, None):
            started = time.time()
            sent.append(measured(partial(scratch_site.status_of, port, path)))
            time.sleep(max(0.0, started + 1 / PACE - time.time()))
            if time.time() >= stop:
                break
        return sent

    with ThreadPoolExecutor(READERS) as pool:
        return [*itertools.chain.from_iterable(pool.map(run, range(READERS)))]


def write(port: int, posts: list[int], name: str, stop: float) -> list[Sent]:
    """Comment until the clock reads `stop`, as all writers."""

    def run(writer: int) -> list[Sent]:
        sent: list[Sent] = []
        for number in itertools.count():
            post, text = posts[(writer + number) % len(posts)], f"{name}, writer {writer}, comment {number}"
            clicks = 1 if number % DOUBLE_EVERY else 2
            sent += [measured(partial(scratch_site.send_comment, port, post, text), text) for _click in range(clicks)]
            if time.time() >= stop:
                break
        return sent

    with ThreadPoolExecutor(WRITERS) as pool:
        return [*itertools.chain.from_iterable(pool.map(run, range(WRITERS)))]


def show(label: str, sent: list[Sent]) -> float:
    """Print a line of the table, and return the 99th percentile."""
    times = sorted(each.seconds for each in sent)
    p50, p99 = statistics.median(times), times[int(len(times) * 0.99)]
    statuses = ", ".join(f"{count:,} × {status}" for status, count in sorted(Counter(s.status for s in sent).items()))
    print(f"{label:<36}{p50 * 1000:>9.1f}{p99 * 1000:>9.1f}{times[-1] * 1000:>9.1f}   {statuses}")
    return p99


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=20, help="duration of each measurement (%(default)s)")
    parser.add_argument("--workers", type=int, default=4, help="processes of the server (%(default)s)")
    options = parser.parse_args()
    ensure_corpus(options.posts)
    scratch_site.allow_comments()
    paths = [path for name, (path, _status) in paths_of_pages().items() if name in HOT]
    # Without the post that is read, whose page would become more and more expensive.
    posts = list(Post.objects.published().exclude(comment_count=9).values_list("pk", flat=True)[:100])
    before = Comment.objects.count()
    name = f"At {time.time()}"
    with (
        # Separate processes, so that readers wait for the server and not for the writers' Python.
        ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool,
        scratch_site.serve_bare_view() as bare,
        scratch_site.serve(options.workers) as ours,
    ):

        def start(function: Callable[..., list[Sent]], *arguments: object) -> Future[list[Sent]]:
            return pool.submit(function, ours.port, *arguments, time.time() + options.seconds)

        # Lets every process render every page, because each comment makes it expire, and compile its queries.
        reading, writing = start(read, paths), start(write, posts, f"{name}, first")
        reading.result()
        warm = writing.result()
        unit = load(Target(bare, "/"), 1, min(2, options.seconds)).cpu
        # The first request after the last comment renders the page.
        for path in paths:
            scratch_site.status_of(ours.port, path)
        idle = start(read, paths).result()
        used = ours.cpu_seconds()
        alone = start(write, posts, f"{name}, alone").result()
        cost = (ours.cpu_seconds() - used) / len({each.text for each in alone}) * 1000
        reading, writing = start(read, paths), start(write, posts, f"{name}, with readers")
        read_meanwhile, with_readers = reading.result(), writing.result()
    print(f"{connection.vendor}, {options.posts:,} posts, {options.workers} processes, ", end="")
    print(f"{WRITERS} writers, {READERS} readers; b = {unit:.3f} ms of CPU")
    print(f"{'ms':<36}{HEADINGS}")
    idle_p99 = show("pages, without writers", idle)
    p99 = show("pages, while others write", read_meanwhile)
    show("comments, without readers", alone)
    show("comments, while others read", with_readers)
    print(f"readers' p99 while others write: {p99 / idle_p99:.1f} times its idle value")
    print(f"a comment: {cost / unit:.1f} b ({cost:.2f} ms of CPU); {len(alone) / options.seconds:.0f} a second")
    sent = {each.text for each in (*warm, *alone, *with_readers)}
    found = Comment.objects.approved().filter(text__startswith=name)
    repeated = found.values("entry", "text").annotate(copies=Count("pk")).filter(copies__gt=1).count()
    wrong = len(list(miscounted()))
    stored = set(found.values_list("text", flat=True))
    print(f"stored: {len(stored & sent):,} of {len(sent):,}; twice: {repeated}; posts with a wrong count: {wrong}")
    refused = {each.status for each in (*warm, *alone, *with_readers)} - {302}
    if stored != sent or Comment.objects.count() != before + len(sent) or repeated or wrong or refused:
        raise SystemExit("Failed: comments are missing, duplicated or miscounted.")


if __name__ == "__main__":
    main()
