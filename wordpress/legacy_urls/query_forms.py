"""The URLs that WordPress supports besides permalinks, such as `/?p=5`, and the URLs that replace them here.

Each is translated by one step. blog.redirects.middleware follows the steps and redirects once, to the final URL.
"""

import re
from collections.abc import Mapping
from itertools import takewhile
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from django.db.models import BigIntegerField
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from blog.models import Category, Entry, Post
from blog.models.redirect import normalise_path
from blog.redirects.look_up import rows_at
from blog.redirects.resolve import Target, redirects_from
from core.languages import may_be_in_url
from core.prepared import Prepared, together
from core.urls import is_script
from wordpress.wxr.values import ENTRY_FORMS

# The paths of a blog's front page.
_ROOTS: Final = {"", "/", "/index.php"}
# As many digits as the largest ID that fits into the database.
_ID = re.compile(r"[0-9]{1,19}")
# As in WordPress, anything may follow: links such as `/?p=5/` and punctuation of the text around a link are common.
_LEADING_ID = re.compile(r"[0-9]{1,19}(?![0-9])")
_UPLOADS: Final = "/wp-content/uploads/"
_UPLOADED = re.compile(r"/(?:wp-content/(?:uploads|blogs\.dir/[0-9]+/files)|files)/(.+)")
# The suffixes that WordPress adds to the names of resized copies of a picture. Until 2008, there was only the last one.
_SIZE_SUFFIX = re.compile(
    r"(?:-(?:[0-9]{1,5}x[0-9]{1,5}|scaled|rotated|e[0-9]{10,13})|@2x|\.thumbnail)(?=\.[A-Za-z0-9]+$)"
)
_EXTENSION = re.compile(r"\.[A-Za-z0-9]+$")
_LISTING_FORMS: Final = {"cat", "category_name", "tag", "author", "author_name", "m", "year"}
# Plugins for blogs in several languages add this to any URL.
_LANGUAGE: Final = "lang"
# These can follow any path, as in `/tag/x/?feed=rss2`.
_ENDINGS: Final = {"feed", "paged", _LANGUAGE}
QUERY_FORMS: Final = {*ENTRY_FORMS, *_LISTING_FORMS, *_ENDINGS, "name", "pagename"}
# Drupal's parameter with the path of a page, for hosts that don't rewrite URLs.
_DRUPAL_PATH: Final = "q"
# All parameters that determine where a URL leads.
PARAMETERS: Final = frozenset({*QUERY_FORMS, _DRUPAL_PATH, "cpage", "day", "monthnum", "page", "withcomments"})
# The first path segments of listings that are looked up by slug, and of the feeds of searches.
_PREFIXES: Final = {
    **dict.fromkeys(("author", "author_name"), "author"),
    "category_name": "category",
    "s": "search",
    "tag": "tag",
}


def legacy_key(url: str) -> str:
    """Return the path under which a redirect from a URL of the old site is stored; an empty string if it has none.

    Apart from an ID at the root, queries are ignored on files, where they choose a size. Other URLs with a query have
    no redirect (except for scripts, see script_key): the query determines the page, so the path alone would belong to a
    different one.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    for name, value in parse_qsl(parts.query):
        if parts.path in _ROOTS and name in QUERY_FORMS and _ID.fullmatch(value):
            return f"/?{'p' if name in ENTRY_FORMS else name}={int(value)}"
    if (parts.hostname or "").endswith(".files.wordpress.com"):
        return _UPLOADS + parts.path.lstrip("/")
    if uploaded := _UPLOADED.fullmatch(parts.path):
        return _UPLOADS + uploaded[1]
    if parts.query and not is_file(parts.path):
        return ""
    # In some places, WordPress doubles the leading slash. A view redirects from `/index.php/x/` to `/x/`.
    path = "/" + parts.path.lstrip("/").removeprefix("index.php/") if parts.path.startswith("/") else ""
    return path if path != "/" else ""


def script_key(url: str) -> str:
    """Return the path and query under which a redirect from another program's script is stored; empty for other URLs.

    Such a URL is `/spip.php?article12`, `/index.php?post/2009/01/02/title` or, at the root, `/?q=node/13`.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    query = dict(parse_qsl(parts.query))
    if parts.path in _ROOTS and (key := _drupal_key(query)):
        return key
    is_other = parts.query and is_script(parts.path) and query.keys().isdisjoint(ENTRY_FORMS)
    return f"{parts.path}?{parts.query}" if is_other and parts.path.startswith("/") else ""


