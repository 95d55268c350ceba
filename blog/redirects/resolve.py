"""Where a URL that was not found should redirect: to an object that has moved, or to the most likely match.

Guesses follow the observed behaviour of WordPress (redirect_canonical, redirect_guess_404_permalink), but require
exactly one match, where WordPress takes any of several.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any, Final, NamedTuple, Self
from urllib.parse import quote

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.http import Http404
from django.utils import timezone

from blog.listings.listing import period
from blog.models import Category, Entry, Post
from blog.models.entry_query import EntryKind, EntryQuerySet
from blog.models.redirect import Redirect, folder_path, normalise_path
from core.prepared import Parameter, Prepared, read_together
from core.slugs import reserved_pattern, slugify
from core.urls import is_script

# Parameters that other sites add to URLs to track people.
TRACKING: Final = re.compile(
    r"utm_\w*|(?:fb|g|dc|ms|tw|ys)clid|gclsrc|[gw]braid|igshid|mc_[ce]id|_ga|ref_src", re.IGNORECASE
)
# What can follow the URL of a listing or an entry.
_SUFFIX: Final = re.compile(r"(?<=/)(?:page/[0-9]{1,9}|feed(?:/(?:rss2?|atom|json))?)/$")
_POST_PAGE: Final = re.compile(
    r"(/(?P<year>[0-9]{4})/(?P<month>[0-9]{2})/(?P<day>[0-9]{2})/(?P<slug>[^/]+)/)[0-9]{1,4}/"
)
_FURTHER_PAGE: Final = re.compile(r"(?P<before>/.+/)(?P<page>[1-9][0-9]{0,3})/", re.DOTALL)
_CATEGORY: Final = "/category/"
# Even a blog in a folder of a folder is rare.
_MAX_FOLDERS: Final = 4
_PUNCTUATION: Final = r"""\s()\[\]{}<>"'“”‘’,;:.!?&*"""

# A shorter beginning of a slug would match anything, unless the day is right as well.
_MIN_PREFIX_LENGTH: Final = 8
# How many entries are read whose slugs begin with the one that is looked up.
_MAX_ENTRIES: Final = 20
# The last character in sort order.
_LAST: Final = "\U0010ffff"
# How WordPress numbers entries with the same title: `plan-2` is another entry, and `plan` is not short for it.
_SLUG_NUMBER: Final = re.compile(r"-[0-9]{1,2}")


redirects_from = Prepared[Redirect](
    lambda now, paths: Redirect.objects.filter(
        Q(category=None) | Exists(Category.objects.known(now).filter(pk=OuterRef("category"))), path__in=paths
    ).with_targets()
)
_categories = Prepared[Category](lambda now, slugs: Category.objects.known(now).filter(slug__in=slugs))


class Alternatives(NamedTuple):
    """What a path may mean if nothing is there. Each is loaded only on demand, from rows that were already read.

    `redirects` are from the path, from its folders and from the path that it may be a further page of, `categories`
    have its last segment as their slug, and `similar` are the first _MAX_ENTRIES entries whose slugs begin with that
    segment, public or not.
    """

    redirects: Callable[[], list[Redirect]]
    categories: Callable[[], list[Category]]
    similar: Callable[[], list[Any]]


@dataclass(frozen=True)
class _Path:
    """A path in normal form, and its parts.

    If it is a numbered page of a post, `post` is its match, and `path` is without the number. `base` is without the
    `suffix` as well. If the whole ends with a `number`, `before` has the paths that it may be a page of: any old
    permalinks.
    """

    path: str
    base: str
    suffix: str
    post: re.Match[str] | None
    before: tuple[str, ...]
    number: str

    @classmethod
    def of(cls, path: str) -> Self:
        path = normalise_path(path if path.endswith("/") else f"{path}/")
        further_page = _FURTHER_PAGE.fullmatch(path)
        before = _with_and_without_slash(further_page["before"]) if further_page else ()
        if post := _POST_PAGE.fullmatch(path):
            path = post[1]
        suffix = found[0] if (found := _SUFFIX.search(path)) else ""
        base = path.removesuffix(suffix)
        return cls(path, base, suffix, post, before, further_page["page"] if further_page else "")

    def redirected_from(self) -> list[str]:
        """Return the paths whose redirects may apply to this one, and those of the folders that it is in."""
        paths = {*_with_and_without_slash(self.base), self.base.lower(), self.path.rstrip("/"), *self.before}
        if self.base.startswith(_CATEGORY):
            paths.add(f"{_CATEGORY}{self.category_slugs()[0]}/")
        segments = self.path.split("/", _MAX_FOLDERS + 1)[1:-1]
        folders = {folder for folder in accumulate(segments, "{}{}/".format, initial="/") if folder != "/"}
        paths |= {folder_path(each) for folder in folders for each in (folder, folder.lower())}
        return sorted(paths)

    def category_slugs(self) -> list[str]:
        """Return the possible slugs of the category, the most likely first; empty strings if it can't be a category.

        As in WordPress, `Two Words` is read as `two-words`: some programs that write exports use such slugs.
        """
        entry = None if self.base.startswith(_CATEGORY) else _entry_path().fullmatch(self.base)
        may_be_category = self.base.startswith(_CATEGORY) or (entry and not entry["year"])
        slug = self.base.rstrip("/").rpartition("/")[2].lower() if may_be_category else ""
        return [slug, slugify(slug) if slug else ""]


