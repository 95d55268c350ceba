"""Which entry here is which item of the export: by its guid, then by its number and address."""

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from blog.models import Page, Post
from wordpress.lookups import highest_key, rows
from wordpress.plain import moment, usable_slug

MAX_GUID_LENGTH = 500


class Exported(Protocol):
    """What an item is recognised by."""

    @property
    def id(self) -> int: ...
    @property
    def guid(self) -> str: ...
    @property
    def slug(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def date(self) -> dt.datetime | None: ...
    @property
    def date_gmt(self) -> dt.datetime | None: ...


@dataclass(frozen=True, slots=True)
class Identity:
    """The key and guid of an item here. `known`: it is here already. `again`: it stood in the export before."""

    pk: int
    guid: str
    known: bool = False
    again: bool = False


class Identities:
    """Gives every item of one kind its identity. The same export gives the same ones each time."""

    def __init__(self, model: type[Post] | type[Page], highest_item: int, site: str) -> None:
        self._model = model
        self._site = site
        # WordPress numbers posts and pages together, so ours that get a new number keep out of its way.
        self._free = count(max(highest_item, highest_key(model)) + 1)
        self._given: set[int] = set()
        # What stood in this export under each guid, to tell a repetition from a second item of the same guid.
        # Of both the hash: a large export has hundreds of thousands.
        self._seen: dict[int, int] = {}

    def of(self, items: Iterable[Exported]) -> Iterator[Identity]:
        """The identity of each of `items`, in as many queries as for one."""
        items = list(items)
        guids = [self._guid(item) for item in items]
        own_guids = [self._own_guid(item) for item in items]
        # Programs that number nothing may leave out all else that tells one item from another but its title.
        titled = [
            own if item.id else self._own_guid(item, titled=True) for item, own in zip(items, own_guids, strict=True)
        ]
        by_guid: dict[str, int] = dict(rows(self._model, "guid", [*guids, *own_guids, *titled], "guid", "pk"))
        ids = (item.id for item in items)
        by_pk = {pk: rest for pk, *rest in rows(self._model, "pk", ids, "pk", "slug", "created_at")}
        for item, mark, *choice in zip(items, titled, guids, own_guids, titled, strict=True):
            # Another item may have taken the first of these guids.
            guid = next((guid for guid in choice if self._seen.get(hash(guid), hash(mark)) == hash(mark)), mark)
            if hash(guid) in self._seen:
                yield Identity(0, guid, again=True)
                continue
            self._seen[hash(guid)] = hash(mark)
            before = None if item.id in self._given else by_pk.get(item.id)
            if guid in by_guid:
                pk, known = by_guid[guid], True
            elif before == [usable_slug(item.slug), moment(item.date, item.date_gmt)]:
                pk, known = item.id, True
            else:
                free = item.id and item.id not in by_pk and item.id not in self._given
                pk, known = item.id if free else next(self._free), False
            self._given.add(pk)
            yield Identity(pk, guid, known)

    def _guid(self, item: Exported) -> str:
        return item.guid if 0 < len(item.guid) <= MAX_GUID_LENGTH else self._own_guid(item)

    def _own_guid(self, item: Exported, *, titled: bool = False) -> str:
        """A guid for an item that has none of its own; the same in each import of it."""
        said = f"{self._site}?p={item.id}&{item.slug}&{item.date}"
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{said}&{item.date_gmt}&{item.title}" if titled else said).urn
