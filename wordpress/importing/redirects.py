"""Redirects from URLs of the old site: permalinks, files and forms with an ID, such as `/?p=5`."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings
from django.db.models import Model
from django.urls import resolve

from accounts.models import User
from blog.models import Category, Entry, Page, Post, Redirect
from blog.models.redirect import TARGETS, add_redirects, normalise_path, target_name
from core.bulk import fetch_rows
from core.slugs import slug_from_export, slugify
from wordpress.importing.ledger import Ledger
from wordpress.importing.report import PAGES, POSTS
from wordpress.legacy_urls.query_forms import legacy_key, script_key
from wordpress.models import Attachment, ImportedItem
from wordpress.wxr.records import BLOGGER_PATH_KEY, OLD_DATE_KEY, OLD_SLUG_KEY, Author, Item, Term
from wordpress.wxr.values import MAX_ID, usable_slug

_TARGET_IDS: Final = [f"{name}_id" for name in TARGETS]
_TUMBLR_PATH: Final = re.compile(r"(/post/[0-9]+)/[^/]+/?")
# The maximum number of old URLs of one object.
_MAX_URLS: Final = 200


def folder_of(url: str) -> str:
    """Return the folder of the blog at `url`, such as `/blog/`; an empty string if it is at the root of its host."""
    try:
        path = normalise_path(urlsplit(url.strip()).path)
    except ValueError:
        return ""
    folder = path.removesuffix("/index.php").strip("/")
    return f"/{folder}/" if folder else ""


def leads_to_page(path: str) -> bool:
    """Whether a page or redirect at `path` is found: years such as `/2014/`, feeds and other URLs lead elsewhere."""
    # The web server answers requests for static files itself.
    return not path.startswith(settings.STATIC_URL) and resolve(path).view_name == "blog:page"


def add_redirect(url: str, target: Model) -> None:
    """Redirect a URL of the old site (see legacy_key) to an entry, category, author, picture or document."""
    if key := legacy_key(url):
        add_redirects([(key, target)])


def add_missing_redirects(pairs: Iterable[tuple[str, Model]]) -> list[str]:
    """Redirect URLs of the old site that are not redirected yet to their targets, and return their paths."""
    targets = {normalise_path(key): (key, target) for url, target in pairs if (key := _key(url))}
    taken = {path for (path,) in fetch_rows(Redirect, "path", targets, "path")}
    missing = {path: redirect for path, redirect in targets.items() if path not in taken}
    add_redirects(missing.values())
    return list(missing)


def add_id_redirects(site: str, targets: Mapping[int, Model]) -> list[str]:
    """Redirect the URLs with these IDs of `site` to their targets, and return the newly redirected paths.

    An ID used by several sites leads to the first of them. If several entries or files of an export have the same ID,
    the entry with this ID here keeps it. IDs that are not numbers have no such URLs.
    """
    columns = ("wordpress_id", "site")
    targets = {wordpress_id: target for wordpress_id, target in targets.items() if wordpress_id < MAX_ID}
    entries = fetch_rows(ImportedItem, "wordpress_id", targets, *columns, "object_pk", kind__in=[POSTS, PAGES])
    files = [wp_id for wp_id, other in fetch_rows(Attachment, "wordpress_id", targets, *columns) if other != site]
    redirected = {path for (path,) in fetch_rows(Redirect, "path", map(_path, files), "path")}
    taken = {wp_id for wp_id, other, pk in entries if other != site or pk == wp_id}
    taken |= {wp_id for wp_id in files if _path(wp_id) in redirected}
    free = {_path(wp_id): target for wp_id, target in targets.items() if wp_id not in taken}
    present = {path: ids for path, *ids in fetch_rows(Redirect, "path", free, "path", *_TARGET_IDS)}
    new = {path: target for path, target in free.items() if present.get(path) != _ids(target)}
    add_redirects(new.items())
    return list(new)


def entries_by_id(site: str, wordpress_ids: Iterable[int]) -> dict[int, Entry]:
    """Return the entries here that had these IDs at `site`, with their texts deferred."""
    columns = ("wordpress_id", "object_pk")
    items = dict(fetch_rows(ImportedItem, "wordpress_id", wordpress_ids, *columns, site=site, kind__in=[POSTS, PAGES]))
    entries: dict[int, Entry] = Entry.objects.without_texts().in_bulk(items.values())
    return {wordpress_id: entries[pk] for wordpress_id, pk in items.items() if pk in entries}


class OldUrls:
    """Collects the old URLs of imported objects. URLs that are already redirected stay as they are."""

    def __init__(self, folder: str) -> None:
        """`folder` is the one that the blog was in, which has a redirect of its own (see folder_of)."""
        self._folder = folder
        # By normalised path: the path as exported, its target, and whether this run has added the target. In that case
        # the redirect is deleted with it.
        self._found: dict[str, tuple[str, Model, bool]] = {}

    def add_entry(self, entry: Entry, item: Item, *, is_new: bool) -> None:
        current = entry.get_absolute_url()
        # Links with an ID need no redirect, because IDs are looked up. The path alone would belong to other posts, too.
        link = item.link if "?" not in item.link or script_key(item.link) else ""
        slug = (entry.path or "") if isinstance(entry, Page) else entry.slug
        # Those of our own exports come first, so that the next export lists them in the same order.
        others = (*item.legacy_urls, *_in_lower_case(slug, current), *_with_exported_slug(current, item))
        at_blogger = (value.strip() for key, value in item.meta if key == BLOGGER_PATH_KEY)
        self._add(
            entry, (link, *others, *_renamed(entry, item), *at_blogger, *_by_number(link)), current, is_new=is_new
        )

    def add_category(self, category: Category, term: Term, *, is_new: bool) -> None:
        with_id = [f"/?cat={term.id}"] if term.id not in {0, category.pk} else []
        lower = _in_lower_case(category.slug, f"/category/{category.slug}/")
        self._add(category, (*term.legacy_urls, *with_id, *lower), is_new=is_new)

    def add_author(self, user: User, author: Author, *, is_new: bool) -> None:
        with_id = [f"/?author={author.id}"] if author.id not in {0, user.pk} else []
        # WordPress derives the URL from the login; our own exports contain the slug itself.
        slug = "" if author.slug else slugify(author.login)
        page = [f"/author/{slug}/"] if slug else []
        self._add(user, (*author.legacy_urls, *with_id, *page), user.get_absolute_url(), is_new=is_new)

    def write(self, ledger: Ledger) -> None:
        """Store the URLs added since the last call."""
        paths = add_missing_redirects((url, target) for url, target, _is_new in self._found.values())
        ledger.add_redirects(path for path in paths if not self._found[path][2])
        self.clear()

    def clear(self) -> None:
        """Discard URLs that have not been stored."""
        self._found = {}

    def _add(self, target: Model, urls: tuple[str, ...], current_url: str = "", *, is_new: bool) -> None:
        """Add the URLs of `target` except its current one."""
        for url in urls[:_MAX_URLS]:
            key = _key(url)
            path = normalise_path(key)
            if key and path != normalise_path(current_url) and f"{path.rstrip('/')}/" != self._folder:
                self._found.setdefault(path, (key, target, is_new))


def _key(url: str) -> str:
    """Return what a redirect from a URL of the old site is stored under; an empty string if it has none."""
    return legacy_key(url) or script_key(url)


def _in_lower_case(slug: str, url: str) -> list[str]:
    """Return `url` in lower case if `slug` has capitals, which only other programs export. WordPress ignores case."""
    return [normalise_path(url).lower()] if slug != slug.lower() else []


def _with_exported_slug(url: str, item: Item) -> list[str]:
    """Return `url` with the exported slug if that can't be kept, such as `Two Words`, which other programs export."""
    slug = slug_from_export(item.slug)
    if slug == usable_slug(item.slug) or "?" in url:
        return []
    return [f"{url.rstrip('/').rpartition('/')[0]}/{quote(slug)}/"]


