"""Measures complete requests of the moderation queue with 1,000 pending comments, and of decisions. See README.md."""

import random
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

import scratch_site  # isort: split

from django.db import connection
from django.test import Client

from comments.models import Comment, CommentStatus

QUEUE = "/admin/comments/queue/"
PENDING, APPROVED, POSTS = 1_000, 20_000, 50
WORDS = "about the right to be heard in court and what it cost who wrote first".split()  # noqa: SIM905  # more readable


def build() -> Client:
    """Create many comments, of which PENDING are pending, and log in as a moderator."""
    scratch_site.migrate()
    rng = random.Random(1)  # noqa: S311  # test data needs no secrecy
    moderator, client = scratch_site.log_in("Moderator")
    posts = scratch_site.create_posts(POSTS, moderator)
    comments = []
    for number in range(APPROVED + PENDING):
        person = rng.randrange(500)
        comment = Comment(entry=rng.choice(posts), name=f"Reader {person}", email=f"reader{person}@example.org")
        comment.text = " ".join(rng.choices(WORDS, k=rng.randrange(10, 200))) + f" {number}"
        comment.status = CommentStatus.APPROVED if number < APPROVED else CommentStatus.PENDING
        comments.append(comment)
    Comment.objects.bulk_create(comments, batch_size=1_000)
    return client


def timed(request: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[float, float]:
    """Return the milliseconds of wall-clock and of processor time, since the machine may be busy."""
    start, cpu_start = time.perf_counter(), time.process_time()
    response = request(*args, **kwargs)
    milliseconds = (time.perf_counter() - start) * 1_000, (time.process_time() - cpu_start) * 1_000
    if response.status_code != 200:
        raise SystemExit(f"The server returned status {response.status_code}.")
    return milliseconds


def report(name: str, times: list[tuple[float, float]]) -> None:
    for measure, milliseconds in zip(("clock", "CPU"), zip(*times, strict=True), strict=True):
        percentile_99 = quantiles(milliseconds, n=100)[98]
        print(
            f"{name}, {measure}: median {median(milliseconds):.1f} ms,"
            f" 99 % under {percentile_99:.1f} ms, longest {max(milliseconds):.1f} ms"
        )


def main() -> None:
    client = build()
    print(f"{connection.vendor}: {PENDING} pending comments among {APPROVED} approved ones")
    client.get(QUEUE)
    report("queue page", [timed(client.get, QUEUE) for _ in range(50)])
    rng = random.Random(2)  # noqa: S311  # test data needs no secrecy
    times: list[tuple[float, float]] = []
    for comment in Comment.objects.filter(status=CommentStatus.PENDING).order_by("created_at", "pk"):
        action = rng.choices(["approve", "spam", "trash"], [3, 6, 1])[0]
        data = {"decide": action, "comment": comment.pk, "seen": f"{comment.pk}:{comment.mark}"}
        times.append(timed(client.post, f"{QUEUE}decide/", data, headers={"Accept": "application/json"}))
    report("decision", times)
    left = Comment.objects.filter(status=CommentStatus.PENDING).count()
    print(f"{left} are still pending")


if __name__ == "__main__":
    main()
