"""Matching items of an export with entries here: by ID, slug and date, otherwise by GUID.

A page that comes later than the items of a custom type below it is matched with the page that an earlier import added
in its place (wordpress.importing.steps.pages).
"""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from blog.models import Entry
from core.bulk import fetch_rows
from wordpress.importing.ledger import fingerprint_modified
from wordpress.importing.limits import max_length
from wordpress.importing.report import PAGES, POSTS
from wordpress.models import ImportedItem
from wordpress.wxr.records import SECTION_GUID, Item
from wordpress.wxr.values import plain_line, usable_slug

# The index of the `guid_sources` that are only used if the others are taken.
LAST_GUID_INDEX: Final = 2
MAX_GUID_LENGTH: Final = max_length(Entry, "guid")


class KeyedItem(NamedTuple):
    """A post or page and its identity within the export, which doesn't depend on what is stored here.

    `guid_index` is the index of the first of its `guid_sources` that no other item has.
    `is_repeated` is true if the same item occurred earlier in the export.
    `is_first_with_id` is true if no earlier item has the same ID.
    `position` is the index among the pages of the export.
    """

    item: Item
    guid_index: int = 0
    is_repeated: bool = False
    is_first_with_id: bool = True
    position: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """The ID and GUID of an item here. `known` is true if it is already here. `pk` is None if it needs a new ID."""

    pk: int | None
    guid: str
    known: bool = False


class _Stored(NamedTuple):
    """An entry that has a GUID of an exported item."""

    pk: int
    kind: str
    slug: str | None
    created_at: dt.datetime
    title: str


def identify(items: Sequence[KeyedItem], site: str) -> list[Identity]:
    """Return the identity of each of `items`, in a few queries however many there are."""
    guids = [[guid_of(keyed.item, site, index) for index in range(LAST_GUID_INDEX + 1)] for keyed in items]
    sections = [_section_guid(keyed) for keyed in items]
    by_guid = _entries_by_guid([*chain.from_iterable(guids), *filter(None, sections)])
    wordpress_ids = _wordpress_ids(items, guids, by_guid, site)
    ids = (keyed.item.id for keyed in items)
    replaceable = _unedited(site, {by_guid[guid].pk for guid in sections if guid in by_guid})
    by_pk = {pk: rest for pk, *rest in fetch_rows(Entry, "pk", ids, "pk", "kind", "slug", "created_at")}
    identities = []
    for keyed, own_guids, section_guid in zip(items, guids, sections, strict=True):
        item = keyed.item
        section = by_guid[section_guid].pk if section_guid in by_guid else 0
        exported, *made = own_guids
        # Another item may have the exported one, so those made from this item come first.
        found = (guid for guid in (*reversed(made), exported) if guid in by_guid)
        known = (guid for guid in found if _is_same(item, by_guid[guid], wordpress_ids, is_exported=guid == exported))
        # A post may have the GUID of this page, or one of another export that of this item.
        free = (guid for guid in own_guids[keyed.guid_index :] if guid not in by_guid)
        guid = next(free, own_guids[LAST_GUID_INDEX])
        if keyed.is_first_with_id and by_pk.get(item.id) == [item.type, usable_slug(item.slug), item.published_at]:
            identities.append(Identity(item.id, guid, known=True))
        elif known_guid := next(known, ""):
            identities.append(Identity(by_guid[known_guid].pk, known_guid, known=True))
        elif section in replaceable:
            replaceable.remove(section)
            identities.append(Identity(section, guid, known=True))
        else:
            is_free = item.id and keyed.is_first_with_id and item.id not in by_pk
            identities.append(Identity(item.id if is_free else None, guid))
    return identities


def _entries_by_guid(guids: Iterable[str]) -> dict[str, _Stored]:
    """Return the entries with these GUIDs."""
    columns = ("guid", "pk", "kind", "slug", "created_at", "title")
    return {guid: _Stored(*rest) for guid, *rest in fetch_rows(Entry, "guid", guids, *columns)}


def _wordpress_ids(
    items: Sequence[KeyedItem], guids: Sequence[Sequence[str]], by_guid: Mapping[str, _Stored], site: str
) -> dict[int, int]:
    """Return the IDs that exports of `site` gave to entries that have the GUID of an item, but not its slug."""
    stored = {
        by_guid[guid].pk
        for keyed, own_guids in zip(items, guids, strict=True)
        for guid in own_guids
        if guid in by_guid and by_guid[guid].slug != (usable_slug(keyed.item.slug) or None)
    }
    kinds = [POSTS, PAGES]
    return dict(fetch_rows(ImportedItem, "object_pk", stored, "object_pk", "wordpress_id", kind__in=kinds, site=site))


def _is_same(item: Item, stored: _Stored, wordpress_ids: Mapping[int, int], *, is_exported: bool) -> bool:
    """Return whether an entry with a GUID of `item` came from it. Some programs give many items the same GUID.

    `wordpress_ids` has no entries with the slug of the item. IDs change if the blog has moved to another WordPress, and
    other programs export none.
    """
    if stored.kind != item.type:
        return False
    wordpress_id = wordpress_ids.get(stored.pk)
    if wordpress_id is None or (item.recorded_id and wordpress_id == item.recorded_id):
        return True
    has_title = stored.title == plain_line(item.title)[: max_length(Entry, "title")]
    has_date = is_exported and stored.created_at == item.published_at
    return has_title and has_date if item.id and wordpress_id else has_title or has_date


def _section_guid(keyed: KeyedItem) -> str:
    """Return the GUID of the page that an import has added if this one was missing; empty if it couldn't have been."""
    item, slug = keyed.item, usable_slug(keyed.item.slug)
    is_at_top = item.type == PAGES and item.status == "publish" and not (item.parent or item.custom_type)
    return SECTION_GUID + slug if slug and is_at_top and not keyed.is_repeated else ""


def _unedited(site: str, pks: Collection[int]) -> set[int]:
    """Return which of these pages are as an import of `site` left them."""
    modified = dict(fetch_rows(Entry, "pk", pks, "pk", "modified_at"))
    recorded = fetch_rows(ImportedItem, "object_pk", modified, "object_pk", "left_as", kind=PAGES, site=site)
    return {pk for pk, left_as in recorded if left_as == fingerprint_modified(modified[pk])}


def guid_of(item: Item, site: str, index: int) -> str:
    """Return the GUID of an item made from one of its `guid_sources`. It is the same in every import."""
    source = guid_sources(item, site)[index]
    return source if index == 0 and _has_usable_guid(item) else uuid.uuid5(uuid.NAMESPACE_URL, source).urn


def guid_sources(item: Item, site: str = "") -> tuple[str, str, str]:
    """Return the exported GUID, and two texts made from other fields.

    The second is made from the ID, slug and date. Programs that export no IDs may leave out slugs and dates too, so
    the third includes the title if there is no ID.
    """
    own = f"{site}?p={item.id}&{item.slug}&{item.date}"
    titled = own if item.id else f"{own}&{item.date_gmt}&{item.title}"
    return item.guid if _has_usable_guid(item) else own, own, titled


def _has_usable_guid(item: Item) -> bool:
    return 0 < len(item.guid) <= MAX_GUID_LENGTH
