"""Menus: lists of links that lead to entries, categories, tags or any URL.

Owners write one link per line, its text before its URL. A target on this site is stored by its ID, so that the link
follows its URL and title, and is left out while readers can't see it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django import forms
from django.conf import settings
from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.urls import Resolver404, resolve
from django.utils.translation import gettext_lazy as _

from blog.appearance.options import Link, is_link, link_lines, split_link
from blog.models.redirect import normalise_path
from core.registry import Registry

MAX_ITEMS: Final = 40
# In characters: more than that many links have.
_MAX_LENGTH: Final = 100_000


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

# A link as a document stores it: its title, which may be empty, and a `url`, or the `kind` and `id` of a target.
type Item = dict[str, Any]


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
    match stored:
        case {"title": str(title), "kind": str(kind), "id": int(pk)} if kind in menu_targets:
            return {"title": title, "kind": kind, "id": pk}
        case {"title": str(title), "url": str(url)} if is_link(url):
            return {"title": title, "url": url}
    return None


def links_of(items: Collection[Item]) -> list[Link]:
    """Return the links of a menu that readers can follow. Takes a query for each kind of target."""
    shown = resolved(items)
    return [Link(item["title"] or target.title, target.url) for item, target in shown if target.is_public]


def lines_of(items: Collection[Item]) -> str:
    """Return items as owners edit them, with their current URLs. Takes a query for each kind of target."""
    return "\n".join(f"{item['title']} {target.url}".strip() for item, target in resolved(items))


def resolved(items: Collection[Item]) -> Iterator[tuple[Item, Target]]:
    """Yield each item whose target exists, and its target."""
    wanted: dict[str, set[int]] = {}
    for item in items:
        if "id" in item:
            wanted.setdefault(item["kind"], set()).add(item["id"])
    loaded = {kind: menu_targets[kind].load(ids) for kind, ids in wanted.items()}
    for item in items:
        target = loaded[item["kind"]].get(item["id"]) if "id" in item else Target(item["url"], item["url"])
        if target is not None:
            yield item, target


def with_merged(items: Collection[Item], model: type[Model], ids: Collection[int], target: int) -> list[Item]:
    """Return the items with those that link to these objects of a model leading to the target instead."""
    kinds = {kind for kind, each in menu_targets.items() if each.model is model}
    return [item | {"id": target} if item.get("kind") in kinds and item["id"] in ids else item for item in items]


def find_target(path: str) -> tuple[str, int] | None:
    """Return the kind and the ID of the object at this path, or None if menus have no such kind."""
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

    def __init__(self, **kwargs: Any) -> None:
        widget = MenuWidget(attrs={"rows": 4, "dir": "auto", "spellcheck": "false"})
        super().__init__(required=False, widget=widget, **kwargs)
        self.widget.label = self.label

    def prepare_value(self, value: Any) -> Any:
        return lines_of(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[Item]:
        if isinstance(value, list):
            # Stored items, which `read_items` has made valid.
            return value
        text = str(value or "").replace("\0", "")[:_MAX_LENGTH]
        return [_item(line) for line in link_lines(text, MAX_ITEMS)]


MENU_HELP: Final = _(
    "One link per line: its text, then its URL, as in: About us /about/. Links to posts, pages, categories and tags "
    "show their titles if you enter no text, and are hidden while readers can't see what they lead to."
)


def _item(line: str) -> Item:
    title, url = split_link(line)
    # As copied from the address bar.
    if url.startswith(f"{settings.SITE_URL}/"):
        url = url.removeprefix(settings.SITE_URL)
    if url.startswith("/") and (found := find_target(url)):
        kind, pk = found
        return {"title": title, "kind": kind, "id": pk}
    return {"title": title, "url": url}
