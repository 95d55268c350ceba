"""The data that imports have preserved (wordpress.importing.preserved), merged into the exports of this site.

Current values take precedence: an exported text is repeated only while it still corresponds to the current text.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import batched
from types import MappingProxyType
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from django.db.models import Model

from core.bulk import fetch_rows
from wordpress.exporting.ids import ExportIds
from wordpress.importing.preserved import preserved_items
from wordpress.importing.redirects import entries_by_id
from wordpress.importing.report import CATEGORIES, TAGS
from wordpress.models import ImportedItem, PreservedData
from wordpress.wxr import elements
from wordpress.wxr.elements import text_to_html
from wordpress.wxr.records import CATEGORY, TAG
from wordpress.wxr.values import parse_id, plain_line, plain_lines, recorded_id

_CHUNK_SIZE: Final = 20
# An element, and two meta fields of menu items, that refer to objects by ID.
_PARENT, _PARENT_ITEM, _TARGET = "wp:post_parent", "_menu_item_menu_item_parent", "_menu_item_object_id"
_TERM_KINDS: Final = {CATEGORY: CATEGORIES, TAG: TAGS}


class Preserved:
    """The preserved data of one object; empty if it has none."""

    def __init__(self, owner: Model | dict[str, Any]) -> None:
        """`owner` is the object, or the preserved fields themselves."""
        # Django raises an AttributeError if there is no row.
        row: PreservedData | None = getattr(owner, "preserved", None)
        fields = owner if isinstance(owner, dict) else row.fields if row else {}
        self.elements: dict[str, str] = fields.get("elements", {})
        self.terms: list[list[str]] = fields.get("terms", [])
        self.meta: list[list[str]] = fields.get("meta", [])
        # For a page of a custom type, the slug of the top-level page above it; empty if there is none. None for other
        # pages, and for a page with a parent in the export.
        self.section: str | None = fields.get("section")
        self._comments: list[dict[str, Any]] = fields.get("comments", [])

    def text(self, element: str, current: str, plain: Callable[[str], str]) -> str:
        """Return the exported text of `element` if it means `current` as `plain` text, otherwise `current` as HTML."""
        exported = self.elements.get(element)
        return text_to_html(current) if exported is None or plain(exported) != current else exported

    def line(self, element: str, current: str) -> str:
        return self.text(element, current, plain_line)

    def lines(self, element: str, current: str) -> str:
        return self.text(element, current, plain_lines)

    def wp_elements(self, *, except_for: Iterable[str] = ()) -> dict[str, str]:
        """Return the texts of the elements in WordPress's namespace, by name."""
        found = self.elements.items()
        return {name: text for name, text in found if name.startswith("wp:") and name not in except_for}

    def term_elements(self) -> Iterator[str]:
        return (term_element(taxonomy, slug, text_to_html(name)) for taxonomy, slug, name in self.terms)

    def meta_elements(self, kind: str, own: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
        """Yield the meta fields: first this site's `own`, then preserved ones with other keys."""
        for key, value in own.items():
            if value:
                yield elements.meta_field(kind, key, value)
        for key, value in self.meta:
            if not own.get(key):
                yield elements.meta_field(kind, key, value)

    def comment_elements(self) -> Iterator[str]:
        """Yield the preserved comments. Only items that can't have comments here have any."""
        for fields in self._comments:
            comment = Preserved(fields)
            texts = {**comment.elements, "wp:comment_author_IP": ""}
            meta = "".join(comment.meta_elements("commentmeta"))
            yield f"\t\t<wp:comment>{elements.in_order(texts)}{meta}</wp:comment>\n"

    def as_item(self, texts: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
        """Yield the whole item in parts. `texts`, by element name, replace preserved texts."""
        inside = [*self.term_elements(), *self.meta_elements("postmeta"), *self.comment_elements()]
        return elements.item_parts({**self.elements, **texts}, inside)


def term_element(taxonomy: str, slug: str, name: str) -> str:
    """Return the element that files an item under a term. `slug` is percent-encoded."""
    return f"\t\t<category domain={quoteattr(taxonomy)} nicename={quoteattr(slug)}>{elements.cdata(name)}</category>\n"


def preserved_term_elements() -> Iterator[str]:
    """Yield the terms of taxonomies that are unknown here."""
    for row in PreservedData.objects.filter(kind=PreservedData.Kind.TERM).order_by("pk").iterator(_CHUNK_SIZE):
        preserved = Preserved(row.fields)
        meta = "".join(preserved.meta_elements("termmeta"))
        yield f"\t<wp:term>{elements.in_order(preserved.elements)}{meta}</wp:term>\n"


def preserved_item_elements(ids: ExportIds) -> Iterator[Iterator[str]]:
    """Yield the items, in parts, of types that are unknown here, with references to the IDs of this export."""
    rows = preserved_items().order_by("pk").iterator(_CHUNK_SIZE)
    for batch in batched(rows, _CHUNK_SIZE):
        moved = _MovedIds(batch, ids)
        for row in batch:
            preserved = Preserved(row.fields)
            moved.replace_ids(row, preserved)
            yield preserved.as_item()


class _MovedIds:
    """The IDs of objects in this export, by the IDs that preserved items use to refer to them."""

    def __init__(self, rows: Sequence[PreservedData], ids: ExportIds) -> None:
        self._ids = ids
        self._entries: dict[tuple[str, int], int] = {}
        self._terms: dict[tuple[str, str, int], int] = {}
        for site in {row.site for row in rows}:
            of_site = [Preserved(row.fields) for row in rows if row.site == site]
            parents = {recorded_id(preserved.elements.get(_PARENT, "")) for preserved in of_site}
            targets = {recorded_id(value) for preserved in of_site for key, value in preserved.meta if key == _TARGET}
            entries = entries_by_id(site, parents | targets)
            self._entries |= {(site, wordpress_id): entry.pk for wordpress_id, entry in entries.items()}
            for taxonomy, kind in _TERM_KINDS.items():
                columns = ("wordpress_id", "object_pk")
                terms = fetch_rows(ImportedItem, "wordpress_id", targets, *columns, site=site, kind=kind)
                self._terms |= {(site, taxonomy, wordpress_id): pk for wordpress_id, pk in terms}

    def replace_ids(self, row: PreservedData, preserved: Preserved) -> None:
        """Replace the IDs in `preserved`, the fields of `row`."""
        if row.wordpress_id:
            preserved.elements["wp:post_id"] = str(self._ids.for_preserved_item(row.site, row.wordpress_id))
        if _PARENT in preserved.elements:
            preserved.elements[_PARENT] = self._item(row.site, preserved.elements[_PARENT])
        meta = dict(preserved.meta)
        target_type, taxonomy = meta.get("_menu_item_type"), meta.get("_menu_item_object", "")
        for pair in preserved.meta:
            key, value = pair
            if key == _PARENT_ITEM or (key == _TARGET and target_type == "post_type"):
                pair[1] = self._item(row.site, value)
            elif key == _TARGET and target_type == "taxonomy":
                pair[1] = str(self._terms.get((row.site, taxonomy, parse_id(value)), value))

    def _item(self, site: str, value: str) -> str:
        wordpress_id = recorded_id(value)
        if pk := self._entries.get((site, wordpress_id)):
            return str(pk)
        return str(self._ids.for_preserved_item(site, wordpress_id)) if parse_id(value) else value
