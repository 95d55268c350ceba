"""Measures saving a post of 10 kB in the admin: its queries, and its time relative to rendering. See README.md."""

import time
from functools import partial
from typing import Any

import scratch_site  # isort: split

from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils.timezone import localtime

from blog.admin.merging import version_of
from blog.models import Category, Post
from blog.rendering import render

LIMIT = 25
REPEATS = 20
TEXT = "A paragraph with *emphasis* and [a link](https://example.org/).\n\n" * 160


def build() -> tuple[Client, Post]:
    """Create a post, and an editor who is logged in."""
    scratch_site.migrate()
    editor, client = scratch_site.log_in("Editor")
    return client, scratch_site.create_posts(1, editor)[0]


def save(client: Client, post: Post, text: str, *, tag: str = "") -> int:
    """Save `text`, and if `tag` is given, another tag and another category. Return the number of queries."""
    stored = Post.objects.get(pk=post.pk)
    categories, tags = list(stored.categories.all()), list(stored.tags.all())
    form = {
        "title": stored.title,
        "slug": stored.slug,
        "author": stored.author_id,
        "source": text,
        "categories": [each.pk for each in categories] + ([Category.objects.create(name=tag).pk] if tag else []),
        "tags": ", ".join(filter(None, [*(each.name for each in tags), tag])),
        "published_at": f"{localtime(stored.published_at):%Y-%m-%dT%H:%M}",
        "version": version_of(stored, categories, tags),
    }
    with scratch_site.recorded_queries() as queries:
        response = client.post(reverse("admin:blog_post_change", args=[post.pk]), form)
    assert response.status_code == 302, response.content  # a form with errors would be fast
    # Statements that begin or end transactions and savepoints don't count as queries.
    return len([each for each in queries if each.split()[0] not in {"BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"}])


def seconds(action: Any) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def main() -> None:
    client, post = build()
    # The first save includes queries that each process makes only once.
    save(client, post, TEXT, tag="first")
    text_only = save(client, post, f"{TEXT}Changed.")
    with_terms = save(client, post, f"{TEXT}Changed again.", tag="second")
    saving = min(seconds(partial(save, client, post, f"{TEXT}{n}")) for n in range(REPEATS))
    rendering = min(seconds(partial(render, f"{TEXT}{n}", "markdown", post)) for n in range(REPEATS))
    print(f"{connection.vendor}, a post of {len(TEXT):,} characters")
    print(f"queries:  {text_only} for other text, {with_terms} with a new tag and another category (at most {LIMIT})")
    print(f"time:     {saving / rendering:.1f} times that of rendering the text")
    if with_terms > LIMIT:
        raise SystemExit("Failed: too many queries.")


main()