def _with_and_without_slash(path: str) -> tuple[str, str]:
    """Return both forms, because the URLs of attachments' files and some old permalinks have no slash at the end."""
    return path, path.rstrip("/")


class Target(NamedTuple):
    """A URL to redirect to, and whether a post or page, a category or a file is known to exist there."""

    url: str
    exists: bool = False


def look_up(path: str, *queries: tuple[Prepared[Any], Sequence[Any]]) -> tuple[list[list[Any]], Alternatives]:
    """Return the rows of what should be at `path`, and the alternatives to it. Takes one query in total."""
    parts = _Path.of(path)
    # No slug has a slash.
    slug = match["slug"].lower() if (match := _entry_path().fullmatch(parts.base)) else "/"
    now = timezone.now()
    found = read_together(
        *queries,
        (redirects_from, [now, parts.redirected_from()]),
        (_categories, [now, parts.category_slugs()]),
        (_similar, [slug, f"{slug}{_LAST}"]),
    )
    return [load() for load in found[:-3]], Alternatives(*found[-3:])


def find_target(path: str, query: str = "", alternatives: Alternatives | None = None) -> Target | None:
    """Return where `path` should redirect to.

    This is the URL of something public, or another form of `path`. `query` counts for scripts, and is kept only if a
    former folder of the blog is removed from the path. Takes one query unless the `alternatives` are known, and another
    one if `path` is that of a script, or if very many slugs begin with the one in the path.
    """
    if path == "/":
        # There is nothing at the root with this query.
        return None
    if target := find_target_of_script(path, query):
        return target
    alternatives = alternatives or look_up(path)[1]
    redirects, categories, similar = alternatives.redirects(), alternatives.categories(), alternatives.similar()
    parts = _Path.of(path)
    if not parts.base.startswith(_CATEGORY):
        categories = _categories_at_root(categories, parts.base.strip("/").lower(), similar)
    if parts.post and (url := _url_of_post(parts.post, similar)):
        return Target(url, exists=True)
    if url := _url_of_further_page(redirects, parts):
        return Target(url)
    redirected = _redirected(redirects, categories, parts)
    if redirected and parts.suffix and not redirected.url.startswith(settings.MEDIA_URL):
        return Target(redirected.url + parts.suffix)
    if redirected:
        return redirected
    if url := _without_folder(parts.path, query, redirects) or _rewrite_path(parts.path):
        return Target(url)
    url = _guess_entry_url(parts.base, similar)
    if url and parts.suffix.startswith("feed/"):
        # Entries have feeds, but no further pages of a listing.
        return Target(url + parts.suffix)
    return Target(url, exists=True) if url else None


def find_target_of_script(path: str, query: str) -> Target | None:
    """Return where a script redirects to with exactly this query, apart from parameters that track people."""
    # A slash was added because no page is there.
    path = path.rstrip("/")
    parameters = [each for each in query.split("&") if not TRACKING.fullmatch(each.partition("=")[0])]
    if not is_script(path) or not any(parameters):
        return None
    redirects = redirects_from(timezone.now(), [normalise_path(f"{path}?{'&'.join(parameters)}")])
    return next((Target(redirect.url, exists=True) for redirect in redirects if redirect.url), None)


def _url_of_post(post_page: re.Match[str], similar: Sequence[Any]) -> str:
    days, slug = _days(post_page), post_page["slug"].lower()
    posts = [post for post in _of_days(similar, slug, *days) if post.slug == slug] if days else []
    return posts[0].get_absolute_url() if posts else ""