def _drupal_key(query: Mapping[str, str]) -> str:
    """Return what a redirect from a query such as `q=node/13` is stored under; empty for a query of another kind."""
    path = query.get(_DRUPAL_PATH, "").strip("/")
    return f"/?{_DRUPAL_PATH}={quote(path)}" if path and not query.keys() & {*QUERY_FORMS, "s"} else ""


def is_file(path: str) -> bool:
    """Return whether `path` is that of a file, not of a page or a script."""
    return _EXTENSION.search(path) is not None and not is_script(path)


def file_url(request: HttpRequest, path: str, folder: str = "") -> str:
    """Return the URL here of the file that was at `/wp-content/uploads/` + `path`, in any size. Raises Http404.

    `folder` is the folder of the WordPress installation, such as `blog/`.
    """
    candidates = size_variants(normalise_path(f"/{folder}".rstrip("/") + _UPLOADS + path))
    (found,) = rows_at(request, (redirects_from, [timezone.now(), candidates]))
    redirects = {redirect.path: redirect for redirect in found}
    for candidate in candidates:
        url: str = redirects[candidate].url if candidate in redirects else ""
        if url:
            return url
    raise Http404(gettext("There is no such file."))


def size_variants(path: str) -> list[str]:
    """Return `path` and the paths of the files that it may be a resized copy of, likeliest first."""
    original = _SIZE_SUFFIX.sub("", path)
    paths = dict.fromkeys([path, original, _SIZE_SUFFIX.sub("", original)])
    # WordPress stores very large pictures as `name-scaled.jpg`, but names their resized copies after `name.jpg`.
    return [*paths, *(_EXTENSION.sub(r"-scaled\g<0>", each) for each in paths if "-scaled." not in each)]


def query_target(query: Mapping[str, str]) -> Target:
    """Return the target here of a URL such as `/?p=5`. Takes at most one database query. Raises Http404."""
    if entry := entry_target(query):
        return entry
    if path := query.get("name") or query.get("pagename"):
        # The slug of a post without its date is only looked up if the path isn't found.
        return _below(Target(_path(path)), _feed_ending(query) if "feed" in query else "")
    listing = _listing_target(query)
    return _below(listing, _feed_path(query) if "feed" in query else _page_path(query, "paged", "page/"))


def drupal_target(query: Mapping[str, str]) -> Target | None:
    """Return the target here of a URL of Drupal such as `/?q=node/13`; None for others. Takes at most one query."""
    key = _drupal_key(query)
    redirects = redirects_from(timezone.now(), [normalise_path(key)]) if key else []
    return next((Target(redirect.url, exists=True) for redirect in redirects if redirect.url), None)


def path_ending(query: Mapping[str, str]) -> str:
    """Return what the feed or the further page that `query` asks for adds to a path; an empty string for neither.

    If there are other forms in the query, it belongs to them.
    """
    if not query.keys() & QUERY_FORMS <= _ENDINGS:
        return ""
    return _feed_ending(query) if "feed" in query else _page_path(query, "paged", "page/")


def _feed_ending(query: Mapping[str, str]) -> str:
    return "feed/atom/" if "atom" in query["feed"] else "feed/"


def _below(target: Target, ending: str) -> Target:
    """Return a further page or the feed of a target, which may not exist."""
    return Target(target.url + ending) if ending else target


