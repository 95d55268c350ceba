"""The dashboard shows all staff the panels that apps register."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest
from django.template import engines
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditRecord, User
from blog.models import Post, Status
from comments.models import CommentStatus
from core.dashboard import Panel, dashboard_panels
from core.models import SiteSettings
from core.registry import Registry, registries
from tags.models import Tag
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.copies import insert_copies
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db

INDEX = "/admin/"


@pytest.fixture
def panels(monkeypatch: pytest.MonkeyPatch) -> Registry[Panel]:
    """An empty registry that the dashboard uses."""
    registry: Registry[Panel] = Registry("dashboard panel", dashboard_panels.find_problems)
    registries.remove(registry)
    monkeypatch.setattr("config.admin.dashboard_panels", registry)
    return registry


@pytest.fixture
def editor() -> Client:
    return client_of(UserFactory(role="Editor", username="editor"))


def no_context(request: HttpRequest) -> dict[str, Any]:
    return {}


def panel_titles(client: Client) -> list[str]:
    """Return the titles of the panels that a user sees."""
    return [panel["title"] for panel in client.get(INDEX).context["dashboard_panels"]]


def test_is_the_title_of_the_start_page_of_the_admin(editor: Client) -> None:
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


def test_a_recent_action_on_a_singleton_names_it_only_once(editor: Client) -> None:
    person = User.objects.get()
    AuditRecord.objects.create(person=person, action="published", kind="blog.siteappearance", title="appearance")
    assert text(one(read(editor.get(INDEX)), ".actionlist li")) == "Appearance Published"


def test_a_recent_action_on_an_object_without_a_name_has_its_kind(editor: Client) -> None:
    AuditRecord.objects.create(
        person=User.objects.get(), action="imported", kind="wordpress.importjob", object_id="6f1a"
    )
    assert text(one(read(editor.get(INDEX)), ".actionlist li")) == "WordPress import Imported"


@pytest.mark.parametrize("path", ["/admin/blog/", "/admin/comments/"])
def test_index_pages_of_apps_redirect_to_it(editor: Client, path: str) -> None:
    assert editor.get(path)["Location"] == INDEX


def test_moderators_land_in_the_queue() -> None:
    moderator = client_of(UserFactory(role="Moderator"))
    assert moderator.get(INDEX)["Location"] == "/admin/comments/queue/"


def titles_for(role: str) -> list[str]:
    return [str(panel["title"]) for panel in client_of(user_in_role(role)).get(INDEX).context["dashboard_panels"]]


class TestRoles:
    def test_a_panel_is_shown_to_users_with_any_of_its_permissions(self, panels: Registry[Panel]) -> None:
        permissions = ("blog.add_page", "core.change_sitesettings")
        panels.register("a", Panel("A", "admin/_recent_actions.html", no_context, permissions))
        assert [role for role in ("staff", "Author", "Editor", "superuser") if titles_for(role)] == [
            *("Editor", "superuser")
        ]

    def test_panels_are_sorted_by_their_order_and_empty_ones_are_left_out(
        self, panels: Registry[Panel], editor: Client
    ) -> None:
        panels.register("a", Panel("Last", "admin/_recent_actions.html", no_context, order=3))
        panels.register("b", Panel("Empty", "admin/_recent_actions.html", lambda request: None, order=2))
        panels.register("c", Panel("First", "admin/_recent_actions.html", no_context, order=1))
        assert panel_titles(editor) == ["First", "Last"]

    @pytest.mark.parametrize(
        ("role", "expected"),
        [
            ("staff", ["Recent actions"]),
            ("Author", ["Your drafts", "Recent actions"]),
            (
                "Editor",
                [
                    *("Your drafts", "Pending review", "Pending comments", "Scheduled", "Recent posts"),
                    "Recent actions",
                ],
            ),
            (
                "superuser",
                [
                    *("Needs your attention", "Health", "Backups", "Your drafts", "Pending review", "Pending comments"),
                    *("Scheduled", "Recent posts", "Recent actions"),
                ],
            ),
        ],
    )
    def test_each_role_sees_its_own_panels(self, role: str, expected: list[str]) -> None:
        fill(1)
        assert titles_for(role) == expected


def fill(count: int) -> None:
    """Create a pending comment, a scheduled post, and `count` posts that are pending review."""
    CommentFactory(entry=PostFactory(title="Old news"), status=CommentStatus.PENDING)
    later = timezone.now() + dt.timedelta(days=1)
    PostFactory(title="Tomorrow", published_at=later)
    author = UserFactory(role="Author", display_name="Amina")
    insert_copies(
        Post(author=author, status=Status.PENDING),
        ({"title": f"A {number}", "slug": f"a-{count}-{number}"} for number in range(count)),
    )


class TestContent:
    def test_panels_link_to_each_post_and_to_the_moderation_queue(self) -> None:
        fill(1)
        links = {
            text(link): link.get("href") for link in find(read(client_of(user_in_role("Editor")).get(INDEX)), "li a")
        }
        for title in ("Tomorrow", "Old news"):
            assert links[title] == f"/admin/blog/post/{Post.objects.get(title=title).pk}/change/"
        assert links["A 0"] == f"/admin/blog/post/{Post.objects.get(title='A 0').pk}/change/"
        assert "/admin/comments/queue/" in links.values()

    def test_authors_see_only_their_own_drafts_and_posts(self) -> None:
        user = UserFactory(role="Author")
        PostFactory(title="Mine", author=user, status=Status.DRAFT)
        PostFactory(title="Mine, public", author=user)
        PostFactory(title="Theirs", status=Status.DRAFT)
        PostFactory(title="Theirs, public")
        page = read(client_of(user).get(INDEX))
        assert {text(link) for link in find(page, ".panel-box li a")} == {"Mine", "Mine, public"}

    def test_there_is_one_primary_button(self) -> None:
        (button,) = find(read(client_of(user_in_role("superuser")).get(INDEX)), ".default")
        assert button.get("href") == "/admin/blog/post/add/"

    def test_owners_are_reminded_of_settings_they_may_have_forgotten(self) -> None:
        owner = client_of(user_in_role("superuser"))
        assert "Give your site a title." in owner.get(INDEX).text
        SiteSettings.objects.update(title="Lamp & Ledger")
        assert "Needs your attention" not in owner.get(INDEX).text
        SiteSettings.objects.update(search_engines_welcome=False)
        assert "Search engines are asked to stay away." in owner.get(INDEX).text

    def test_owners_of_a_new_site_are_welcomed_and_offered_an_import(self) -> None:
        owner = client_of(user_in_role("superuser"))
        welcome = "Welcome to your new site"
        page = read(owner.get(INDEX))
        assert "/admin/wordpress/importjob/add/" in {link.get("href") for link in find(page, ".panel-box li a")}
        assert titles_for("superuser")[0] == welcome
        assert welcome not in titles_for("Editor")
        PostFactory()
        assert welcome not in titles_for("superuser")

    def test_owners_without_a_display_name_are_told_what_readers_see_instead(self) -> None:
        person = user_in_role("superuser")
        assert person
        notice = f"Readers see you as “Author {person.pk}”."
        assert notice not in client_of(person).get(INDEX).text
        User.objects.filter(pk=person.pk).update(display_name="")
        links = find(read(client_of(person).get(INDEX)), f"a[href=/admin/accounts/user/{person.pk}/change/]")
        assert any(text(link).startswith(notice) for link in links)

    def test_a_thousand_posts_take_as_many_queries_as_one(self, django_assert_num_queries: Any) -> None:
        editor = client_of(user_in_role("Editor"))
        fill(1)
        editor.get(INDEX)
        with CaptureQueriesContext(connection) as queries:
            editor.get(INDEX)
        count = len(queries)
        assert count <= 11
        fill(1_000)
        # The first request after a change reads the settings and counts again.
        editor.get(INDEX)
        with django_assert_num_queries(count):
            page = editor.get(INDEX).text
        assert ">1001</span>" in page


def test_the_system_check_reports_missing_templates() -> None:
    assert list(dashboard_panels.find_problems("a", Panel("A", "admin/index.html", no_context))) == []
    assert list(dashboard_panels.find_problems("a", Panel("A", "none.html", no_context))) != []
