"""The old URLs of what is imported: redirects lead from them to where it is now."""

from collections.abc import Callable, Iterator
from itertools import islice, product
from typing import Final
from urllib.parse import quote, unquote

from django.db.models import Model

from accounts.models import User
from blog.models import Category, Entry, Page, Post, Redirect
from blog.models.redirect import add_redirects, normalise_path
from core.slugs import slug_from_export, slugify
from wordpress.bulk import fetch_rows
from wordpress.importing.ledger import Ledger
from wordpress.legacy_urls.query_forms import legacy_key
from wordpress.wxr.records import OLD_DATE_KEY, OLD_SLUG_KEY, Author, Item, Term
from wordpress.wxr.values import usable_slug

# How many old URLs of one object are read.
_MAX_URLS: Final = 200


class OldUrls:
    """Collects old URLs. Those that are redirected already stay as they are.

    `is_new` says whether this run has added the object: its redirects go when it goes.
    """

    def __init__(self) -> None:
        # By normalised path: the path as exported, its target, and whether that is new.
        self._found: dict[str, tuple[str, Model, bool]] = {}

    def add_entry(self, entry: Entry, item: Item, *, is_new: bool) -> None:
        # A link with an ID is no URL to keep: IDs are looked up.
        link = "" if "?" in item.link else item.link
        slug = (entry.path or "") if isinstance(entry, Page) else entry.slug
        lower = _in_lower_case(slug, entry.get_absolute_url)
        urls = (link, *lower, *_with_exported_slug(entry, item), *item.legacy_urls, *_renamed(entry, item))
        self._add(entry, urls, entry.get_absolute_url, is_new=is_new)

    def add_category(self, category: Category, term: Term, *, is_new: bool) -> None:
        with_id = [f"/?cat={term.id}"] if term.id not in {0, category.pk} else []
        lower = _in_lower_case(category.slug, lambda: f"/category/{category.slug}/")
        self._add(category, (*with_id, *lower, *term.legacy_urls), is_new=is_new)

    def add_author(self, user: User, author: Author, *, is_new: bool) -> None:
        with_id = [f"/?author={author.id}"] if author.id not in {0, user.pk} else []
        # WordPress makes the URL of the login; our own exports have the slug itself.
        page = [] if author.slug else [f"/author/{slugify(author.login)}/"]
        self._add(user, (*with_id, *page, *author.legacy_urls), user.get_absolute_url, is_new=is_new)

    def write(self, ledger: Ledger) -> None:
        """Store what was added since the last call."""
        known = {path for (path,) in fetch_rows(Redirect, "path", self._found, "path")}
        new = {path: found for path, found in self._found.items() if path not in known}
        add_redirects((path, target) for path, target, _is_new in new.values())
        ledger.add_redirects(path for path, (_path, _target, is_new) in new.items() if not is_new)
        self.clear()

    def clear(self) -> None:
        """Forget what was not stored."""
        self._found = {}

    def _add(self, target: Model, urls: tuple[str, ...], current_url: Callable[[], str] = str, *, is_new: bool) -> None:
        """Add `urls` of `target`, but not its current URL."""
        keys = [key for url in islice(urls, _MAX_URLS) if (key := legacy_key(url))]
        current = normalise_path(current_url()) if keys else ""
        for key in keys:
            if normalise_path(key) != current:
                self._found.setdefault(normalise_path(key), (key, target, is_new))


def _in_lower_case(slug: str, url: Callable[[], str]) -> list[str]:
    """Return the `url` of `slug` in lower case, if it is not.

    Only other programs export capitals. WordPress lowers them, and takes both spellings for the same URL.
    """
    return [normalise_path(url()).lower()] if slug != slug.lower() else []


def _with_exported_slug(entry: Entry, item: Item) -> list[str]:
    """Return the URL of `entry` with a slug that cannot be kept, such as `Two Words`, which other programs export."""
    slug = slug_from_export(item.slug)
    if slug == usable_slug(item.slug) or "?" in (url := entry.get_absolute_url()):
        return []
    return [f"{url.rstrip('/').rpartition('/')[0]}/{quote(slug)}/"]


def _renamed(entry: Entry, item: Item) -> Iterator[str]:
    """Yield the URLs of a post with the slugs and dates that WordPress says it had."""
    if not isinstance(entry, Post) or entry.published_on is None:
        return
    # Our own exports have the whole URLs, and WordPress's fields only repeat them.
    whole = [url.strip("/").split("/") for url in item.legacy_urls]
    slugs = [slug for key, value in item.meta if key == OLD_SLUG_KEY and (slug := usable_slug(value))]
    days = [value.replace("-", "/") for key, value in item.meta if key == OLD_DATE_KEY]
    slugs = [slug for slug in slugs if not any(unquote(parts[-1]) == slug for parts in whole)]
    days = [day for day in days if not any("/".join(parts[:3]) == day for parts in whole)]
    if not slugs and not days:
        return
    today = entry.published_on.isoformat().replace("-", "/")
    for day, slug in islice(product([today, *days], [entry.slug, *slugs]), _MAX_URLS):
        yield f"/{day}/{slug}/"
