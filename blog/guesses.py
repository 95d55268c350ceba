"""What is meant by an address that is nearly right.

Follows the observed behaviour of WordPress (redirect_canonical, redirect_guess_404_permalink), but guesses only
where one entry can be meant: of several WordPress takes any.
"""

import datetime as dt
import re
from typing import Final

from django.db import connection
from django.db.models import Q

from blog.models import RESERVED_SLUGS, Page, Post

_LISTINGS: Final = f"(?:{'|'.join(sorted(RESERVED_SLUGS))})/"
_SIGNS: Final = r"""\s()\[\]{}<>"'“”‘’,;:.!?&*"""

# What stands where, and what is meant by it. Each is one step: what comes out is asked for in turn.
REWRITTEN: Final = tuple(
    (re.compile(pattern), meant)
    for pattern, meant in (
        (r"^//+(?=[^/])|(?<=[^/])//+", "/"),
        # Signs of the sentence that an address stood in.
        (rf"(?<=[^/{_SIGNS}])/?[{_SIGNS}]++/$", "/"),
        # Other views of an entry.
        (r"(?<=[^/]/)(?:amp|embed|trackback)/$", ""),
        (r"(?<=[^/]/)(?<!/feed/)(?:rss2?|rdf)/$", "feed/"),
        (r"(?<=[^/]/)(?<!/feed/)atom/$", "feed/atom/"),
        (r"^/[0-9]{4}/(?:[0-9]{2}/){0,2}(?=feed/)", "/"),
        (r"^(/[0-9]{4}(?:/[0-9]{2})?)/([0-9])(?=/)", r"\1/0\2"),
        # A page's part that there is not.
        (rf"^(/(?!{_LISTINGS}|[0-9]+/)[^/]+/(?:.+?/)??)(?:page/)?[0-9]{{1,9}}/$", r"\1"),
        # An entry has parts, and no further pages.
        (r"^(/[0-9]{4}/[0-9]{2}/[0-9]{2}/[^/]+/)page/[0-9]{1,9}/$", r"\1"),
    )
)
ENTRY: Final = re.compile(
    rf"/(?!{_LISTINGS})"
    r"(?:(?P<year>[0-9]{4})/(?:(?P<month>[0-9]{2})/(?:(?P<day>[0-9]{2})/)?)?|(?P<folder>.+/))?(?P<slug>[^/]+)/"
)
# The beginning of a slug says something only from here on, unless the day is right too.
MIN_BEGINNING: Final = 8
# How WordPress tells entries of one title apart: `plan-2` is a second one, and not what `plan` is short for.
_NUMBERED: Final = re.compile(r"-[0-9]{1,2}")


def rewritten(path: str) -> str:
    """Another form of `path` that the site may know; empty if there is none."""
    for pattern, meant in REWRITTEN:
        other = pattern.sub(meant, path, count=1)
        if other != path:
            return other
    return ""


def guessed(path: str) -> str:
    """The one public entry whose slug, or else its beginning, is the last part of `path`. At most two queries."""
    entry = ENTRY.fullmatch(path)
    if entry is None:
        return ""
    slug = entry["slug"].lower()
    if span := _span(entry):
        return _post(slug, Q(published_on__range=span), MIN_BEGINNING if entry["day"] is None else 1) or _post(slug)
    return _post(slug) or _page(slug)


def _span(entry: re.Match[str]) -> tuple[dt.date, dt.date] | None:
    """The days that the address names."""
    if entry["year"] is None:
        return None
    first, last = (int(entry["month"] or month) for month in (1, 12))
    try:
        start = dt.date(int(entry["year"]), first, int(entry["day"] or 1))
        end = start if entry["day"] else dt.date(start.year, last, 28) + dt.timedelta(days=3)
    except (ValueError, OverflowError):
        return None
    return start, end


def _post(slug: str, where: Q = Q(), shortest: int = MIN_BEGINNING) -> str:  # noqa: B008  # it is never changed
    if connection.vendor == "sqlite":
        # LIKE would not use the index.
        begins = Q(slug__gte=slug, slug__lt=f"{slug}\U0010ffff")
    else:
        begins = Q(slug__startswith=slug)
    posts: list[Post] = list(
        Post.objects.published().filter(begins, where).order_by("slug").only("slug", "published_on")[:2]
    )
    exact = [post for post in posts if post.slug == slug]
    if len(exact) == 1:
        return exact[0].get_absolute_url()
    if len(posts) == 1 and len(slug) >= shortest and not _NUMBERED.fullmatch(posts[0].slug[len(slug) :]):
        return posts[0].get_absolute_url()
    return ""


def _page(slug: str) -> str:
    pages: list[Page] = list(Page.objects.published().filter(slug=slug).only("path")[:2])
    return pages[0].get_absolute_url() if len(pages) == 1 else ""
