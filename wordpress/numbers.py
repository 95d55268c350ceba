"""The numbers that posts, pages and files had on the old site, as addresses name them: `/?p=5`.

Numbers are a site's own. Of two sites that were brought in the first keeps those that both have.
"""

from collections.abc import Iterable, Mapping

from django.db.models import Model

from blog.addresses import OldAddress, remember_addresses
from blog.models import Page, Post
from wordpress.lookups import rows
from wordpress.models import Attachment, ImportedItem
from wordpress.reports import PAGES, POSTS


def remember_numbers(site: str, targets: Mapping[int, Model]) -> None:
    """Let the numbered address of each of `targets`, by its number at `site`, lead to it.

    Where an export gives one number to several posts, pages or files, the post or page that has it here too keeps it.
    """
    columns = ("wordpress_id", "site")
    entries = rows(ImportedItem, "wordpress_id", targets, *columns, "kind", "object_pk", kind__in=[POSTS, PAGES])
    files = [number for number, other in rows(Attachment, "wordpress_id", targets, *columns) if other != site]
    led = {path for (path,) in rows(OldAddress, "path", map(_address, files), "path")}
    taken = {
        number
        for number, other, kind, key in entries
        if other != site or (key == number and not _is_of_other_kind(targets[number], kind))
    }
    taken |= {number for number in files if _address(number) in led}
    remember_addresses((_address(number), target) for number, target in targets.items() if number not in taken)


def entries_of(site: str, numbers: Iterable[int]) -> dict[int, Post | Page]:
    """The post or page that each of `numbers` was at `site`, as far as it is here; with nothing but its key."""
    found: dict[int, Post | Page] = {}
    for kind, model in ((PAGES, Page), (POSTS, Post)):
        items = rows(ImportedItem, "wordpress_id", numbers, "wordpress_id", "object_pk", site=site, kind=kind)
        keys = dict(items)
        here = {pk for (pk,) in rows(model, "pk", keys.values(), "pk")}
        found |= {number: model(pk=pk) for number, pk in keys.items() if pk in here}
    return found


def _is_of_other_kind(target: Model, kind: str) -> bool:
    """Whether it is a post and `kind` is that of pages, or the other way round: these are numbered apart here."""
    return isinstance(target, Post | Page) and target._meta.model_name != kind


def _address(number: int) -> str:
    return f"/?p={number}"
