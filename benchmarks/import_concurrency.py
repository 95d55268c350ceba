"""Sends comments and saves posts in the admin while 20,000 posts are imported. See README.md.

The server is granian with two workers, as in production. Nothing may fail or take longer than MAX_SECONDS.
"""

import argparse
import http.client
import random
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Final
from urllib.parse import urlencode

import scratch_site  # isort: split

from django.conf import settings
from django.test import Client
from lxml import html
from made_export import write_export

from accounts.models import User
from blog.models import Post
from comments.models import Comment

POSTS, COMMENTS, SAVES, WORKERS = 10, 200, 50, 2
MAX_SECONDS: Final = 3.0


class Sender:
    """Sends requests from several threads, each as soon as the last one is answered and a pause is over."""

    def __init__(self, port: int, session: str) -> None:
        self._port = port
        self._cookie = f"{settings.SESSION_COOKIE_NAME}={session}"

    def comment(self, number: int, post: int, prefix: str) -> float:
        form = {"name": "Reader", "email": f"reader{number}@example.org", "text": f"{prefix} comment number {number}"}
        start = time.perf_counter()
        self._request("POST", f"/comments/on/post/{post}/", form)
        return time.perf_counter() - start

    def save(self, number: int, post: int, prefix: str) -> float:
        """Open a post in the admin and save it with another title. Return how long both took."""
        path = f"/admin/blog/post/{post}/change/"
        start = time.perf_counter()
        page, csrf = self._request("GET", path)
        form = html.fromstring(page).get_element_by_id("post_form")
        self._request("POST", path, dict(form.form_values()) | {"title": f"{prefix} title {number}"}, csrf)
        return time.perf_counter() - start

    def _request(self, method: str, path: str, form: dict[str, str] | None = None, csrf: str = "") -> tuple[str, str]:
        server = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        headers = {"Cookie": f"{self._cookie}; {csrf}"} if path.startswith("/admin/") else {}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        server.request(method, path, urlencode(form) if form is not None else None, headers)
        response = server.getresponse()
        body = response.read().decode()
        server.close()
        if response.status != (200 if form is None else 302):
            raise SystemExit(f"Failed: {method} {path} returned status {response.status}.")
        return body, (response.headers["Set-Cookie"] or "").partition(";")[0]


def send_all(sender: Sender, posts: list[int], pause: float, prefix: str) -> tuple[list[float], list[float]]:
    """Send everything from six threads, with pauses of `pause` seconds on average. Return the seconds of each."""

    def paced(send: Callable[[int, int, str], float], count: int) -> Callable[[int], float]:
        def send_one(number: int) -> float:
            time.sleep(random.uniform(0, 2 * pause))  # noqa: S311  # pauses need no secrecy
            return send(number, posts[number % len(posts)], prefix)

        return send_one

    with ThreadPoolExecutor(4) as readers, ThreadPoolExecutor(2) as editors:
        comments = readers.map(paced(sender.comment, COMMENTS), range(COMMENTS))
        saves = editors.map(paced(sender.save, SAVES), range(SAVES))
        return list(comments), list(saves)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=20_000, help="how many posts are imported (%(default)s)")
    parser.add_argument("--pause", type=float, default=0.4, help="seconds between two requests (%(default)s)")
    options = parser.parse_args()
    scratch_site.migrate()
    scratch_site.allow_comments()
    editor = User.objects.create_superuser("editor", password=None)
    posts = [post.pk for post in scratch_site.create_posts(POSTS, editor)]
    client = Client()
    client.force_login(editor)
    export = Path(settings.DATA_DIR) / "export.xml"
    with export.open("w", encoding="utf-8") as file:
        write_export(file, options.posts)
    with scratch_site.serve(WORKERS) as port:
        sender = Sender(port, client.cookies[settings.SESSION_COOKIE_NAME].value)
        idle = send_all(sender, posts, options.pause / 10, "First")
        command = [sys.executable, "manage.py", "import_wordpress", str(export)]
        importer = subprocess.Popen(command, cwd=scratch_site.PROJECT, stdout=subprocess.DEVNULL)  # noqa: S603  # our own command
        while Post.objects.count() == POSTS:
            time.sleep(0.1)
        start, before = time.perf_counter(), Post.objects.count()
        busy = send_all(sender, posts, options.pause, "Second")
        seconds, imported = time.perf_counter() - start, Post.objects.count() - before
        is_over = importer.poll() is not None
        if importer.wait():
            raise SystemExit("Failed: the import failed.")
    print(f"{imported:,} of {options.posts:,} posts were imported in the {seconds:.1f} s in which these were sent:")
    print(f"{'':<18}{'median':>10}{'longest':>10}{'median without import':>24}{'ratio':>8}")
    for name, during, without in zip((f"{COMMENTS} comments", f"{SAVES} admin saves"), busy, idle, strict=True):
        medians = median(during), median(without)
        print(f"{name:<18}{medians[0]:8.3f} s{max(during):8.3f} s{medians[1]:22.3f} s{medians[0] / medians[1]:8.1f}")
    stored = Comment.objects.filter(is_imported=False).count()
    titles = Post.objects.filter(pk__in=posts, title__startswith="Second title").count()
    if is_over:
        raise SystemExit("Failed: the import ended before the last request. Choose a shorter --pause.")
    if stored != 2 * COMMENTS or titles != POSTS or Post.objects.count() != POSTS + options.posts:
        raise SystemExit(f"Failed: {stored} comments and {titles} titles were stored.")
    if max(map(max, busy)) > MAX_SECONDS:
        raise SystemExit(f"Failed: a request took longer than {MAX_SECONDS} s.")


if __name__ == "__main__":
    main()
