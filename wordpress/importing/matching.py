"""Matching items of an export with entries here: by GUID, or else by ID and URL."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from blog.models import Entry
from wordpress.bulk import fetch_rows
from wordpress.importing.limits import max_length
from wordpress.wxr.records import Item
from wordpress.wxr.values import usable_slug

MAX_GUID_LENGTH: Final = max_length(Entry, "guid")


class KeyedItem(NamedTuple):
    """An item and, for posts and pages, what distinguishes it from the others of its export, whatever is here already.

    `guid_index`: which of its GUIDs (`guids_of`) no other item has.
    `is_repeated`: the same item occurred earlier in the export.
    `is_first_with_id`: no earlier item has the same ID.
    `position` counts the pages of the export.
    """

    item: Item
    guid_index: int = 0
    is_repeated: bool = False
    is_first_with_id: bool = True
    position: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """The ID and GUID of an item here. `known`: it is here already. `pk` is None if it needs a new ID."""

    pk: int | None
    guid: str
    known: bool = False


def identify(items: Sequence[KeyedItem], site: str) -> list[Identity]:
    """Return the identity of each of `items`, in a few queries however many there are."""
    guids = [guids_of(keyed.item, site) for keyed in items]
    stored = fetch_rows(Entry, "guid", chain.from_iterable(guids), "guid", "pk", "kind")
    by_guid = {guid: (pk, kind) for guid, pk, kind in stored}
    ids = (keyed.item.id for keyed in items)
    by_pk = {pk: rest for pk, *rest in fetch_rows(Entry, "pk", ids, "pk", "kind", "slug", "created_at")}
    identities = []
    for keyed, choice in zip(items, guids, strict=True):
        item, guid = keyed.item, choice[keyed.guid_index]
        if by_guid.get(guid, (0, item.type))[1] != item.type:
            # A post has the GUID of this page, or the other way round.
            guid = choice[-1]
        if guid in by_guid:
            identities.append(Identity(by_guid[guid][0], guid, known=True))
        elif keyed.is_first_with_id and by_pk.get(item.id) == [item.type, usable_slug(item.slug), item.published_at]:
            identities.append(Identity(item.id, guid, known=True))
        else:
            is_free = item.id and keyed.is_first_with_id and item.id not in by_pk
            identities.append(Identity(item.id if is_free else None, guid))
    return identities


def guids_of(item: Item, site: str) -> tuple[str, str, str]:
    """Return the exported GUID of an item, and two made from other fields, which are the same in every import.

    The second is made from the ID, slug and date. Programs that export no IDs may leave out these too, so without an
    ID the third is made from the title as well.
    """
    text = f"{site}?p={item.id}&{item.slug}&{item.date}"
    own = uuid.uuid5(uuid.NAMESPACE_URL, text).urn
    titled = own if item.id else uuid.uuid5(uuid.NAMESPACE_URL, f"{text}&{item.date_gmt}&{item.title}").urn
    is_usable = 0 < len(item.guid) <= MAX_GUID_LENGTH
    return item.guid if is_usable else own, own, titled
