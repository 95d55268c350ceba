"""A thousand comments wait: how long does the server take for the queue page and for each decision? See README.md.

SQLite in a folder of its own, or the empty database in DATABASE_URL. The whole request is measured, with session,
permissions and middleware, in this process.
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("SECRET_KEY", "only-for-benchmarks")
os.environ.setdefault("BROADSIDE_DATA", tempfile.mkdtemp(prefix="broadside-benchmark-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402  (Django is set up first)
from django.contrib.auth.models import Group  # noqa: E402  (Django is set up first)
from django.core.management import call_command  # noqa: E402  (Django is set up first)
from django.db import connection  # noqa: E402  (Django is set up first)
from django.test import Client  # noqa: E402  (Django is set up first)

from accounts.models import User  # noqa: E402  (Django is set up first)
from blog.models import Post  # noqa: E402  (Django is set up first)
from blog.models import Status as PostStatus  # noqa: E402  (Django is set up first)
from comments.models import Comment, Status  # noqa: E402  (Django is set up first)

QUEUE = "/admin/comments/queue/"
WAITING, APPROVED, POSTS = 1_000, 20_000, 50
WORDS = [
    "about",
    "the",
    "right",
    "to",
    "be",
    "heard",
    "in",
    "court",
    "and",
    "what",
    "it",
    "cost",
    "who",
    "wrote",
    "first",
]


def build() -> User:
    """A site with many comments, of which WAITING wait; returns a moderator."""
    call_command("migrate", verbosity=0)
    chance = random.Random(1)  # noqa: S311  (a sample, not a secret)
    moderator = User.objects.create_user("moderator", is_staff=True)
    moderator.groups.add(Group.objects.get(name="Moderator"))
    posts = [
        Post(title=f"Post {n}", source="Words.", author=moderator, status=PostStatus.PUBLISHED) for n in range(POSTS)
    ]
    for post in posts:
        post.full_clean()
        post.save()

    def made(number: int, status: Status) -> Comment:
        person = chance.randrange(500)
        return Comment(
            post=chance.choice(posts),
            name=f"Reader {person}",
            email=f"reader{person}@example.org",
            text=" ".join(chance.choices(WORDS, k=chance.randrange(10, 200))) + f" {number}",
            status=status,
        )

    Comment.objects.bulk_create((made(n, Status.APPROVED) for n in range(APPROVED)), batch_size=1_000)
    Comment.objects.bulk_create((made(n, Status.PENDING) for n in range(WAITING)), batch_size=1_000)
    return moderator


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Milliseconds by the clock, and of the processor: others may be at work on the machine."""
    start, busy = time.perf_counter(), time.process_time()
    answer = work()
    taken = (time.perf_counter() - start) * 1_000, (time.process_time() - busy) * 1_000
    if answer.status_code != 200:
        raise SystemExit(f"The server answered {answer.status_code}.")
    return taken


def report(name: str, times: list[tuple[float, float]]) -> None:
    for measure, taken in zip(("clock", "processor"), zip(*times, strict=True), strict=True):
        most = quantiles(taken, n=100)[98]
        print(
            f"{name}, {measure}: median {median(taken):.1f} ms, 99 % under {most:.1f} ms, longest {max(taken):.1f} ms"
        )


def main() -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.SECURE_SSL_REDIRECT = False
    client = Client()
    client.force_login(build())
    print(f"{connection.vendor}: {WAITING} comments wait among {APPROVED} approved ones")
    client.get(QUEUE)
    report("queue page", [timed(lambda: client.get(QUEUE)) for _ in range(50)])
    chance = random.Random(2)  # noqa: S311  (a sample, not a secret)
    times: list[tuple[float, float]] = []
    for comment in Comment.objects.filter(status=Status.PENDING).order_by("created_at", "pk"):
        move = chance.choices(["approve", "spam", "trash"], [3, 6, 1])[0]
        sent = {"decide": move, "comment": comment.pk, "seen": f"{comment.pk}:{comment.mark}"}
        times.append(
            timed(lambda sent=sent: client.post(f"{QUEUE}decide/", sent, headers={"Accept": "application/json"}))
        )
    report("decision", times)
    left = Comment.objects.filter(status=Status.PENDING).count()
    print(f"{left} still wait")


if __name__ == "__main__":
    main()
