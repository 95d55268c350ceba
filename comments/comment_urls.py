"""The URLs of an entry's comment pages.

The first page, with the oldest comments, has the URL of the entry itself; the others are `ENTRY/comment-page-2/`, as in
WordPress. (By default WordPress shows the newest page at the entry's URL, so links to comments break as soon as there
is a second page.)
"""

import datetime as dt
from typing import Any

from django.urls import Resolver404, resolve

from blog.models import Entry, Page, Post


def page_url(entry: Entry, page_number: int) -> str:
    """Return the URL of a page of comments on `entry`."""
    url = entry.get_absolute_url()
    return url if page_number == 1 else f"{url}comment-page-{page_number}/"


def entry_at(path: str) -> Entry | None:
    """Return the public post or page at exactly this path, or of which this path is a part; None if there is none."""
    try:
        match = resolve(path)
    except Resolver404:
        return None
    kwargs: dict[str, Any] = match.kwargs
    if match.view_name == "blog:page":
        return Page.objects.published().filter(path=kwargs["path"]).first()
    if match.view_name not in {"blog:post", "blog:post_page"}:
        return None
    try:
        day = dt.date(*(int(kwargs[part]) for part in ("year", "month", "day")))
    except ValueError:
        return None
    return Post.objects.published().filter(published_on=day, slug=kwargs["slug"]).select_related("author").first()