def _by_number(link: str) -> list[str]:
    """Return the URL of a post of Tumblr without its slug, which is often missing in links to it."""
    numbered = _TUMBLR_PATH.fullmatch(legacy_key(link))
    return [numbered[1]] if numbered else []


def _renamed(entry: Entry, item: Item) -> Iterator[str]:
    """Yield the URLs of a post with the former slugs and dates that WordPress has recorded."""
    if not isinstance(entry, Post) or entry.published_on is None:
        return
    # Our own exports contain the whole URLs, which WordPress's fields only repeat.
    whole = [url.strip("/").split("/") for url in item.legacy_urls]
    slugs = [slug for key, value in item.meta if key == OLD_SLUG_KEY and (slug := usable_slug(value.strip()))]
    days = [value.strip().replace("-", "/") for key, value in item.meta if key == OLD_DATE_KEY]
    slugs = [slug for slug in slugs if not any(unquote(parts[-1]) == slug for parts in whole)]
    days = [day for day in days if not any("/".join(parts[:3]) == day for parts in whole)]
    if not slugs and not days:
        return
    today = entry.published_on.isoformat().replace("-", "/")
    for day, slug in islice(product([today, *days], [entry.slug, *slugs]), _MAX_URLS):
        yield f"/{day}/{slug}/"


def _ids(target: Model) -> list[int | None]:
    """Return the values of the target columns in a redirect to `target`."""
    return [target.pk if name == target_name(target) else None for name in TARGETS]


def _path(wordpress_id: int) -> str:
    return f"/?p={wordpress_id}"
