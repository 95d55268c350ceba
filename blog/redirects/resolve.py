"""Where a URL that was not found should redirect: to what has moved from there, or to the most likely match.

Guesses follow the observed behaviour of WordPress (redirect_canonical, redirect_guess_404_permalink), but require
exactly one match, where WordPress takes any of several.
"""

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import Http404

from blog.listing import period
from blog.models import Category, Entry, Post
from blog.models.entry_query import EntryKind, EntryQuerySet
from blog.models.redirect import Redirect, folder_path, normalise_path
from core.prepared import Prepared
from core.slugs import reserved_pattern, slugify

# What can follow the URL of a listing or an entry.
_SUFFIX: Final = re.compile(r"(?:page/[0-9]{1,9}|feed(?:/(?:rss2?|atom))?)/$")
_POST_PAGE: Final = re.compile(
    r"(/(?P<year>[0-9]{4})/(?P<month>[0-9]{2})/(?P<day>[0-9]{2})/(?P<slug>[^/]+)/)[0-9]{1,4}/"
)
# A blog in a folder of a folder is rare already.
_MAX_FOLDERS: Final = 4
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
        (r"(?<=/)feed/(?:feed|rdf)/$", "feed/"),
        (r"(?<=[^/]/)(?<!/feed/)(?:rss2?|rdf)/$", "feed/"),
        (r"(?<=[^/]/)(?<!/feed/)atom/$", "feed/atom/"),
        (r"^/[0-9]{4}/(?:[0-9]{2}/){0,2}(?=feed/)", "/"),
        (r"^(/[0-9]{4}(?:/[0-9]{2})?)/([0-9])(?=/)", r"\1/0\2"),
        # Pages that a text does not have, or at `page/2/` instead of `2/`.
        (rf"^(/(?!{_RESERVED}|[0-9]+/)[^/]+/(?:.+?/)??)(?:page/)?[0-9]{{1,9}}/$", r"\1"),
        (r"^(/[0-9]{4}/[0-9]{2}/[0-9]{2}/[^/]+/)page/[0-9]{1,9}/$", r"\1"),
    )
)
_ENTRY_PATH: Final = re.compile(
    rf"/(?!{_RESERVED})"
    r"(?:(?P<year>[0-9]{4})/(?:(?P<month>[0-9]{2})/(?:(?P<day>[0-9]{2})/)?)?|(?P<parents>.+/))?(?P<slug>[^/]+)/"
)
# A shorter beginning of a slug would match anything, unless the day is right as well.
_MIN_PREFIX_LENGTH: Final = 8
# So many entries are read whose slugs begin with the one that is looked for.
_MAX_ENTRIES: Final = 20
# How WordPress numbers entries with the same title: `plan-2` is another entry, and `plan` is not short for it.
_SLUG_NUMBER: Final = re.compile(r"-[0-9]{1,2}")


_redirects = Prepared[Redirect](lambda paths: Redirect.objects.filter(path__in=paths).with_targets())


class Target(NamedTuple):
    """A URL to redirect to, and whether a post or page, a category or a file is known to be there now."""

    url: str
    is_there: bool = False


def find_target(path: str, query: str = "") -> Target | None:
    """Return where `path` should redirect to.

    It is the URL of something that is public, or another form of `path`; `query` is kept only if a folder that the
    blog was in is removed. At most three queries.
    """
    path = normalise_path(path if path.endswith("/") else f"{path}/")
    if post_page := _POST_PAGE.fullmatch(path):
        path = post_page[1]
        if url := _url_of_post(post_page):
            return Target(url, is_there=True)
    suffix = _SUFFIX.search(path)
    base = path[: suffix.start()] if suffix else path
    redirects = _find_redirects(path, base)
    redirected = _redirected(redirects, base)
    if redirected and suffix and not redirected.url.startswith(settings.MEDIA_URL):
        return Target(redirected.url + suffix[0])
    if redirected:
        return redirected
    if url := _without_folder(path, query, redirects) or _rewrite_path(path):
        return Target(url)
    url = _guess_entry_url(base)
    if url and suffix and suffix[0].startswith("feed/"):
        # Entries have feeds, but no further pages of a listing.
        return Target(url + suffix[0])
    return Target(url, is_there=True) if url else None


def _url_of_post(post_page: re.Match[str]) -> str:
    if not (days := _days(post_page)):
        return ""
    post = Post.objects.published().filter(published_on=days[0], slug=post_page["slug"].lower()).first()
    return post.get_absolute_url() if post else ""


def _find_redirects(path: str, base: str) -> list[Redirect]:
    """Return the redirects from the path, from its `base` without a suffix, and from folders that it is in."""
    # The URLs of attachments' files have no slash at the end.
    paths = {base, base.lower(), path.rstrip("/")}
    if category_slug := _category_slug(base):
        paths.add(f"/category/{category_slug}/")
    segments = path.split("/", _MAX_FOLDERS + 1)[1:-1]
    folders = {folder for folder in accumulate(segments, "{}{}/".format, initial="/") if folder != "/"}
    paths |= {folder_path(each) for folder in folders for each in (folder, folder.lower())}
    return _redirects(sorted(paths))


