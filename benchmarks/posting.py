"""Fifty threads post 2,000 comments at a running server: is each stored once, are the counts right? See README.md.

SQLite in a folder of its own, or the empty database in DATABASE_URL. The server is granian with several workers, as
in production. Every twentieth comment is sent twice at once, as a double click.
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

from django.core.management import call_command  # noqa: E402  (Django is set up first)
from django.db import connection  # noqa: E402  (Django is set up first)
from django.db.models import Count, Sum  # noqa: E402  (Django is set up first)

from accounts.models import User  # noqa: E402  (Django is set up first)
from blog.models import Post, Status  # noqa: E402  (Django is set up first)
from blog.site import CommentPolicy, SiteSettings  # noqa: E402  (Django is set up first)
from comments.counting import miscounted  # noqa: E402  (Django is set up first)
from comments.models import Arrivals, Comment  # noqa: E402  (Django is set up first)

HERE = Path(__file__).resolve().parent.parent
COMMENTS, THREADS, WORKERS, POSTS = 2_000, 50, 4, 20
TWICE = 20


def build() -> list[int]:
    """Some posts that take comments of everybody at once; returns their keys."""
    call_command("migrate", verbosity=0)
    site = SiteSettings.current()
    site.comment_policy, site.proof_of_work = CommentPolicy.OPEN, False
    site.comments_per_sender = site.comments_per_site = 0
    site.save()
    author = User.objects.create_user("writer")
    posts = [Post(title=f"Post {n}", source="Words.", author=author, status=Status.PUBLISHED) for n in range(POSTS)]
    for post in posts:
        post.full_clean()
        post.save()
    return [post.pk for post in posts]


def send(port: int, post: int, words: str) -> int:
    """Post one comment; returns the status of the answer."""
    body = urlencode({"name": f"Reader of {words}", "email": "reader@example.org", "text": words})
    there = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    there.request("POST", f"/comments/on/post/{post}/", body, {"Content-Type": "application/x-www-form-urlencoded"})
    status = there.getresponse().status
    there.close()
    return status


def wait_for(port: int) -> None:
    for _attempt in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("The server did not start.")


def post_all(port: int, posts: list[int], threads: int, prefix: str) -> tuple[Counter[int], float]:
    """Post COMMENTS comments, some of them twice, in `threads` threads; returns the answers and the seconds."""
    sent = [(posts[n % POSTS], f"{prefix} comment number {n}") for n in range(COMMENTS)]
    sent = [one for n, one in enumerate(sent) for _click in range(1 if n % TWICE else 2)]
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        answers = Counter(pool.map(lambda one: send(port, *one), sent))
    return answers, time.perf_counter() - start


def main() -> None:
    posts = build()
    connection.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", str(WORKERS), "--blocking-threads", "4", "--no-ws", "--log-level", "warning"]
    server = subprocess.Popen([*command, "config.wsgi:application"], cwd=HERE)  # noqa: S603  (our own command)
    try:
        wait_for(port)
        alone, seconds_alone = post_all(port, posts, 1, "First")
        together, seconds = post_all(port, posts, THREADS, "Second")
    finally:
        server.terminate()
        server.wait()
    clicks = COMMENTS + COMMENTS // TWICE
    repeated = Comment.objects.values("post", "text").annotate(number=Count("pk")).filter(number__gt=1).count()
    counted = Arrivals.objects.filter(sender="").aggregate(all=Sum("number"))["all"]
    approved, wrong = Comment.objects.approved().count(), list(miscounted())
    print(f"{connection.vendor}, {WORKERS} workers, twice {COMMENTS:,} comments, each in {clicks:,} requests")
    print(f"one thread:   {clicks / seconds_alone:7.1f} requests a second; answers {dict(alone)}")
    print(f"{THREADS} threads:   {clicks / seconds:7.1f} requests a second; answers {dict(together)}")
    print(f"ratio:        {seconds_alone / seconds:7.2f}")
    print(f"stored:       {Comment.objects.count():,} of {2 * COMMENTS:,}, {approved:,} of them approved")
    print(f"more than once: {repeated}; posts with a wrong count: {len(wrong)}")
    print(f"counted against floods since the last period began: {counted:,}")
    if approved != 2 * COMMENTS or repeated or wrong or {*alone, *together} != {302}:
        raise SystemExit("This is wrong.")


main()
