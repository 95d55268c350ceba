"""The dashboard: panels that apps show on the admin's front page, each to the users it concerns."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.loader import get_template, render_to_string
from django.utils.functional import Promise

from core.registry import Registry


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel whose `template` is rendered with the `context` of a request, or left out if that is None.

    Users see it if they have one of the `permissions`; without any, all staff do. Lower `order` comes first.
    """

    title: str | Promise
    template: str
    context: Callable[[HttpRequest], dict[str, Any] | None]
    permissions: tuple[str, ...] = ()
    order: int = 50


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that the owner of the site should look at, and the page where it can be dealt with."""

    text: str
    url: str


def find_missing_template(name: str, item: Any) -> Iterator[str]:
    """Report the `template` of a registered item if it doesn't exist."""
    try:
        get_template(item.template)
    except TemplateDoesNotExist:
        yield f"There is no template {item.template!r}."


dashboard_panels: Final[Registry[Panel]] = Registry("dashboard panel", find_missing_template)
# Each returns what currently needs the attention of the owner who sends the request.
concerns: Final[Registry[Callable[[HttpRequest], Iterable[Concern]]]] = Registry("source of concerns")


def panels_for(request: HttpRequest, panels: Registry[Panel]) -> list[dict[str, Any]]:
    """Return the name, title and HTML of each of these panels for the user who sends `request`."""
    user: Any = request.user
    shown = []
    for name, panel in sorted(panels.items(), key=lambda pair: pair[1].order):
        if panel.permissions and not any(map(user.has_perm, panel.permissions)):
            continue
        if (context := panel.context(request)) is not None:
            html = render_to_string(panel.template, context, request)
            shown.append({"name": name, "title": panel.title, "html": html})
    return shown


def concerns_for(request: HttpRequest) -> dict[str, Any] | None:
    """Return the context of the panel for owners; None if there is nothing to look at."""
    found = [concern for find in concerns.values() for concern in find(request)]
    return {"concerns": found} if found else None