def entry_target(query: Mapping[str, str]) -> Target | None:
    """Return the target of a query with the ID of an entry or a file; None if it has none. Raises Http404."""
    form = next((form for form in ENTRY_FORMS if form in query), None)
    if form is None:
        return None
    entry = _target_by_id("p", query[form])
    if "feed" in query:
        return _below(entry, _feed_ending(query))
    return _below(entry, _page_path(query, "page") or _page_path(query, "cpage", "comment-page-"))


def _listing_target(query: Mapping[str, str]) -> Target:
    if query.get("cat"):
        return _target_by_id("cat", query["cat"])
    if _ID.fullmatch(query.get("author", "")):
        # An author's page exists only if the author has published posts.
        return _target_by_id("author", query["author"])._replace(exists=False)
    for form, prefix in _PREFIXES.items():
        if query.get(form):
            # Several tags are joined by `+`, which is a space in a query.
            return Target(_path(f"{prefix}/{query[form].replace(' ', '+')}"))
    if _LANGUAGE in query and not query.keys() & {"m", "year"} and not _is_of_comments(query):
        return Target(_path_of_language(query[_LANGUAGE].lower()))
    # The archive of a day, month or year, or the front page.
    if digits := query.get("m"):
        parts = [digits[:4], digits[4:6], digits[6:8]]
    else:
        parts = [query.get(name, "") for name in ("year", "monthnum", "day")]
    if not all(_ID.fullmatch(part) for part in parts if part):
        raise Http404(gettext("There is no such day."))
    return Target(reverse("blog:front") + "".join(f"{part.zfill(2)}/" for part in takewhile(bool, parts)))


def _path_of_language(language: str) -> str:
    """Return the path of the posts in a language, or of the front page if there are none."""
    if not may_be_in_url(language) or not Post.objects.published().filter(language=language).exists():
        return reverse("blog:front")
    return reverse("blog:language", args=[language])


def _is_of_comments(query: Mapping[str, str]) -> bool:
    return query.get("feed", "").startswith("comments") or query.get("withcomments") == "1"


def _feed_path(query: Mapping[str, str]) -> str:
    of_site = _is_of_comments(query) and not query.keys() & {*_LISTING_FORMS, "s"}
    return f"comments/{_feed_ending(query)}" if of_site else _feed_ending(query)


def _target_by_id(form: str, pk: str) -> Target:
    """Return the target for the object that had this ID on the old site, or that has it here. Raises Http404."""
    digits = _LEADING_ID.match(pk)
    if digits is None:
        raise Http404(gettext("An ID consists of digits only."))
    if (old_pk := int(digits[0])) > BigIntegerField.MAX_BIGINT:
        raise Http404(gettext("There is nothing with this ID."))
    now = timezone.now()
    redirects, found = together((redirects_from, [now, [f"/?{form}={old_pk}"]]), (_by_id[form], [now, old_pk]))
    urls = [*(redirect.url for redirect in redirects), *(each.get_absolute_url() for each in found)]
    if not any(urls):
        raise Http404(gettext("There is nothing with this ID."))
    return Target(next(filter(None, urls)), exists=True)


# The objects that can be looked up by ID, by the name of the parameter.
_by_id: Final = {
    "p": Prepared[Any](
        lambda now, pk: (
            Entry.objects.published(now).filter(pk=pk).only("kind", "slug", "published_at", "published_on", "path")
        )
    ),
    "cat": Prepared[Any](lambda now, pk: Category.objects.known(now).filter(pk=pk)),
    "author": Prepared[Any](lambda _now, pk: User.objects.filter(pk=pk)),
}


def _page_path(query: Mapping[str, str], name: str, prefix: str = "") -> str:
    """Return the end of the path for the page number in the query, or an empty string for the first page."""
    text = query.get(name, "")
    return f"{prefix}{int(text)}/" if _ID.fullmatch(text) and int(text) > 1 else ""


def _path(path: str) -> str:
    return f"/{quote(path.strip('/'), safe='/')}/"
