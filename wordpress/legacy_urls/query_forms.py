"""The forms of URLs that WordPress knows besides permalinks, such as `/?p=5`, and what they are here.

Each is one step of translation. blog.redirects.middleware follows the steps and redirects once, to what answers.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import User
from blog.models import Category, Entry
from blog.models.redirect import Redirect, normalise_path

_ID = re.compile(r"[0-9]{1,19}")
_UPLOADS: Final = "/wp-content/uploads/"
_UPLOADED = re.compile(r"/(?:wp-content/(?:uploads|blogs\.dir/[0-9]+/files)|files)/(.+)")
# What WordPress adds to the names of resized copies of a picture.
_SIZE_SUFFIX = re.compile(r"(?:-(?:[0-9]{1,5}x[0-9]{1,5}|scaled|rotated|e[0-9]{10,13})|@2x)(?=\.[A-Za-z0-9]+$)")
# The file extensions of the pictures that can be uploaded here.
PICTURE_EXTENSIONS: Final = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".avif"})
_EXTENSION = re.compile(r"\.[A-Za-z0-9]+$")
# WordPress numbers posts, pages and attachments together.
_ENTRY_FORMS: Final = ("p", "page_id", "attachment_id")
_LISTING_FORMS: Final = ("cat", "category_name", "tag", "author", "author_name", "m", "year")
_OTHER_FORMS: Final = ("name", "pagename", "feed", "paged")
QUERY_FORMS: Final = frozenset({*_ENTRY_FORMS, *_LISTING_FORMS, *_OTHER_FORMS})


def legacy_key(url: str) -> str:
    """Return the path under which a redirect from a URL of the old site is stored. Empty if there can't be one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    for name, value in parse_qsl(parts.query):
        if parts.path in {"", "/", "/index.php"} and name in QUERY_FORMS and _ID.fullmatch(value):
            return f"/?{'p' if name in _ENTRY_FORMS else name}={int(value)}"
    if (parts.hostname or "").endswith(".files.wordpress.com"):
        return _UPLOADS + parts.path.lstrip("/")
    if uploaded := _UPLOADED.fullmatch(parts.path):
        return _UPLOADS + uploaded[1]
    # In some places WordPress doubles the leading slash.
    path = "/" + parts.path.lstrip("/") if parts.path.startswith("/") else ""
    return path if path != "/" else ""


def file_url(path: str) -> str:
    """Return the URL here of the file that was at `/wp-content/uploads/` + `path`, in any size. Raises Http404."""
    for candidate in size_variants(normalise_path(_UPLOADS + path)):
        if url := _redirect_url(candidate):
            return url
    raise Http404(gettext("There is no such file."))


def size_variants(path: str) -> list[str]:
    """Return `path` of a file and the paths of which it may be a resized copy, the likeliest first."""
    original = _SIZE_SUFFIX.sub("", path)
    paths = dict.fromkeys([path, original, _SIZE_SUFFIX.sub("", original)])
    # WordPress stores very large pictures as `name-scaled.jpg`, but names their resized copies after `name.jpg`.
    return [*paths, *(_EXTENSION.sub(r"-scaled\g<0>", each) for each in paths if "-scaled." not in each)]


def query_url(query: Mapping[str, str]) -> str:
    """Return the URL here for a query such as `/?p=5`. Raises Http404 if there is none."""
    for form in _ENTRY_FORMS:
        if form in query:
            return _entry_url(query, form)
    for form in ("name", "pagename"):
        if query.get(form):
            # A post's slug without its date is looked up when the path is not found.
            return _path(query[form])
    listing = _listing_url(query)
    if "feed" in query:
        return listing + _feed_path(query)
    page_number = query.get("paged", "")
    return f"{listing}page/{int(page_number)}/" if _is_further_page(page_number) else listing


def _entry_url(query: Mapping[str, str], form: str) -> str:
    pk = _id(query[form])
    url = _redirect_url(f"/?p={pk}")
    if not url:
        entry = Entry.objects.published().filter(pk=pk).first()
        if entry is None:
            raise Http404(gettext("There is no post with this ID."))
        url = entry.get_absolute_url()
    if "feed" in query:
        return url + ("feed/atom/" if "atom" in query["feed"] else "feed/")
    part = query.get("page", "")
    if _is_further_page(part):
        return f"{url}{int(part)}/"
    page_number = query.get("cpage", "")
    return f"{url}comment-page-{int(page_number)}/" if _is_further_page(page_number) else url


def _listing_url(query: Mapping[str, str]) -> str:
    if query.get("cat"):
        pk = _id(query["cat"])
        return _redirect_url(f"/?cat={pk}") or _url_of(Category.objects.filter(pk=pk).first())
    if query.get("author") and _ID.fullmatch(query["author"]):
        pk = int(query["author"])
        return _redirect_url(f"/?author={pk}") or _url_of(User.objects.filter(pk=pk).first())
    for form, prefix in (
        ("category_name", "category/"),
        ("tag", "tag/"),
        ("author_name", "author/"),
        ("author", "author/"),
    ):
        if query.get(form):
            return _path(prefix + query[form])
    return _archive_url(query)


def _archive_url(query: Mapping[str, str]) -> str:
    """Return the URL of the archive of a day, month or year, or that of the front page."""
    if query.get("m"):
        digits = query["m"]
        parts = [digits[:4], digits[4:6], digits[6:8]]
    else:
        parts = [query.get(name, "") for name in ("year", "monthnum", "day")]
    if not all(_ID.fullmatch(part) for part in parts if part):
        raise Http404(gettext("There is no such day."))
    url = reverse("blog:front")
    for part in parts:
        if not part:
            break
        url += f"{part.zfill(2)}/"
    return url


def _feed_path(query: Mapping[str, str]) -> str:
    kind = query["feed"]
    path = "feed/atom/" if "atom" in kind else "feed/"
    is_of_comments = kind.startswith("comments") or query.get("withcomments") == "1"
    return f"comments/{path}" if is_of_comments and not query.keys() & set(_LISTING_FORMS) else path


def _redirect_url(path: str) -> str:
    redirect = Redirect.objects.filter(path=path).first()
    return redirect.url if redirect else ""


def _is_further_page(text: str) -> bool:
    return bool(_ID.fullmatch(text)) and int(text) > 1


def _id(text: str) -> int:
    if not _ID.fullmatch(text):
        raise Http404(gettext("An ID consists of digits only."))
    return int(text)


def _url_of(found: Category | User | None) -> str:
    if found is None:
        raise Http404(gettext("There is nothing with this ID."))
    return found.get_absolute_url()


def _path(path: str) -> str:
    return f"/{quote(path.strip('/'), safe='/')}/"
