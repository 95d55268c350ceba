"""The menus of an export. Broadside has no such menus, so the report says what each of them contained."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from blog.models import Entry
from wordpress.bulk import fetch_rows
from wordpress.importing.context import ImportContext
from wordpress.importing.report import PAGES, POSTS
from wordpress.models import ImportedItem
from wordpress.wxr.post_types import MENU_ITEM, NAVIGATION
from wordpress.wxr.records import Item
from wordpress.wxr.values import plain_line

_TAXONOMY: Final = "nav_menu"
_MAX_LABEL_LENGTH: Final = 100
# More than any menu that readers could use. All links are counted.
_MAX_LABELS: Final = 100
# The block editor escapes `<` and `>` in attributes.
_LINK = re.compile(r"<!-- wp:(?:navigation-link|navigation-submenu|home-link)\s+(\{[^<>]{0,2000}\})\s*/?-->")


@dataclass(slots=True)
class _Menu:
    links: int = 0
    # The position of a link, its label, and the ID of the entry whose title it shows if it has no label.
    labels: list[tuple[int, str, int]] = field(default_factory=list)

    def add(self, position: int, label: str, target: int = 0) -> None:
        self.links += 1
        if len(self.labels) < _MAX_LABELS:
            self.labels.append((position, label[:_MAX_LABEL_LENGTH], target))


def report_menus(context: ImportContext) -> None:
    """Say what each menu of the export contained."""
    menus: dict[str, _Menu] = {}
    for item, *_key in context.spool.skipped:
        _add(menus, item)
    targets = {target for menu in menus.values() for _position, _label_, target in menu.labels if target}
    titles = _titles(context.site, targets)
    for name, menu in menus.items():
        labels = [label or titles.get(target, "?") for _position, label, target in sorted(menu.labels)]
        labels += ["…"] if menu.links > len(labels) else []
        text = ngettext("It had %d link", "It had %d links", menu.links) % menu.links
        context.report.note("menu", 0, name, text + (f": {', '.join(labels)}." if labels else "."))


def _add(menus: dict[str, _Menu], item: Item) -> None:
    if item.type == MENU_ITEM:
        label, target = _label(item)
        for name in _menu_names(item):
            menus.setdefault(name, _Menu()).add(item.menu_order, label, target)
    elif item.type == NAVIGATION:
        menu = menus.setdefault(plain_line(item.title) or item.slug, _Menu())
        for position, label in enumerate(_links(item.content)):
            menu.add(position, label)


def _menu_names(item: Item) -> list[str]:
    return [ref.name or ref.slug for ref in item.terms if ref.taxonomy == _TAXONOMY] or [_("without a name")]


def _label(item: Item) -> tuple[str, int]:
    """Return the label of a link; without one, the ID of the entry that it leads to, or at least its URL."""
    meta = dict(item.meta)
    target = meta.get("_menu_item_object_id", "").strip()
    if label := plain_line(item.title):
        return label, 0
    if meta.get("_menu_item_type", "").strip() == "post_type" and target.isascii() and target.isdecimal():
        return "", int(target[:18])
    return meta.get("_menu_item_url", "").strip() or f"{meta.get('_menu_item_object', '')} {target}".strip(), 0


def _links(content: str) -> Iterator[str]:
    """Yield the labels of the links in a menu of the block editor."""
    for link in _LINK.finditer(content, 0, content.rfind("-->") + 3):
        try:
            values = json.loads(link[1])
        except (ValueError, RecursionError):
            continue
        label = values.get("label") or values.get("url")
        yield plain_line(label) if isinstance(label, str) else "?"


def _titles(site: str, wordpress_ids: set[int]) -> dict[int, str]:
    """Return the titles of entries by their IDs in the export."""
    columns = ("wordpress_id", "object_pk")
    kinds = [POSTS, PAGES]
    pks = dict(fetch_rows(ImportedItem, "wordpress_id", wordpress_ids, *columns, kind__in=kinds, site=site))
    titles = dict(fetch_rows(Entry, "pk", pks.values(), "pk", "title"))
    return {wordpress_id: titles[pk] for wordpress_id, pk in pks.items() if pk in titles}
