"""The dashboard shows the panels that apps register to all staff."""

from typing import Any

import pytest
from django.http import HttpRequest
from django.template import engines
from django.test import Client

from core import dashboard
from core.dashboard import Panel, dashboard_panels
from core.registry import Registry, registries
from tags.models import Tag
from tests.factories import UserFactory
from tests.factories.admin import client_of

pytestmark = pytest.mark.django_db

INDEX = "/admin/"


@pytest.fixture
def panels(monkeypatch: pytest.MonkeyPatch) -> Registry[Panel]:
    """An empty registry that the dashboard uses."""
    registry: Registry[Panel] = Registry("dashboard panel", dashboard_panels.find_problems)
    registries.remove(registry)
    monkeypatch.setattr(dashboard, "dashboard_panels", registry)
    return registry


@pytest.fixture
def editor() -> Client:
    return client_of(UserFactory(role="Editor", username="editor"))


def no_context(request: HttpRequest) -> dict[str, Any]:
    return {}


def panel_titles(client: Client) -> list[str]:
    """Return the titles of the panels that a user sees."""
    return [panel["title"] for panel in client.get(INDEX).context["dashboard_panels"]]


def test_is_the_title_of_the_front_page(editor: Client) -> None:
    assert "<h1>Dashboard</h1>" in editor.get(INDEX).content.decode()


def test_shows_panels_in_the_order_of_registration(panels: Registry[Panel], editor: Client) -> None:
    panels.register("b", Panel("First", "admin/_recent_actions.html", no_context))
    panels.register("a", Panel("Second", "admin/_recent_actions.html", no_context))
    assert panel_titles(editor) == ["First", "Second"]


def test_renders_a_panel_with_its_context_and_the_request(
    panels: Registry[Panel], editor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = engines["django"].from_string("{{ count }} for {{ request.user.username }}, {{ text }}")
    monkeypatch.setattr("django.template.loader.get_template", lambda name, using=None: template)
    panels.register("a", Panel("A", "a", lambda request: {"count": 3, "text": "<b>bold</b>"}))
    assert "3 for editor, &lt;b&gt;bold&lt;/b&gt;" in editor.get(INDEX).content.decode()


def test_recent_actions_are_those_of_the_current_user(editor: Client) -> None:
    assert "You haven't changed anything yet." in editor.get(INDEX).content.decode()
    form = {"name": "A march", "slug": "", "description": "", "aliases-TOTAL_FORMS": 0, "aliases-INITIAL_FORMS": 0}
    editor.post("/admin/tags/tag/add/", form)
    page = editor.get(INDEX).content.decode()
    assert f'<a href="/admin/tags/tag/{Tag.objects.get().pk}/change/">A march</a>' in page
    assert "A march" not in client_of(UserFactory(role="Editor")).get(INDEX).content.decode()


def test_app_pages_have_no_panels(editor: Client) -> None:
    response = editor.get("/admin/blog/")
    assert response.status_code == 200
    assert "panel-recent-actions" not in response.content.decode()


def test_the_system_check_reports_missing_templates() -> None:
    assert list(dashboard_panels.find_problems("a", Panel("A", "admin/index.html", no_context))) == []
    assert list(dashboard_panels.find_problems("a", Panel("A", "none.html", no_context))) != []
