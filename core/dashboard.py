"""The dashboard: panels that apps show beside the list of models on the admin's front page."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.loader import get_template, render_to_string
from django.utils.functional import Promise

from core.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A panel whose `template` is rendered with the `context` of a request. By default, all staff see it."""

    title: str | Promise
    template: str
    context: Callable[[HttpRequest], dict[str, Any]] = lambda request: {}
    is_visible: Callable[[HttpRequest], bool] = lambda request: True
    order: int = 0


def _find_problems(name: str, panel: Panel) -> Iterator[str]:
    try:
        get_template(panel.template)
    except TemplateDoesNotExist:
        yield f"There is no template {panel.template!r}."


dashboard_panels: Final[Registry[Panel]] = Registry("dashboard panel", _find_problems)


def panels_for(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the name, title and HTML of each panel that the user of this request sees."""
    panels = sorted(dashboard_panels.items(), key=lambda item: item[1].order)
    return [
        {"name": name, "title": panel.title, "html": render_to_string(panel.template, panel.context(request), request)}
        for name, panel in panels
        if panel.is_visible(request)
    ]
