"""Posts 2,000 comments from fifty threads to a running server, and checks that all are stored once. See README.md.

Uses SQLite in a temporary directory, or the empty database in DATABASE_URL. The server is granian with several workers,
as in production. Every twentieth comment is sent twice, like a double click.
"""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("SECRET_KEY", "only-for-benchmarks")
os.environ.setdefault("BROADSIDE_DATA", tempfile.mkdtemp(prefix="broadside-benchmark-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402  # Django is set up first
from django.db import connection  # noqa: E402  # Django is set up first
from django.db.models import Count, Sum  # noqa: E402  # Django is set up first

from accounts.models import User  # noqa: E402  # Django is set up first
from blog.models import Post, Status  # noqa: E402  # Django is set up first
from comments.models import Comment, CommentPolicy, CommentSettings, RateCount  # noqa: E402  # Django is set up first
from comments.moderation.counting import miscounted  # noqa: E402  # Django is set up first

PROJECT = Path(__file__).resolve().parent.parent
COMMENTS, THREADS, WORKERS, POSTS = 2_000, 50, 4, 20
DOUBLE_EVERY = 20


def build() -> list[int]:
    """Create posts whose comments are published immediately, and return their IDs."""
    call_command("migrate", verbosity=0)
    settings = CommentSettings.current()
    settings.comment_policy, settings.proof_of_work = CommentPolicy.OPEN, False
    settings.comments_per_sender = settings.comments_per_site = 0
    settings.save()
    author = User.objects.create_user("writer")
    posts = [Post(title=f"Post {n}", source="Words.", author=author, status=Status.PUBLISHED) for n in range(POSTS)]
    for post in posts:
        post.full_clean()
        post.save()
    return [post.pk for post in posts]


def send(port: int, post: int, text: str) -> int:
    """Post one comment, and return the status of the response."""
    body = urlencode({"name": f"Reader of {text}", "email": "reader@example.org", "text": text})
    server = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    server.request("POST", f"/comments/on/post/{post}/", body, {"Content-Type": "application/x-www-form-urlencoded"})
    status = server.getresponse().status
    server.close()
    return status


def wait_for(port: int) -> None:
    for _attempt in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("The server did not start.")


def post_all(port: int, posts: list[int], threads: int, prefix: str) -> tuple[Counter[int], float]:
    """Post COMMENTS comments, some of them twice, from `threads` threads. Return the statuses and the seconds."""
    comments = [(posts[n % POSTS], f"{prefix} comment number {n}") for n in range(COMMENTS)]
    comments = [one for n, one in enumerate(comments) for _click in range(1 if n % DOUBLE_EVERY else 2)]
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        statuses = Counter(pool.map(lambda one: send(port, *one), comments))
    return statuses, time.perf_counter() - start


def main() -> None:
    posts = build()
    connection.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", str(WORKERS), "--blocking-threads", "4", "--no-ws", "--log-level", "warning"]
    server = subprocess.Popen([*command, "config.wsgi:application"], cwd=PROJECT)  # noqa: S603  # our own command
    try:
        wait_for(port)
        single, single_seconds = post_all(port, posts, 1, "First")
        parallel, parallel_seconds = post_all(port, posts, THREADS, "Second")
    finally:
        server.terminate()
        server.wait()
    requests = COMMENTS + COMMENTS // DOUBLE_EVERY
    repeated = Comment.objects.values("entry", "text").annotate(copies=Count("pk")).filter(copies__gt=1).count()
    counted = RateCount.objects.filter(sender="").aggregate(total=Sum("count"))["total"]
    approved, wrong = Comment.objects.approved().count(), list(miscounted())
    print(f"{connection.vendor}, {WORKERS} workers, {COMMENTS:,} comments in {requests:,} requests, once for each line")
    print(f"1 thread:     {requests / single_seconds:7.1f} requests per second; statuses {dict(single)}")
    print(f"{THREADS} threads:   {requests / parallel_seconds:7.1f} requests per second; statuses {dict(parallel)}")
    print(f"ratio:        {single_seconds / parallel_seconds:7.2f}")
    print(f"stored:       {Comment.objects.count():,} of {2 * COMMENTS:,}, {approved:,} of them approved")
    print(f"duplicates:   {repeated}; posts with a wrong count: {len(wrong)}")
    print(f"rate limit:   {counted:,} counted in the current periods")
    if approved != 2 * COMMENTS or repeated or wrong or {*single, *parallel} != {302}:
        raise SystemExit("Failed: comments are missing, duplicated or miscounted.")


main()
