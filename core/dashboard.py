"""The dashboard: panels that apps show beside the list of models on the admin's front page."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.functional import Promise

from core.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A panel whose `template` is rendered with the `context` of a request. By default, all staff see it."""

    title: str | Promise
    template: str
    context: Callable[[HttpRequest], Mapping[str, Any]] = lambda request: {}
    is_visible: Callable[[HttpRequest], bool] = lambda request: True
    order: int = 0


def find_missing_template(name: str, item: Any) -> Iterator[str]:
    """Report the `template` of a registered item if it doesn't exist."""
    try:
        get_template(item.template)
    except TemplateDoesNotExist:
        yield f"There is no template {item.template!r}."


dashboard_panels: Final[Registry[Panel]] = Registry("dashboard panel", find_missing_template)


def panels_for(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the name, title and HTML of each panel that the user of this request sees."""
    panels = []
    for name, panel in sorted(dashboard_panels.items(), key=lambda item: item[1].order):
        if panel.is_visible(request):
            html = get_template(panel.template).render(dict(panel.context(request)), request)
            panels.append({"name": name, "title": panel.title, "html": html})
    return panels
