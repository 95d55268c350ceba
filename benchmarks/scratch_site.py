"""A site in a temporary directory, or in the empty database in DATABASE_URL. Importing this module sets up Django."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))
os.environ.setdefault("SECRET_KEY", "only-for-benchmarks" * 3)
os.environ.setdefault("BROADSIDE_DATA", tempfile.mkdtemp(prefix="broadside-benchmark-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402  # the environment is set up first

django.setup()

from django.core.management import call_command  # noqa: E402  # Django is set up first
from django.db import connection  # noqa: E402  # Django is set up first

from accounts.models import User  # noqa: E402  # Django is set up first
from blog.models import Post, Status  # noqa: E402  # Django is set up first
from comments.models import CommentPolicy, CommentSettings  # noqa: E402  # Django is set up first


def create_posts(count: int, author: User) -> list[Post]:
    posts = [Post(title=f"Post {n}", source="Some text.", author=author, status=Status.PUBLISHED) for n in range(count)]
    for post in posts:
        post.full_clean()
        post.save()
    return posts


def allow_comments() -> None:
    """Publish all comments immediately, however many there are."""
    settings = CommentSettings.current()
    settings.comment_policy, settings.proof_of_work = CommentPolicy.OPEN, False
    settings.comments_per_sender = settings.comments_per_site = 0
    settings.save()


def migrate() -> None:
    call_command("migrate", verbosity=0)


@contextmanager
def serve(workers: int) -> Iterator[int]:
    """Run granian as in production, and yield its port."""
    connection.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", str(workers), "--blocking-threads", "4", "--no-ws", "--log-level", "warning"]
    server = subprocess.Popen([*command, "config.wsgi:application"], cwd=PROJECT)  # noqa: S603  # our own command
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    for _attempt in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("The server did not start.")