def _category_slug(base: str) -> str:
    return base.rstrip("/").rpartition("/")[2].lower() if base.startswith("/category/") else ""


def _without_folder(path: str, query: str, redirects: Iterable[Redirect]) -> str:
    """Return `path` without the folder that the blog was in; empty if it is not in one."""
    folders = {settings.BROADSIDE_FORMER_FOLDER, *(redirect.folder for redirect in redirects)} - {""}
    for folder in sorted(folders, key=len, reverse=True):
        if path[: len(folder)].lower() == folder.lower():
            rest = quote("/" + path[len(folder) :].lstrip("/"))
            return f"{rest}?{query}" if query else rest
    return ""


def _redirected(redirects: Iterable[Redirect], base: str) -> Target | None:
    for redirect in sorted(redirects, key=lambda redirect: redirect.path != base):
        if not redirect.folder and (url := redirect.url):
            # An author's page exists only if there are posts on it.
            return Target(url, is_there=redirect.author_id is None)
    category_slug = _category_slug(base)
    if not category_slug:
        return None
    # As in WordPress, `Two Words` is read as `two-words`: some programs that write exports use such slugs.
    slugs = [category_slug, slugify(category_slug)]
    categories: QuerySet[Category] = Category.objects.filter(slug__in=slugs)
    category = min(categories, key=lambda category: slugs.index(category.slug), default=None)
    return Target(category.get_absolute_url(), is_there=True) if category else None


def _rewrite_path(path: str) -> str:
    for pattern, replacement in _REWRITES:
        rewritten = pattern.sub(replacement, path, count=1)
        if rewritten != path:
            return rewritten
    return ""


def _guess_entry_url(path: str) -> str:
    """Return the URL of the one public entry whose slug is, or else begins with, the last segment of `path`.

    Empty if there is none, or more than one. One query, or two.
    """
    match = _ENTRY_PATH.fullmatch(path)
    if match is None:
        return ""
    slug = match["slug"].lower()
    entries = _entries_beginning_with(slug)
    posts = [entry for entry in entries if entry.kind == EntryKind.POST]
    if days := _days(match):
        first, last = days
        # Mostly, these are all that there are.
        of_days = [post for post in posts if first <= post.published_on <= last]
        if len(entries) == _MAX_ENTRIES:
            of_days = _entries_beginning_with(slug, first, last)
        return _best_url(slug, of_days, 1 if match["day"] else _MIN_PREFIX_LENGTH) or _best_url(slug, posts)
    if url := _best_url(slug, posts):
        return url
    pages = [entry for entry in entries if entry.kind == EntryKind.PAGE and entry.slug == slug]
    return str(pages[0].get_absolute_url()) if len(pages) == 1 else ""


def _days(match: re.Match[str]) -> tuple[dt.date, dt.date] | None:
    try:
        return period(match["year"], match["month"], match["day"]) if match["year"] else None
    except Http404:
        return None


def _entries_beginning_with(slug: str, *days: dt.date) -> list[Any]:
    """Return the public entries whose slug begins with this one, sorted by slug, of the first _MAX_ENTRIES.

    `days`: the first and the last one on which they may be published.
    """
    if connection.vendor == "sqlite":
        # SQLite does not use the index for LIKE.
        entries = _in_range(slug, f"{slug}\U0010ffff", *days)
    else:
        entries = list(_listed(Q(slug__startswith=slug), *days))
    return [entry for entry in entries if entry.is_public]


def _listed(has_prefix: Q, *days: Any) -> EntryQuerySet:
    # Without conditions for what is public, for which SQLite would read all posts.
    entries: EntryQuerySet = Entry.objects.filter(has_prefix, **({"published_on__range": days} if days else {}))
    return entries.order_by("slug").only("kind", "slug", "path", "status", "published_at", "published_on")[
        :_MAX_ENTRIES
    ]


_in_range = Prepared[Any](lambda first, end, *days: _listed(Q(slug__gte=first, slug__lt=end), *days))


def _best_url(slug: str, posts: Sequence[Post], min_prefix_length: int = _MIN_PREFIX_LENGTH) -> str:
    """Return the URL of the one post that has this slug, or else of the one post whose slug begins with it."""
    exact = [post for post in posts if post.slug == slug]
    if len(exact) == 1:
        return exact[0].get_absolute_url()
    if len(posts) == 1 and len(slug) >= min_prefix_length and not _SLUG_NUMBER.fullmatch(posts[0].slug[len(slug) :]):
        return posts[0].get_absolute_url()
    return ""
