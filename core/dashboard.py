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


def _find_problems(name: str, panel: Panel) -> Iterator[str]:
    try:
        get_template(panel.template)
    except TemplateDoesNotExist:
        yield f"There is no template {panel.template!r}."


dashboard_panels: Final[Registry[Panel]] = Registry("dashboard panel", _find_problems)


def panels_for(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the name, title and HTML of each panel."""
    return [
        {"name": name, "title": panel.title, "html": render_to_string(panel.template, panel.context(request), request)}
        for name, panel in dashboard_panels.items()
    ]