def _url_of_further_page(redirects: Iterable[Redirect], parts: _Path) -> str:
    """Return the URL of the same page of the post that the path without its number redirects to; empty if none does."""
    by_path = {redirect.path: redirect for redirect in redirects}
    if parts.base not in parts.before and not by_path.keys().isdisjoint(_with_and_without_slash(parts.base)):
        # The number belongs to an old permalink.
        return ""
    posts = [by_path[path] for path in parts.before if path in by_path]
    posts = [post for post in posts if post.entry and post.entry.kind == EntryKind.POST and post.url]
    return f"{posts[0].url}{parts.number}/" if posts else ""


def _without_folder(path: str, query: str, redirects: Iterable[Redirect]) -> str:
    """Return `path` without the folder that the blog used to be in; empty if it is not in one."""
    folders = {settings.BROADSIDE_FORMER_FOLDER, *(redirect.folder for redirect in redirects)} - {""}
    for folder in sorted(folders, key=len, reverse=True):
        if path[: len(folder)].lower() == folder.lower():
            rest = quote("/" + path[len(folder) :].lstrip("/"))
            return f"{rest}?{query}" if query else rest
    return ""


def _categories_at_root(categories: Iterable[Category], path: str, similar: Iterable[Any]) -> list[Category]:
    """Return the category at `path` on blogs whose permalinks begin with a category, unless an entry has its slug."""
    slugs = {entry.slug for entry in similar if entry.is_public}
    return [each for each in categories if path in {each.path, each.slug} and each.slug not in slugs]


def _redirected(redirects: Iterable[Redirect], categories: Iterable[Category], parts: _Path) -> Target | None:
    if parts.base not in parts.before:
        # Redirects from the paths in `before` have already been considered.
        redirects = [redirect for redirect in redirects if redirect.path not in parts.before]
    for redirect in sorted(redirects, key=lambda redirect: redirect.path != parts.base):
        if not redirect.folder and (url := redirect.url):
            # An author's page exists only if there are posts on it.
            return Target(url, exists=redirect.author_id is None)
    slugs = parts.category_slugs()
    category = min(categories, key=lambda category: slugs.index(category.slug), default=None)
    return Target(category.get_absolute_url(), exists=True) if category else None


@cache
def _rewrites() -> list[tuple[re.Pattern[str], str]]:
    """Return patterns and their replacements. Each is one step: the result is requested in turn."""
    reserved = f"{reserved_pattern()}/"
    # Any code of two letters, and the others that Django knows.
    language = f"(?:[a-z]{{2}}|{'|'.join(code for code, _name in settings.LANGUAGES if len(code) > 2)})"
    return [
        (re.compile(pattern), replacement)
        for pattern, replacement in (
            (r"^//+(?=[^/])|(?<=[^/])//+", "/"),
            # Punctuation from the sentence around the URL.
            (rf"(?<=[^/{_PUNCTUATION}])/?(?:&[a-z]{{2,6}};|[{_PUNCTUATION}])++/$", "/"),
            # What is in any of several listings. The first one is shown.
            (rf"^(/{reserved}(?:[^/]+/)*?[^/,]+),[^/]*(?=/)", r"\1"),
            (r"^(/category/(?:[^/]+/)*?[^/+]+)\+[^/]*(?=/)", r"\1"),
            # The folder of a language: its front page and feed, and everything else.
            (rf"^/({language})/(?=$|feed/|page/[0-9])", r"/language/\1/"),
            (rf"^/{language}/(?=.)", "/"),
            # What comes before everything in the permalinks of some blogs.
            (rf"^/(?!{reserved})[^/]+/(?=(?:author|category|tag|[0-9]{{4}}/[0-9]{{2}})/)", "/"),
            (r"^/(?:[^/]+/)?date/(?=[0-9]{4}/)", "/"),
            # Other views of an entry.
            (r"(?<=[^/]/)(?:amp|embed|print|trackback)/$", ""),
            # The page of a file, as WordPress links to it if its name could be a page number.
            (r"(?<=[^/]/)attachment/(?=[^/]+/$)", ""),
            # `podcast` is used by podcast plugins. Our feeds contain the files anyway.
            (r"(?<=/)feed/(?:feed|rdf|podcast)/$", "feed/"),
            (r"(?<=[^/]/)(?<!/feed/)(?:rss2?|rdf)/$", "feed/"),
            (r"(?<=[^/]/)(?<!/feed/)atom/$", "feed/atom/"),
            (r"^/[0-9]{4}/(?:[0-9]{2}/){0,2}(?=feed/)", "/"),
            (r"^(/[0-9]{4}(?:/[0-9]{2})?)/([0-9])(?=/)", r"\1/0\2"),
            # Pages that a text does not have, or at `page/2/` instead of `2/`.
            (rf"^(/(?!{reserved}|[0-9]+/)[^/]+/(?:.+?/)??)(?:page/)?[0-9]{{1,9}}/$", r"\1"),
            (r"^(/[0-9]{4}/[0-9]{2}/[0-9]{2}/[^/]+/)page/[0-9]{1,9}/$", r"\1"),
        )
    ]


