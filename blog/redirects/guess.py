"""What is meant by a URL that is almost right.

Follows the observed behaviour of WordPress (redirect_canonical, redirect_guess_404_permalink), but guesses only if
exactly one entry can be meant, where WordPress takes any of several.
"""

import datetime as dt
import re
from typing import Final

from django.db import connection
from django.db.models import Q

from blog.models import Page, Post
from core.slugs import reserved_pattern

_RESERVED: Final = f"{reserved_pattern()}/"
_PUNCTUATION: Final = r"""\s()\[\]{}<>"'“”‘’,;:.!?&*"""

# Patterns and their replacements. Each is one step: the result is requested in turn.
_REWRITES: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^//+(?=[^/])|(?<=[^/])//+", "/"),
        # Punctuation of the sentence around the URL.
        (rf"(?<=[^/{_PUNCTUATION}])/?[{_PUNCTUATION}]++/$", "/"),
        # Other views of an entry.
        (r"(?<=[^/]/)(?:amp|embed|trackback)/$", ""),
        (r"(?<=[^/]/)(?<!/feed/)(?:rss2?|rdf)/$", "feed/"),
        (r"(?<=[^/]/)(?<!/feed/)atom/$", "feed/atom/"),
        (r"^/[0-9]{4}/(?:[0-9]{2}/){0,2}(?=feed/)", "/"),
        (r"^(/[0-9]{4}(?:/[0-9]{2})?)/([0-9])(?=/)", r"\1/0\2"),
        # A page that the text does not have.
        (rf"^(/(?!{_RESERVED}|[0-9]+/)[^/]+/(?:.+?/)??)(?:page/)?[0-9]{{1,9}}/$", r"\1"),
        # The pages of an entry are at `2/`, not at `page/2/`.
        (r"^(/[0-9]{4}/[0-9]{2}/[0-9]{2}/[^/]+/)page/[0-9]{1,9}/$", r"\1"),
    )
)
_ENTRY_PATH: Final = re.compile(
    rf"/(?!{_RESERVED})"
    r"(?:(?P<year>[0-9]{4})/(?:(?P<month>[0-9]{2})/(?:(?P<day>[0-9]{2})/)?)?|(?P<parents>.+/))?(?P<slug>[^/]+)/"
)
# A shorter beginning of a slug could be that of anything, unless the day is right as well.
_MIN_PREFIX_LENGTH: Final = 8
# How WordPress numbers entries with the same title: `plan-2` is another entry, and `plan` is not short for it.
_SLUG_NUMBER: Final = re.compile(r"-[0-9]{1,2}")


def rewrite_path(path: str) -> str:
    """Return another form of `path` that the site may know; empty if there is none."""
    for pattern, replacement in _REWRITES:
        rewritten = pattern.sub(replacement, path, count=1)
        if rewritten != path:
            return rewritten
    return ""


def guess_entry_url(path: str) -> str:
    """Return the URL of the one public entry whose slug is, or else begins with, the last segment of `path`.

    Empty if there is none, or more than one. At most two queries.
    """
    match = _ENTRY_PATH.fullmatch(path)
    if match is None:
        return ""
    slug = match["slug"].lower()
    if days := _days(match):
        in_time = _post_url(slug, Q(published_on__range=days), _MIN_PREFIX_LENGTH if match["day"] is None else 1)
        return in_time or _post_url(slug)
    return _post_url(slug) or _page_url(slug)


def _days(match: re.Match[str]) -> tuple[dt.date, dt.date] | None:
    """Return the first and the last of the days that the path names."""
    if match["year"] is None:
        return None
    first_month, last_month = (int(match["month"] or month) for month in (1, 12))
    try:
        first = dt.date(int(match["year"]), first_month, int(match["day"] or 1))
        last = first if match["day"] else dt.date(first.year, last_month, 28) + dt.timedelta(days=3)
    except (ValueError, OverflowError):
        return None
    return first, last


def _post_url(slug: str, condition: Q = Q(), min_prefix_length: int = _MIN_PREFIX_LENGTH) -> str:  # noqa: B008  # it is never changed
    if connection.vendor == "sqlite":
        # SQLite does not use the index for LIKE.
        has_prefix = Q(slug__gte=slug, slug__lt=f"{slug}\U0010ffff")
    else:
        has_prefix = Q(slug__startswith=slug)
    matching = Post.objects.published().filter(has_prefix, condition).order_by("slug")
    posts: list[Post] = list(matching.only("slug", "published_on")[:2])
    exact = [post for post in posts if post.slug == slug]
    if len(exact) == 1:
        return exact[0].get_absolute_url()
    if len(posts) == 1 and len(slug) >= min_prefix_length and not _SLUG_NUMBER.fullmatch(posts[0].slug[len(slug) :]):
        return posts[0].get_absolute_url()
    return ""


def _page_url(slug: str) -> str:
    pages: list[Page] = list(Page.objects.published().filter(slug=slug).only("path")[:2])
    return pages[0].get_absolute_url() if len(pages) == 1 else ""
