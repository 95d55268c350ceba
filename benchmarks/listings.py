"""Measures how fast a tag with 20,000 posts is listed, by index and by join. See README.md."""

import datetime as dt
import timeit
from collections.abc import Callable

import scratch_site  # isort: split

from django.db import connection

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
    posts = []
    for n in range(POSTS):
        published_at = first + dt.timedelta(hours=6 * n)
        post = Post(title=f"Post {n}", slug=f"post-{n}", author=author, status=Status.PUBLISHED)
        post.published_at, post.published_on = published_at, published_at.date()
        post.body_html = post.lead_html = "<p>Some text.</p>" * 20
        posts.append(post)
    Post.objects.bulk_create(posts, batch_size=1000)
    tagged = [TaggedPost(tag=tag, content_object=post, published_at=post.published_at) for post in posts]
    TaggedPost.objects.bulk_create(tagged, batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return tag


def compare(label: str, ours: Callable[[], object], other: Callable[[], object]) -> None:
    """Compare the fastest of REPEATS runs of each."""
    mine, theirs = (min(timeit.repeat(action, number=1, repeat=REPEATS)) for action in (ours, other))
    print(f"{label:<44} {mine * 1000:9.2f} ms {theirs * 1000:9.2f} ms {theirs / mine:8.1f} ×")


def main() -> None:
    tag = build()
    indexed = TaggedPost.objects.public().filter(tag=tag).newest_first().values_list("content_object", flat=True)
    joined = Post.objects.published().filter(tagged_posts__tag=tag).newest_first().values_list("pk", flat=True)
    print(f"{'':<44} {'ours':>12} {'other':>12} {'ratio':>10}")
    for name, start in (("first page", 0), ("last page", POSTS - 10)):
        rows = slice(start, start + 10)
        compare(f"IDs of the {name}: index, join", lambda r=rows: list(indexed[r]), lambda r=rows: list(joined[r]))  # type: ignore[misc, call-overload]  # binds the loop variable
    compare("post count: index, join", indexed.count, joined.count)


main()
