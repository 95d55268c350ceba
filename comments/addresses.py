"""The addresses of a thread's pages and of one comment.

The first page, with the oldest comments, has the address of the entry itself, the others WordPress's
`ENTRY/comment-page-2/`. (WordPress shows the newest page at the entry's address unless told otherwise: then a link to
a comment leads nowhere as soon as there is a second page.)
"""

import datetime as dt
from typing import Any

from django.urls import Resolver404, resolve

from blog.models import Page, Post


def page_url(entry: Post | Page, number: int) -> str:
    """Where page `number` of the comments on `entry` stands."""
    url = entry.get_absolute_url()
    return url if number == 1 else f"{url}comment-page-{number}/"


def entry_at(path: str) -> Post | Page | None:
    """The public post or page with exactly this address, or of whose text it is a part."""
    try:
        match = resolve(path)
    except Resolver404:
        return None
    named: dict[str, Any] = match.kwargs
    if match.view_name == "blog:page":
        return Page.objects.published().filter(path=named["path"]).first()
    if match.view_name not in {"blog:post", "blog:post_part"}:
        return None
    try:
        day = dt.date(*(int(named[part]) for part in ("year", "month", "day")))
    except ValueError:
        return None
    return Post.objects.published().filter(published_on=day, slug=named["slug"]).select_related("author").first()
