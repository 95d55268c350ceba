"""The menus of an export. There is nothing like them here, so the report says what each of them held."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from blog.models import Page, Post
from wordpress.lookups import rows
from wordpress.models import ImportedItem
from wordpress.plain import plain
from wordpress.posttypes import MENU_ITEM, NAVIGATION
from wordpress.records import Item
from wordpress.reports import PAGES, POSTS, Report

_MENU = "nav_menu"
_MAX_LABEL_LENGTH = 100
# More than any menu that readers could use; all are counted.
_MAX_LABELS = 100
# The block editor writes `<` and `>` in values another way.
_LINK = re.compile(r"<!-- wp:(?:navigation-link|navigation-submenu|home-link)\s+(\{[^<>]{0,2000}\})\s*/?-->")


@dataclass(slots=True)
class _Menu:
    entries: int = 0
    # Where the entry stands, what it says, and the number of the post or page whose title it has if it says nothing.
    labels: list[tuple[int, str, int]] = field(default_factory=list)

    def add(self, order: int, label: str, target: int = 0) -> None:
        self.entries += 1
        if len(self.labels) < _MAX_LABELS:
            self.labels.append((order, label[:_MAX_LABEL_LENGTH], target))


class Menus:
    """Takes the items that menus are made of; notes in the report what became of none of them."""

    def __init__(self) -> None:
        self._menus: dict[str, _Menu] = {}

    def add(self, item: Item) -> None:
        """Take note of `item`, if it belongs to a menu."""
        if item.type == MENU_ITEM:
            label, target = _label(item)
            for name in _names(item):
                self._menus.setdefault(name, _Menu()).add(item.menu_order, label, target)
        elif item.type == NAVIGATION:
            menu = self._menus.setdefault(plain(item.title) or item.slug, _Menu())
            for order, label in enumerate(_links(item.content)):
                menu.add(order, label)

    def note(self, report: Report) -> None:
        """Say of each menu what it held."""
        titles = _titles({target for menu in self._menus.values() for _order, _label_, target in menu.labels if target})
        for name, menu in self._menus.items():
            labels = [label or titles.get(target, "?") for _order, label, target in sorted(menu.labels)]
            labels += ["…"] if menu.entries > len(labels) else []
            text = ngettext("It had %d entry", "It had %d entries", menu.entries) % menu.entries
            report.note("menu", 0, name, text + (f": {', '.join(labels)}." if labels else "."))


def _names(item: Item) -> list[str]:
    return [plain(ref.name) or ref.slug for ref in item.terms if ref.taxonomy == _MENU] or [_("without a name")]


def _label(item: Item) -> tuple[str, int]:
    """What an entry says; if nothing, the number of the post or page that it leads to, or at least where."""
    meta = dict(item.meta)
    number = meta.get("_menu_item_object_id", "").strip()
    if label := plain(item.title):
        return label, 0
    if meta.get("_menu_item_type", "").strip() == "post_type" and number.isascii() and number.isdecimal():
        return "", int(number[:18])
    return meta.get("_menu_item_url", "").strip() or f"{meta.get('_menu_item_object', '')} {number}".strip(), 0


def _links(content: str) -> Iterator[str]:
    """What the links in a menu of the block editor say."""
    for link in _LINK.finditer(content, 0, content.rfind("-->") + 3):
        try:
            values = json.loads(link[1])
        except (ValueError, RecursionError):
            continue
        label = values.get("label") or values.get("url")
        yield plain(label) if isinstance(label, str) else "?"


def _titles(numbers: set[int]) -> dict[int, str]:
    """The titles of posts and pages by their numbers in the export."""
    titles: dict[int, str] = {}
    for kind, model in ((POSTS, Post), (PAGES, Page)):
        found = dict(rows(ImportedItem, "wordpress_id", numbers, "object_pk", "wordpress_id", kind=kind))
        titles |= {found[pk]: title for pk, title in rows(model, "pk", found, "pk", "title")}
    return titles
