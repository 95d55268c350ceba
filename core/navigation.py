"""The navigation of the admin: items that apps register, one for each task. Users see those that they may use."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Self

from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.db.models import Count, QuerySet, Value
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

from core.prepared import Prepared
from core.registry import Registry

# Returns the URL of a page by name. Cached, because each admin page has dozens of links, whose URLs never change.
_url: Final = cache(reverse)


@dataclass(frozen=True, slots=True)
class Badge:
    """The objects that an item has waiting for users with this `permission`. `label` states their `%(count)d`."""

    waiting: Callable[[], QuerySet[Any]]
    label: Promise
    permission: str


@dataclass(frozen=True, slots=True)
class FirstStep:
    """A first step on a site without content: its label, and the page where it is done.

    Users see it if they have the `permission`.
    """

    label: Promise
    url_name: str
    permission: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NavigationItem:
    """An admin page, together with all pages whose URLs start with its own.

    Users see it if they have one of the `permissions`; without any, all staff do. Lower `order` comes first. An item
    with a `parent` is shown below that item, while the user is there. `first_step` is its part in setting up a new
    site.
    """

    label: str | Promise
    url_name: str
    permissions: tuple[str, ...]
    order: int
    parent: str = ""
    badge: Badge | None = None
    first_step: FirstStep | None = None

    @classmethod
    def of_list(
        cls,
        model: str,
        label: str | Promise,
        *,
        order: int,
        permissions: tuple[str, ...] = (),
        parent: str = "",
        badge: Badge | None = None,
        first_step: FirstStep | None = None,
    ) -> Self:
        """Return the item for the list of a `model` such as "blog.page", for users who may view or change that."""
        app_label, name = model.split(".")
        return cls(
            label=label,
            url_name=f"admin:{app_label}_{name}_changelist",
            permissions=permissions or (f"{app_label}.view_{name}", f"{app_label}.change_{name}"),
            order=order,
            parent=parent,
            badge=badge,
            first_step=first_step,
        )


@dataclass(slots=True)
class Link:
    """An item as one user sees it. `current` is the value of `aria-current`; empty if the user is elsewhere."""

    name: str
    label: str | Promise
    url: str
    count: int = 0
    count_label: str = ""
    current: str = ""
    children: list["Link"] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return bool(self.current) or any(child.current for child in self.children)


@dataclass(slots=True)
class Navigation:
    """The items of one user. `trail` leads to the current page, without that page itself."""

    links: list[Link]
    trail: list[Link]

    def lead_to_list(self) -> None:
        """End the trail with the current item, for a page with the URL of that item's list."""
        self.trail += [link for top in self.links for link in (top, *top.children) if link.current == "page"]

    @property
    def waiting(self) -> int:
        """The number of objects that all items together have waiting."""
        return sum(link.count for link in self.links)

    @property
    def waiting_here(self) -> int:
        """The number that the current item has waiting; 0 on pages below it, which are about something else."""
        pages = (link for link in self.links if any(each.current == "page" for each in [link, *link.children]))
        return sum(link.count for link in pages)


def existing_permissions() -> set[str]:
    """Return the names of all permissions that models define, as in "blog.add_post". Takes no query."""
    options = [model._meta for model in apps.get_models()]
    default = {f"{o.app_label}.{get_permission_codename(name, o)}" for o in options for name in o.default_permissions}
    return default | {f"{o.app_label}.{codename}" for o in options for codename, _name in o.permissions}


def _find_problems(name: str, item: NavigationItem) -> Iterator[str]:
    of_badge = [item.badge.permission] if item.badge else []
    yield from _find_missing(item.url_name, [*item.permissions, *of_badge])
    if step := item.first_step:
        yield from _find_missing(step.url_name, [step.permission])
    if item.parent and (item.parent not in navigation_items or navigation_items[item.parent].parent):
        yield f"There is no top-level item {item.parent!r}."


def _find_missing(url_name: str, permissions: Collection[str]) -> Iterator[str]:
    try:
        reverse(url_name)
    except NoReverseMatch:
        yield f"There is no URL {url_name!r}."
    for permission in sorted(set(permissions) - existing_permissions()):
        yield f"There is no permission {permission!r}."


navigation_items: Final[Registry[NavigationItem]] = Registry("navigation item", _find_problems)


def navigation_for(request: HttpRequest) -> Navigation:
    """Return the navigation of the user who sends `request`, in one query, or in none if the user sees no badges."""
    user: Any = request.user
    items = _in_order() if user.is_staff else []
    # Checking each permission with `has_perm` would take longer than everything else here.
    held = user.get_all_permissions() if items and not user.is_superuser else set()

    def may(*permissions: str) -> bool:
        return user.is_superuser or not held.isdisjoint(permissions)

    allowed = {name: item for name, item in items if not item.permissions or may(*item.permissions)}
    counts = _count([name for name, item in allowed.items() if item.badge and may(item.badge.permission)])
    links = {name: _link(name, item, counts.get(name, 0)) for name, item in allowed.items()}
    # All other URLs start with the dashboard's.
    dashboard = _url("admin:index")
    here = [link for link in links.values() if request.path.startswith(link.url) and link.url != dashboard]
    here += [link for link in links.values() if link.url == request.path]
    current = max(here, key=lambda link: len(link.url), default=None)
    if current is not None:
        current.current = "page" if current.url == request.path else "true"
    top = []
    for name, link in links.items():
        # Users who may not use the parent see the item at the top level.
        if parent := links.get(allowed[name].parent):
            parent.children.append(link)
        else:
            top.append(link)
    if len(top) == 2:
        # With a single other item, the dashboard would add nothing.
        top = [link for link in top if link.url != dashboard]
    opened = [link for link in top if link.is_open]
    trail = [link for link in [*opened, current] if link is not None and link.url != request.path]
    return Navigation(top, list({link.url: link for link in trail}.values()))


def first_steps_for(user: Any) -> list[Link]:
    """Return the first steps that this user can take on a site without content."""
    steps = [(name, item.first_step) for name, item in _in_order() if item.first_step]
    return [Link(name, step.label, _url(step.url_name)) for name, step in steps if user.has_perm(step.permission)]


def _in_order() -> list[tuple[str, NavigationItem]]:
    return sorted(navigation_items.items(), key=lambda pair: pair[1].order)


def _waiting_behind(*, names: tuple[str, ...]) -> QuerySet[Any, Any]:
    """Return the number of objects that each of these items has waiting. Items with none are missing."""
    waiting = {name: badge.waiting().order_by() for name in names if (badge := navigation_items[name].badge)}
    counts: list[QuerySet[Any]] = [
        rows.values(item=Value(name)).annotate(count=Count("pk")).values_list("item", "count")
        for name, rows in waiting.items()
    ]
    return counts[0].union(*counts[1:], all=True).order_by()


_waiting = Prepared[tuple[str, int]](_waiting_behind)


def _count(names: Sequence[str]) -> dict[str, int]:
    return dict(_waiting(names=tuple(names))) if names else {}


def _link(name: str, item: NavigationItem, count: int) -> Link:
    label = str(item.badge.label % {"count": count}) if item.badge and count else ""
    return Link(name, item.label, _url(item.url_name), count, label)
