"""Measures how fast a tag with 20,000 posts is listed: by index and by join, rendered and cached. See README.md."""

import datetime as dt
import time
from collections.abc import Callable

import scratch_site  # isort: split

from django.core.cache import cache
from django.db import connection
from django.test import Client

from accounts.models import User
from blog.models import Post, Status
from tags.models import Tag, TaggedPost

POSTS = 20_000
REPEATS = 20


def build() -> Tag:
    """Create POSTS posts that all have the same tag."""
    scratch_site.migrate()
    author = User.objects.create_user("writer")
    tag = Tag.objects.create(name="human rights")
    first = dt.datetime(2010, 1, 1, tzinfo=dt.UTC)
    datetimes = [first + dt.timedelta(hours=6 * n) for n in range(POSTS)]
    Post.objects.bulk_create(
        (
            Post(
                title=f"Post {n}",
                slug=f"post-{n}",
                author=author,
                status=Status.PUBLISHED,
                published_at=published_at,
                published_on=published_at.date(),
                body_html="<p>Some text.</p>" * 20,
                lead_html="<p>Some text.</p>" * 20,
            )
            for n, published_at in enumerate(datetimes)
        ),
        batch_size=1000,
    )
    rows = Post.objects.values_list("pk", "published_at")
    TaggedPost.objects.bulk_create(
        (TaggedPost(tag=tag, content_object_id=pk, published_at=published_at) for pk, published_at in rows),
        batch_size=1000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return tag


def fastest(action: Callable[[], object]) -> float:
    """Return the seconds of the fastest of REPEATS runs."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def compare(label: str, ours: Callable[[], object], other: Callable[[], object]) -> None:
    mine, theirs = fastest(ours), fastest(other)
    print(f"{label:<44} {mine * 1000:9.2f} ms {theirs * 1000:9.2f} ms {theirs / mine:8.1f} ×")


def main() -> None:
    tag = build()
    indexed = TaggedPost.objects.public().filter(tag=tag).newest_first().values_list("content_object", flat=True)
    joined = Post.objects.published().filter(tagged_posts__tag=tag).newest_first().values_list("pk", flat=True)
    client = Client(headers={"host": "localhost"})
    url = tag.get_absolute_url()
    print(f"{'':<44} {'ours':>12} {'other':>12} {'ratio':>10}")
    for name, start in (("first page", 0), ("last page", POSTS - 10)):
        rows = slice(start, start + 10)
        compare(f"IDs of the {name}: index, join", lambda r=rows: list(indexed[r]), lambda r=rows: list(joined[r]))  # type: ignore[misc]  # binds the loop variable
    compare("post count: index, join", indexed.count, joined.count)
    compare("whole page: cached, rendered", lambda: client.get(url), lambda: (cache.clear(), client.get(url)))


main()
