"""The addresses that the things of an export had before, there: here they lead to them."""

from collections.abc import Callable, Iterator
from itertools import islice, product
from urllib.parse import quote, unquote

from django.db.models import Model

from accounts.models import User
from accounts.slugs import slug_from_export, slugify
from blog.addresses import OldAddress, as_stored, remember_addresses
from blog.models import Category, Page, Post
from wordpress.addresses import old_key
from wordpress.lookups import rows
from wordpress.originals import old_addresses
from wordpress.plain import usable_slug
from wordpress.records import Author, Item, Term

# WordPress's own words for what a post was called and dated before. Source: wp_check_for_changed_slugs and
# wp_check_for_changed_dates.
OLD_SLUG_KEY, OLD_DATE_KEY = "_wp_old_slug", "_wp_old_date"
# More former addresses of one thing are not read.
_MOST = 200


class FormerAddresses:
    """Takes what is brought in. An address that leads somewhere here already leads there still."""

    def __init__(self) -> None:
        # By the form in which addresses are kept: the address as it was said, and what it leads to.
        self._found: dict[str, tuple[str, Model]] = {}

    def of_entry(self, entry: Post | Page, item: Item) -> None:
        """Where the export says it is, and where it was before."""
        # A numbered link is no address to keep: numbers are looked up.
        link = "" if "?" in item.link else item.link
        small = _in_small_letters(entry.path if isinstance(entry, Page) else entry.slug, entry.get_absolute_url)
        said = (link, *small, *_as_exported(entry, item), *old_addresses(item.meta), *_renamed(entry, item))
        self._take(entry, said, entry.get_absolute_url)

    def of_category(self, category: Category, term: Term) -> None:
        number = [f"/?cat={term.id}"] if term.id not in {0, category.pk} else []
        small = _in_small_letters(category.slug, lambda: f"/category/{category.slug}/")
        self._take(category, (*number, *small, *term.addresses))

    def of_author(self, author: User, exported: Author) -> None:
        number = [f"/?author={exported.id}"] if exported.id not in {0, author.pk} else []
        # WordPress made the address of the login; an export of ours says the address itself.
        page = [] if exported.slug else [f"/author/{slugify(exported.login)}/"]
        self._take(author, (*number, *page, *exported.addresses), author.get_absolute_url)

    def write(self) -> None:
        """Store what was taken since the last time."""
        known = {path for (path,) in rows(OldAddress, "path", self._found, "path")}
        remember_addresses(pair for path, pair in self._found.items() if path not in known)
        self._found = {}

    def _take(self, target: Model, addresses: tuple[str, ...], now: Callable[[], str] = str) -> None:
        """`now`: tells its address here, if that must not be among those it had before."""
        keys = [key for address in islice(addresses, _MOST) if (key := old_key(address))]
        here = as_stored(now()) if keys else ""
        for key in keys:
            if as_stored(key) != here:
                self._found.setdefault(as_stored(key), (key, target))


def _in_small_letters(slug: str, address: Callable[[], str]) -> list[str]:
    """The `address` of `slug` in small letters, if it has others.

    Only other programs write them into exports. WordPress made them small, and took any for the same.
    """
    return [as_stored(address()).lower()] if slug != slug.lower() else []


def _as_exported(entry: Post | Page, item: Item) -> list[str]:
    """The address of `entry` by a slug that cannot be kept, as `Two Words`, which only other programs write."""
    slug = slug_from_export(item.slug)
    if slug == usable_slug(item.slug) or "?" in (address := entry.get_absolute_url()):
        return []
    return [f"{address.rstrip('/').rpartition('/')[0]}/{quote(slug)}/"]


def _renamed(entry: Post | Page, item: Item) -> Iterator[str]:
    if not isinstance(entry, Post) or entry.published_on is None:
        return
    # An export of ours says the whole addresses: these words of WordPress repeat them.
    said = [address.strip("/").split("/") for address in old_addresses(item.meta)]
    slugs = [slug for key, value in item.meta if key == OLD_SLUG_KEY and (slug := usable_slug(value))]
    days = [value.replace("-", "/") for key, value in item.meta if key == OLD_DATE_KEY]
    slugs = [slug for slug in slugs if not any(unquote(parts[-1]) == slug for parts in said)]
    days = [day for day in days if not any("/".join(parts[:3]) == day for parts in said)]
    if not slugs and not days:
        return
    for day, slug in islice(
        product([entry.published_on.isoformat().replace("-", "/"), *days], [entry.slug, *slugs]), _MOST
    ):
        yield f"/{day}/{slug}/"
