"""Posts 2,000 comments from fifty threads to a running server, and checks that all are stored once. See README.md.

The server is granian with four workers, as in production. Every twentieth comment is sent twice, like a double click.
"""

import argparse
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import scratch_site  # isort: split

from django.db import connection
from django.db.models import Count, Sum

from accounts.models import User
from comments.models import Comment, RateCount
from comments.moderation.counting import miscounted

THREADS, WORKERS, POSTS = 50, 4, 20
DOUBLE_EVERY = 20


def post_all(port: int, posts: list[int], count: int, threads: int, prefix: str) -> tuple[Counter[int], float]:
    """Post `count` comments, some of them twice, from `threads` threads. Return the statuses and the seconds."""
    comments = [(posts[n % POSTS], f"{prefix} comment number {n}") for n in range(count)]
    comments = [one for n, one in enumerate(comments) for _click in range(1 if n % DOUBLE_EVERY else 2)]
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        statuses = Counter(pool.map(lambda one: scratch_site.send_comment(port, *one), comments))
    return statuses, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comments", type=int, default=2_000, help="from one thread, and then from many (%(default)s)")
    comments = parser.parse_args().comments
    scratch_site.migrate()
    scratch_site.allow_comments()
    posts = [post.pk for post in scratch_site.create_posts(POSTS, User.objects.create_user("writer"))]
    with scratch_site.serve(WORKERS) as port:
        single, single_seconds = post_all(port, posts, comments, 1, "First")
        parallel, parallel_seconds = post_all(port, posts, comments, THREADS, "Second")
    requests = comments + len(range(0, comments, DOUBLE_EVERY))
    repeated = Comment.objects.values("entry", "text").annotate(copies=Count("pk")).filter(copies__gt=1).count()
    counted = RateCount.objects.filter(sender="").aggregate(total=Sum("count"))["total"]
    approved, wrong = Comment.objects.approved().count(), list(miscounted())
    print(f"{connection.vendor}, {WORKERS} workers, {comments:,} comments in {requests:,} requests, once for each line")
    print(f"1 thread:     {requests / single_seconds:7.1f} requests per second; statuses {dict(single)}")
    print(f"{THREADS} threads:   {requests / parallel_seconds:7.1f} requests per second; statuses {dict(parallel)}")
    print(f"ratio:        {single_seconds / parallel_seconds:7.2f}")
    print(f"stored:       {Comment.objects.count():,} of {2 * comments:,}, {approved:,} of them approved")
    print(f"duplicates:   {repeated}; posts with a wrong count: {len(wrong)}")
    print(f"rate limit:   {counted:,} counted in the current periods")
    if approved != 2 * comments or repeated or wrong or {*single, *parallel} != {302}:
        raise SystemExit("Failed: comments are missing, duplicated or miscounted.")


main()
