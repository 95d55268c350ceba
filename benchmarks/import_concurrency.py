"""Sends comments and saves posts in the admin while 20,000 posts are imported. See README.md.

The server is granian with two workers, as in production. Nothing may fail or take longer than MAX_SECONDS.
"""

import argparse
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import scratch_site  # isort: split

from django.conf import settings
from django.test import Client
from made_export import write_export
from plain_browser import Browser

from accounts.models import User
from blog.models import Post
from comments.models import Comment

POSTS, COMMENTS, SAVES, WORKERS = 10, 200, 50, 2
MAX_SECONDS = 3.0


def save(port: int, post: int, title: str, session: str) -> int:
    """Open a post in the admin, save it with another title, and return the status of the response."""
    path = f"/admin/blog/post/{post}/change/"
    editor = Browser(port, {settings.SESSION_COOKIE_NAME: session})
    return editor.post(path, editor.form(path, "source") | {"title": title}).status


def send_all(port: int, posts: list[int], session: str, pause: float, prefix: str) -> tuple[list[float], list[float]]:
    """Send everything from six threads, with pauses of `pause` seconds on average. Return the seconds for each."""

    def paced(send: Callable[..., int], text: str, number: int, *args: str) -> float:
        time.sleep(random.uniform(0, 2 * pause))  # noqa: S311  # pauses need no secrecy
        start = time.perf_counter()
        status = send(port, posts[number % len(posts)], f"{prefix} {text} number {number}", *args)
        if status != 302:
            raise SystemExit(f"Failed: a {text} returned status {status}.")
        return time.perf_counter() - start

    with ThreadPoolExecutor(4) as readers, ThreadPoolExecutor(2) as editors:
        comments = readers.map(lambda number: paced(scratch_site.send_comment, "comment", number), range(COMMENTS))
        saves = editors.map(lambda number: paced(save, "title", number, session), range(SAVES))
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
    write_export(scratch_site.EXPORT, options.posts)
    with scratch_site.serve(WORKERS) as server:
        port = server.port
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        idle = send_all(port, posts, session, options.pause / 10, "First")
        importer = scratch_site.start_import()
        while Post.objects.count() == POSTS:
            time.sleep(0.1)
        start, before = time.perf_counter(), Post.objects.count()
        busy = send_all(port, posts, session, options.pause, "Second")
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
