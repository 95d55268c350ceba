"""The dashboard: panels that apps show beside the list of models on the admin's front page."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.loader import get_template, render_to_string
from django.utils.functional import Promise

from core.registry import Registry


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel for all staff, whose `template` is rendered with the `context` of a request."""

    title: str | Promise
    template: str
    context: Callable[[HttpRequest], dict[str, Any]]


def find_missing_template(name: str, item: Any) -> Iterator[str]:
    """Report the `template` of a registered item if it doesn't exist."""
    try:
        get_template(item.template)
    except TemplateDoesNotExist:
        yield f"There is no template {item.template!r}."


dashboard_panels: Final[Registry[Panel]] = Registry("dashboard panel", find_missing_template)


def panels_for(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the name, title and HTML of each panel."""
    return [
        {"name": name, "title": panel.title, "html": render_to_string(panel.template, panel.context(request), request)}
        for name, panel in dashboard_panels.items()
    ]
