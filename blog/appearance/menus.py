"""Menus: lists of links that lead to entries, categories, tags or any URL, and may have submenus.

Owners write one link per line, its text before its URL. Lines of a submenu begin with a hyphen. A target on this site
is stored by its ID, so that the link follows its URL and title, and is left out while readers can't see it.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import dedent
from typing import Any, Final, NamedTuple

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.urls import Resolver404, resolve
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from blog.appearance.options import MAX_SHOWN, check_count, is_link, split_link, url_error
from blog.models.redirect import normalise_path
from core.registry import Registry
from core.text import fold

# Of a menu with its submenus.
MAX_ITEMS: Final = 100
# In characters: more than that many links have.
_MAX_LENGTH: Final = 100_000
# Begins a line of a submenu: a hyphen or what devices put in its place, a tab, or more spaces than slip in.
_MARKER: Final = re.compile("[\\s\u200e\u200f]*[-\u2013\u2014\u2022]+\\s*|[^\\S\\t]*\\t\\s*|\\s{2,}")

# The path of a post without a date: a draft.
_BY_ID: Final = re.compile(r"/\?p=([1-9][0-9]{0,17})(?:&preview=true)?")


class Target(NamedTuple):
    """An object on this site as menus show it, and whether readers can see it."""

    title: str
    url: str
    is_public: bool = True


@dataclass(frozen=True, slots=True)
class MenuTarget:
    """A kind of object that menus link to, which belong to `model`.

    `find` takes the arguments of a resolved URL, and returns a query set of the object there. `load` returns
    the objects with these IDs, by ID, as far as they exist.
    """

    model: type[Model]
    find: Callable[[Mapping[str, Any]], QuerySet[Any]]
    load: Callable[[Collection[int]], Mapping[int, Target]]


# By the name of their URLs.
menu_targets: Final[Registry[MenuTarget]] = Registry("menu target")

# A link as a document stores it: its title, which may be empty, and a `url`, or the `kind` and `id` of a target. If it
# has a submenu, `children` are its items, which have none themselves. A heading has only a title and children.
type Item = dict[str, Any]


class MenuLink(NamedTuple):
    """A link as readers see it, and those of its submenu. The heading of a submenu has no URL."""

    title: str
    url: str
    children: Sequence["MenuLink"] = ()


class ResolvedItem(NamedTuple):
    """An item and its target, which has no URL if the item is a heading."""

    item: Item
    target: Target
    children: Sequence["ResolvedItem"] = ()


class OfferedMenu(NamedTuple):
    """A menu that owners can copy, such as one of an imported blog. Its `key` is unique."""

    key: str
    name: str
    items: list[Item]


# Functions that return menus, such as those of imported blogs.
offered_menus: Final[Registry[Callable[[], Sequence[OfferedMenu]]]] = Registry("menu source")


def read_items(stored: object) -> list[Item]:
    """Return the valid items of a stored menu."""
    listed = stored if isinstance(stored, list) else []
    return [item for item in map(_read_item, listed[:MAX_ITEMS]) if item]


def _read_item(stored: object) -> Item | None:
    link = _read_link(stored)
    match stored:
        case {"title": str(title), "children": list(listed)}:
            children = [child for child in map(_read_link, listed[:MAX_ITEMS]) if child]
            return (link or {"title": title}) | {"children": children} if children else link
    return link


def _read_link(stored: object) -> Item | None:
    match stored:
        case {"title": str(title), "kind": str(kind), "id": int(pk)} if kind in menu_targets:
            return {"title": title, "kind": kind, "id": pk}
        case {"title": str(title), "url": str(url)} if is_link(url):
            return {"title": title, "url": url}
    return None


def every_item(items: Collection[Item]) -> Iterator[Item]:
    """Yield all items, each before those of its submenu."""
    for item in items:
        yield item
        yield from item.get("children", ())


def links_of(items: Collection[Item]) -> list[MenuLink]:
    """Return the links of a menu that readers can follow. Takes a query for each kind of target.

    Where readers can't see the target of a link, its submenu keeps the link's text as its heading. If that might give
    away the title of the target, the links of the submenu take its place.
    """
    links: list[MenuLink] = []
    for item, target, below in resolved(items):
        children = [_link(child.item, child.target) for child in below if child.target.is_public]
        if target.is_public and (target.url or children):
            links.append(_link(item, target, children))
        elif children and not _gives_away(item["title"], target.title):
            links.append(MenuLink(item["title"], "", children))
        else:
            links += children
    return links


def _link(item: Item, target: Target, children: Sequence[MenuLink] = ()) -> MenuLink:
    return MenuLink(item["title"] or target.title, target.url, children)


def _gives_away(text: str, title: str) -> bool:
    """Return whether a text is empty or has a word of this title."""
    text, title = fold(text), fold(title)
    return not text or title in text or not set(text.split()).isdisjoint(title.split())


def lines_of(items: Collection[Item]) -> str:
    """Return items as owners edit them, with their current URLs. Takes a query for each kind of target."""
    lines: list[str] = []
    for item, target, children in resolved(items):
        lines.append(_line(item, target))
        lines += [f"- {_line(child.item, child.target)}" for child in children]
    return "\n".join(lines)


def _line(item: Item, target: Target) -> str:
    return f"{item['title']} {target.url}".strip()


def resolved(items: Collection[Item]) -> Iterator[ResolvedItem]:
    """Yield each item whose target exists. Of other items, yield the children, as if they were not in a submenu.

    Headings without children are left out. Takes a query for each kind of target.
    """
    wanted: dict[str, set[int]] = {}
    for item in every_item(items):
        if "id" in item:
            wanted.setdefault(item["kind"], set()).add(item["id"])
    loaded = {kind: menu_targets[kind].load(ids) for kind, ids in wanted.items()}

    def find(item: Item) -> Target | None:
        url = item.get("url", "")
        return loaded[item["kind"]].get(item["id"]) if "id" in item else Target(url, url)

    for item in items:
        found = ((child, find(child)) for child in item.get("children", ()))
        children = [ResolvedItem(child, target) for child, target in found if target is not None]
        target = find(item)
        if target is None:
            yield from children
        elif target.url or children:
            yield ResolvedItem(item, target, children)


def with_merged(items: Collection[Item], model: type[Model], ids: Collection[int], target: int) -> list[Item]:
    """Return the items with those that link to these objects of a model leading to the target instead."""
    kinds = {kind for kind, each in menu_targets.items() if each.model is model}

    def moved(item: Item) -> Item:
        changes: Item = {"id": target} if item.get("kind") in kinds and item["id"] in ids else {}
        if "children" in item:
            changes["children"] = [moved(child) for child in item["children"]]
        return item | changes

    return [moved(item) for item in items]


def find_target(path: str) -> tuple[str, int] | None:
    """Return the kind and the ID of the object at this path, or None if menus have no such kind."""
    if by_id := _BY_ID.fullmatch(path):
        post = int(by_id[1])
        return ("blog:post", post) if menu_targets["blog:post"].load([post]) else None
    if "#" in path or "?" in path:
        return None
    try:
        match = resolve(f"{normalise_path(path).rstrip('/')}/")
    except Resolver404:
        return None
    target = menu_targets.get(match.view_name)
    pk = target.find(match.kwargs).values_list("pk", flat=True).first() if target else None
    return None if pk is None else (match.view_name, pk)


def fill_menu(data: QueryDict, action: str) -> QueryDict | None:
    """Return the form data with the menu of the button `fill-NAME` replaced by the chosen one of those offered.

    Return None for any other button.
    """
    verb, _hyphen, name = action.partition("-")
    if verb != "fill":
        return None
    changed = data.copy()
    chosen = data.get(f"{name}-from", "")
    if items := next((menu.items for menu in _offered() if menu.key == chosen), None):
        changed[name] = lines_of(read_items(items))
    return changed


def _offered() -> Iterator[OfferedMenu]:
    for menus in offered_menus.values():
        yield from menus()


class MenuWidget(forms.Textarea):
    """The lines of a menu, and a choice of offered menus to replace them."""

    template_name = "admin/blog/_menu.html"
    label: Any = ""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"] |= {"offered": [(menu.key, menu.name) for menu in _offered()], "label": self.label}
        return context


class MenuField(forms.Field):
    """The links of a menu, as lines of text in the form, and as items in the document."""

    widget: MenuWidget

    def __init__(self, *, has_submenus: bool = True, **kwargs: Any) -> None:
        widget = MenuWidget(attrs={"rows": 4, "dir": "auto", "spellcheck": "false"})
        super().__init__(required=False, widget=widget, **kwargs)
        self.widget.label = self.label
        self._has_submenus = has_submenus

    def prepare_value(self, value: Any) -> Any:
        return lines_of(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[Item]:
        if isinstance(value, list):
            # Stored items, which `read_items` has made valid.
            return value
        lines = _read_lines(str(value or "").replace("\0", "")[:_MAX_LENGTH])
        check_count(lines, MAX_ITEMS)
        if errors := list(_errors(lines, has_submenus=self._has_submenus)):
            raise ValidationError(errors)
        items: list[Item] = []
        for line in lines:
            if line.is_child:
                items[-1].setdefault("children", []).append(_item(line.text))
            else:
                items.append({"title": line.text} if line.is_heading else _item(line.text))
        return items


MENU_HELP: Final = _(
    "One link per line: its text, then its URL, as in: About us /about/. Begin the lines of a submenu with a hyphen, "
    "as in: - Our team /team/. The line above them can be a text without a URL. Links to posts, pages, categories and "
    "tags show their titles if you enter no text, and are hidden while readers can't see what they lead to."
)


class _Line(NamedTuple):
    """A line as it was entered, its text without the marker, and whether it is in a submenu or the heading of one."""

    entered: str
    text: str
    is_child: bool
    is_heading: bool


def _read_lines(text: str) -> list[_Line]:
    # Lines that are all indented equally are not indented.
    entered = [line for line in dedent(text).splitlines() if line.strip()]
    starts = [marker.end() if (marker := _MARKER.match(line)) else 0 for line in entered]
    texts = [" ".join(line[start:].split()) for line, start in zip(entered, starts, strict=True)]
    lines = []
    for line, text, start, next_start in zip(entered, texts, starts, [*starts, 0][1:], strict=True):
        url = split_link(text)[1]
        # A URL that isn't valid is a mistake rather than a part of a heading.
        is_heading = not start and bool(next_start) and not is_link(url) and not re.search(r"//\S", url)
        lines.append(_Line(line.strip(), text, bool(start), is_heading))
    return lines


def _errors(lines: Sequence[_Line], *, has_submenus: bool) -> Iterator[str]:
    for number, line in enumerate(lines):
        shown = {"line": line.entered[:MAX_SHOWN]}
        if line.is_child and not has_submenus:
            message = gettext(
                "“%(line)s” belongs to a submenu, but this menu has only one level. Remove the hyphen or the spaces "
                "before it."
            )
            yield message % shown
        elif line.is_child and number == 0:
            message = gettext(
                "“%(line)s” belongs to a submenu, but there is no line above it. Remove the hyphen or the spaces "
                "before it."
            )
            yield message % shown
        elif not line.is_heading and not is_link(split_link(line.text)[1]):
            yield url_error(line.entered)


def _item(line: str) -> Item:
    title, url = split_link(line)
    # As copied from the address bar.
    if url.startswith(f"{settings.SITE_URL}/"):
        url = url.removeprefix(settings.SITE_URL)
    if url.startswith("/") and (found := find_target(url)):
        kind, pk = found
        return {"title": title, "kind": kind, "id": pk}
    return {"title": title, "url": url}