@cache
def _entry_path() -> re.Pattern[str]:
    return re.compile(
        rf"/(?!(?:{reserved_pattern()}|media)/)"
        r"(?:(?P<year>[0-9]{4})/(?:(?P<month>[0-9]{2})/(?:(?P<day>[0-9]{2})/)?)?|(?P<parents>.+/))?(?P<slug>[^/]+)/"
    )


def _rewrite_path(path: str) -> str:
    for pattern, replacement in _rewrites():
        rewritten = pattern.sub(replacement, path, count=1)
        if rewritten != path:
            return rewritten
    return ""


def _guess_entry_url(path: str, similar: Sequence[Any]) -> str:
    """Return the URL of the one public entry whose slug is, or else begins with, the last segment of `path`.

    Empty if there is none, or more than one.
    """
    match = _entry_path().fullmatch(path)
    if match is None:
        return ""
    slug = match["slug"].lower()
    entries = [entry for entry in similar if entry.is_public]
    posts = [entry for entry in entries if entry.kind == EntryKind.POST]
    if days := _days(match):
        of_days = _of_days(similar, slug, *days)
        # As in WordPress, a post of another time is not meant by the beginning of its slug.
        exact = [post for post in posts if post.slug == slug]
        return _best_url(slug, of_days, 1 if match["day"] else _MIN_PREFIX_LENGTH) or _best_url(slug, exact)
    if url := _best_url(slug, posts):
        return url
    pages = [entry for entry in entries if entry.kind == EntryKind.PAGE and entry.slug == slug]
    return str(pages[0].get_absolute_url()) if len(pages) == 1 else ""


def _of_days(similar: Sequence[Any], slug: str, first: dt.date, last: dt.date) -> list[Any]:
    """Return the public posts of these days whose slug begins with this one. Usually, `similar` has all of them."""
    if len(similar) == _MAX_ENTRIES:
        similar = _similar(slug, f"{slug}{_LAST}", first, last)
    return [each for each in similar if each.is_public and each.published_on and first <= each.published_on <= last]


def _days(match: re.Match[str]) -> tuple[dt.date, dt.date] | None:
    try:
        return period(match["year"], match["month"], match["day"]) if match["year"] else None
    except Http404:
        return None


def _beginning_with(slug: Parameter, end: Parameter, *days: Parameter) -> EntryQuerySet:
    """Return the first _MAX_ENTRIES entries whose slug begins with this one, and comes before `end`, sorted by slug.

    `days` are the first and the last day on which they may be published.
    """
    # SQLite does not use the index for LIKE, and PostgreSQL uses it for nothing else.
    has_prefix = Q(slug__gte=slug, slug__lt=end) if connection.vendor == "sqlite" else Q(slug__startswith=slug)
    # Without conditions on what is public, with which SQLite would read all posts.
    entries: EntryQuerySet = Entry.objects.filter(has_prefix, **({"published_on__range": days} if days else {}))
    return entries.order_by("slug").only("kind", "slug", "path", "status", "published_at", "published_on")[
        :_MAX_ENTRIES
    ]


_similar = Prepared[Any](_beginning_with)


def _best_url(slug: str, posts: Sequence[Post], min_prefix_length: int = _MIN_PREFIX_LENGTH) -> str:
    """Return the URL of the one post that has this slug, or else of the one post whose slug begins with it."""
    exact = [post for post in posts if post.slug == slug]
    if len(exact) == 1:
        return exact[0].get_absolute_url()
    if len(posts) == 1 and len(slug) >= min_prefix_length and not _SLUG_NUMBER.fullmatch(posts[0].slug[len(slug) :]):
        return posts[0].get_absolute_url()
    return ""
