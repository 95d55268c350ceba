"""WordPress's own forms of addresses, and what they are here.

Each is one step of translation: blog.redirects goes the steps, and redirects once, to what answers.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from django.db.models import Model
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import User
from blog.addresses import OldAddress, as_stored, remember_addresses
from blog.models import Category, Page, Post
from wordpress.lookups import rows

_NUMBER = re.compile(r"[0-9]{1,19}")
_UPLOADS: Final = "/wp-content/uploads/"
_UPLOADED = re.compile(r"/(?:wp-content/(?:uploads|blogs\.dir/[0-9]+/files)|files)/(.+)")
# Pictures of other sizes that WordPress made beside the one that was uploaded.
_SIZE = re.compile(r"(?:-(?:[0-9]{1,5}x[0-9]{1,5}|scaled|rotated|e[0-9]{10,13})|@2x)(?=\.[A-Za-z0-9]+$)")
# How the names of the pictures end that the library takes.
PICTURE_ENDINGS: Final = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".avif"})
_ENDING = re.compile(r"\.[A-Za-z0-9]+$")
# Numbered things whose numbers are the export's, not ours.
_ENTRIES: Final = ("p", "page_id", "attachment_id")
_LISTINGS: Final = ("cat", "category_name", "tag", "author", "author_name", "m", "year")
_OTHERS: Final = ("name", "pagename", "feed", "paged")
QUERY_FORMS: Final = frozenset({*_ENTRIES, *_LISTINGS, *_OTHERS})


def remember_address(old_address: str, target: Model) -> None:
    """Let an address of the old site lead to a post, page, category, author, picture or document.

    `old_address` is a path or a whole URL: of a file (also at NAME.files.wordpress.com), of an attachment's page, or a
    numbered form such as `/?cat=5`, `/?author=2`, `/?attachment_id=7`.
    """
    remember_all([(old_address, target)])


def remember_all(pairs: Iterable[tuple[str, Model]]) -> None:
    """`remember_address` for many, in few statements."""
    remember_addresses((key, target) for address, target in pairs if (key := old_key(address)))


def remember_new(pairs: Iterable[tuple[str, Model]]) -> None:
    """`remember_all`, but an address that leads somewhere already goes on leading there."""
    targets = {key: target for address, target in pairs if (key := old_key(address))}
    taken = {path for (path,) in rows(OldAddress, "path", targets, "path")}
    remember_addresses((key, target) for key, target in targets.items() if key not in taken)


def old_key(address: str) -> str:
    """What an address of the old site is remembered by; empty for what is no such address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    for name, number in parse_qsl(parts.query):
        if parts.path in {"", "/", "/index.php"} and name in QUERY_FORMS and _NUMBER.fullmatch(number):
            # WordPress numbers posts, pages and attachments together.
            return f"/?{'p' if name in _ENTRIES else name}={int(number)}"
    if (parts.hostname or "").endswith(".files.wordpress.com"):
        return _UPLOADS + parts.path.lstrip("/")
    if uploaded := _UPLOADED.fullmatch(parts.path):
        return _UPLOADS + uploaded[1]
    # WordPress doubles the slash in front in some places, which is no part of the address.
    path = "/" + parts.path.lstrip("/") if parts.path.startswith("/") else ""
    return path if path != "/" else ""


def file_address(path: str) -> str:
    """Where the uploaded file is that was at `/wp-content/uploads/` + `path`, whatever its size. Raises Http404."""
    for candidate in same_file(as_stored(_UPLOADS + path)):
        if address := _remembered(candidate):
            return address
    raise Http404(gettext("There is no such file."))


def same_file(path: str) -> list[str]:
    """`path` of a file, and those of what it may be another size of, the likeliest first."""
    smaller = _SIZE.sub("", path)
    bases = dict.fromkeys([path, smaller, _SIZE.sub("", smaller)])
    # What was very large WordPress keeps under `name-scaled.jpg`, and names the smaller ones after `name.jpg`.
    return [*bases, *(_ENDING.sub(r"-scaled\g<0>", base) for base in bases if "-scaled." not in base)]


def query_address(query: Mapping[str, str]) -> str:
    """The address here that the query of an old one names, as in `/?p=5`. Raises Http404 if there is none."""
    for form in _ENTRIES:
        if form in query:
            return _entry_address(query, form)
    for form in ("name", "pagename"):
        if query.get(form):
            # A post's slug without its day is looked for where addresses are not found.
            return _path(query[form])
    listing = _listing_address(query)
    if "feed" in query:
        return listing + _feed(query)
    page = query.get("paged", "")
    return f"{listing}page/{int(page)}/" if _NUMBER.fullmatch(page) and int(page) > 1 else listing


def _entry_address(query: Mapping[str, str], form: str) -> str:
    number = _number(query[form])
    address = _remembered(f"/?p={number}")
    if not address:
        models: tuple[type[Post] | type[Page], ...] = (Page, Post) if form == "page_id" else (Post, Page)
        entries = (model.objects.published().filter(pk=number).first() for model in models)
        entry: Post | Page | None = next(filter(None, entries), None)
        if entry is None:
            raise Http404(gettext("There is no post of this number."))
        address = entry.get_absolute_url()
    if "feed" in query:
        return address + ("feed/atom/" if "atom" in query["feed"] else "feed/")
    part = query.get("page", "")
    if _NUMBER.fullmatch(part) and int(part) > 1:
        return f"{address}{int(part)}/"
    page = query.get("cpage", "")
    return f"{address}comment-page-{int(page)}/" if _NUMBER.fullmatch(page) and int(page) > 1 else address


def _listing_address(query: Mapping[str, str]) -> str:
    if query.get("cat"):
        number = _number(query["cat"])
        category = Category.objects.filter(pk=number).first()
        return _remembered(f"/?cat={number}") or _found(category.get_absolute_url() if category else "")
    if query.get("author") and _NUMBER.fullmatch(query["author"]):
        number = int(query["author"])
        author = User.objects.filter(pk=number).first()
        return _remembered(f"/?author={number}") or _found(author.get_absolute_url() if author else "")
    for form, prefix in (
        ("category_name", "category/"),
        ("tag", "tag/"),
        ("author_name", "author/"),
        ("author", "author/"),
    ):
        if query.get(form):
            return _path(prefix + query[form])
    return _date_address(query)


def _date_address(query: Mapping[str, str]) -> str:
    if query.get("m"):
        digits = query["m"]
        parts = [digits[:4], digits[4:6], digits[6:8]]
    else:
        parts = [query.get(name, "") for name in ("year", "monthnum", "day")]
    if not all(_NUMBER.fullmatch(part) for part in parts if part):
        raise Http404(gettext("There is no such day."))
    address = reverse("blog:front")
    for part in parts:
        if not part:
            break
        address += f"{part.zfill(2)}/"
    return address


def _feed(query: Mapping[str, str]) -> str:
    kind = query["feed"]
    ending = "feed/atom/" if "atom" in kind else "feed/"
    of_comments = kind.startswith("comments") or query.get("withcomments") == "1"
    return f"comments/{ending}" if of_comments and not query.keys() & set(_LISTINGS) else ending


def _remembered(path: str) -> str:
    old = OldAddress.objects.filter(path=path).first()
    return old.leads_to if old else ""


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Http404(gettext("A post's number has digits only."))
    return int(text)


def _found(address: str) -> str:
    if not address:
        raise Http404(gettext("There is nothing of this number."))
    return address


def _path(path: str) -> str:
    return f"/{quote(path.strip('/'), safe='/')}/"
