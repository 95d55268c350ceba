"""The navigation of the admin is organised by task, and shows each user what they may use."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.utils.translation import gettext_lazy
from lxml.html import HtmlElement

from blog.models import Post, Status
from comments.models import Block, CommentStatus
from core.navigation import Badge, NavigationItem, navigation_items
from tests.factories import CommentFactory, PageFactory, PostFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db

# A page that everyone who can log in may see.
ANYWHERE = "/admin/password_change/"
WRITING = ["Dashboard", "Posts", "Media", "Tags", "Categories", "E-mail notifications"]


def labels(page: HtmlElement, selector: str = ".navigation > li > a") -> list[str]:
    return [link.text.strip() for link in find(page, selector)]


def page_of(role: str, path: str = ANYWHERE) -> HtmlElement:
    return read(client_of(user_in_role(role)).get(path))


class TestItems:
    @pytest.mark.parametrize(
        ("role", "expected"),
        [
            ("staff", ["Dashboard"]),
            ("Author", WRITING),
            (
                "Editor",
                [
                    *("Dashboard", "Posts", "Pages", "Comments", "Media", "Newsletter", "Tags", "Categories"),
                    *("Readers", "Redirects"),
                ],
            ),
            ("Moderator", ["Comments"]),
            (
                "superuser",
                [
                    *("Dashboard", "Posts", "Pages", "Comments", "Media", "Newsletter", "Tags", "Categories"),
                    *("Readers", "Redirects", "People", "Import/Export", "Appearance", "Settings"),
                ],
            ),
        ],
    )
    def test_each_role_sees_what_it_may_use(self, role: str, expected: list[str]) -> None:
        assert labels(page_of(role)) == expected

    @pytest.mark.parametrize("role", ["staff", "Author", "Editor", "Moderator", "superuser"])
    def test_every_item_leads_to_a_page_that_the_role_may_see(self, role: str) -> None:
        client = client_of(user_in_role(role))
        pages: dict[str, Any] = {}

        def visit(url: str) -> None:
            if url not in pages:
                response = client.get(url, follow=True)
                assert response.status_code == 200, url
                pages[url] = read(response)

        for link in find(read(client.get(ANYWHERE)), ".navigation a"):
            visit(link.get("href"))
        for page in list(pages.values()):
            for link in find(page, ".navigation a"):
                visit(link.get("href"))

    def test_visitors_see_none(self) -> None:
        assert labels(page_of("anonymous", "/admin/login/")) == []

    def test_an_item_shows_its_subitems_while_it_is_current(self) -> None:
        selector = ".navigation ul a"
        assert labels(page_of("Moderator", "/admin/comments/comment/"), selector) == [
            *("All comments", "Blocklist", "Decisions", "Statistics", "E-mail notifications")
        ]
        assert labels(page_of("Editor", "/admin/tags/tag/"), selector) == ["Duplicates", "Changes"]
        assert labels(page_of("Author", "/admin/tags/tag/"), selector) == []


class TestCurrentItem:
    @pytest.mark.parametrize(
        ("path", "current", "value"),
        [
            ("/admin/", "Dashboard", "page"),
            ("/admin/blog/post/", "Posts", "page"),
            ("/admin/blog/post/add/", "Posts", "true"),
            ("/admin/comments/comment/", "All comments", "page"),
            ("/admin/comments/queue/statistics/", "Statistics", "page"),
            ("/admin/core/sitesettings/1/change/", "Settings", "true"),
        ],
    )
    def test_it_is_marked(self, path: str, current: str, value: str) -> None:
        (link,) = page_of("superuser", path).xpath("//*[@class='navigation']//a[@aria-current]")
        assert (link.text.strip(), link.get("aria-current")) == (current, value)

    def test_the_settings_have_no_breadcrumb_to_themselves(self) -> None:
        assert labels(page_of("superuser", "/admin/core/sitesettings/1/change/"), ".trail a") == []
        assert labels(page_of("superuser", "/admin/comments/commentsettings/1/change/"), ".trail a") == ["Settings"]

    def test_pages_below_an_item_have_breadcrumbs(self) -> None:
        post = PostFactory(title="A march")
        trail = ".trail a"
        assert labels(page_of("Editor", "/admin/blog/post/"), trail) == []
        assert labels(page_of("Editor", f"/admin/blog/post/{post.pk}/change/"), trail) == ["Posts"]
        for name in ("history", "revisions", "preview-links", "notes"):
            page = page_of("Editor", f"/admin/blog/post/{post.pk}/{name}/")
            assert labels(page, trail) == ["Posts", "A march"], name
        assert labels(page_of("Moderator", "/admin/comments/block/add/"), trail) == ["Comments", "Blocklist"]

    @pytest.mark.parametrize(
        ("path", "action", "trail"),
        [
            ("/admin/tags/tag/", "merge_selected", ["Tags"]),
            ("/admin/tags/tag/", "delete_selected", ["Tags"]),
            ("/admin/blog/post/", "bulk_edit", ["Posts"]),
            ("/admin/comments/block/", "delete_selected", ["Comments", "Blocklist"]),
        ],
    )
    def test_pages_of_actions_lead_back_to_their_list(self, path: str, action: str, trail: list[str]) -> None:
        PostFactory(tags=["a"])
        Block.objects.create(kind="word", text="casino", key="casino")
        client = client_of(user_in_role("superuser"))
        _root, _admin, app, model, _end = path.split("/")
        obj = apps.get_model(app, model)._default_manager.get()
        page = read(client.post(path, {"action": action, ACTION_CHECKBOX_NAME: obj.pk}))
        assert labels(page, ".trail a") == trail
        assert labels(read(client.get(path)), ".trail a") == trail[:-1]


class TestCounts:
    @pytest.fixture(autouse=True)
    def _pending_content(self) -> None:
        PostFactory.create_batch(2, status=Status.PENDING)
        PageFactory(status=Status.PENDING)
        CommentFactory.create_batch(3, status=CommentStatus.PENDING)
        CommentFactory(status=CommentStatus.SPAM)

    @pytest.mark.parametrize(
        ("role", "counts"),
        [
            ("Author", {}),
            ("Editor", {"posts": "2", "comments": "3"}),
            ("Moderator", {"comments": "3"}),
        ],
    )
    def test_they_show_how_much_is_pending_for_the_role(self, role: str, counts: dict[str, str]) -> None:
        found = find(page_of(role), ".navigation .count")
        assert {count.get("data-count"): count.text for count in found} == counts

    def test_screen_readers_hear_what_is_counted(self) -> None:
        (link,) = find(page_of("Moderator"), ".navigation a")
        assert "(3 pending)" in text(link)

    @pytest.mark.parametrize(
        ("path", "title"),
        [
            ("/admin/blog/post/", "(2) Posts – Broadside"),
            ("/admin/comments/queue/", "(3) Moderation queue – Broadside"),
            ("/admin/blog/post/add/", "Add post – Broadside"),
            ("/admin/blog/page/", "Pages – Broadside"),
        ],
    )
    def test_the_title_of_the_page_has_the_count_of_its_item(self, path: str, title: str) -> None:
        assert text(one(page_of("Editor", path), "title")) == title

    def test_they_take_one_query(self, django_assert_num_queries: Any) -> None:
        client = client_of(user_in_role("Editor"))
        # The session, the user with the permissions, the settings, and the counts.
        with django_assert_num_queries(4):
            client.get(ANYWHERE)


def item(**changes: Any) -> NavigationItem:
    values: dict[str, Any] = {"label": "A", "url_name": "admin:index", "permissions": (), "order": 1}
    return NavigationItem(**(values | changes))


@pytest.mark.parametrize(
    ("changed", "problems"),
    [
        (lambda: item(), []),
        (lambda: item(url_name="admin:none"), ["There is no URL 'admin:none'."]),
        (lambda: item(permissions=("core.fly",)), ["There is no permission 'core.fly'."]),
        (
            lambda: item(badge=Badge(Post.objects.all, gettext_lazy("Posts"), "core.fly")),
            ["There is no permission 'core.fly'."],
        ),
        (lambda: item(parent="none"), ["There is no top-level item 'none'."]),
        (lambda: item(parent="settings"), []),
    ],
    ids=["none", "URL", "permission", "permission of the badge", "missing parent", "parent"],
)
def test_the_system_check_finds_invalid_items(changed: Callable[[], NavigationItem], problems: list[str]) -> None:
    assert list(navigation_items.find_problems("a", changed())) == problems


class TestFirstSteps:
    """Suggestions on the front page of a site on which nothing has been published."""

    @pytest.mark.parametrize(
        ("role", "expected"),
        [
            ("staff", []),
            ("Moderator", []),
            ("Author", ["Write your first post"]),
            ("Editor", ["Write your first post"]),
            (
                "superuser",
                [
                    "Write your first post",
                    "Invite your authors and moderators",
                    "Bring your blog from WordPress",
                    "Name your site and choose how it works",
                ],
            ),
        ],
    )
    def test_each_role_sees_its_own_first_steps(self, role: str, expected: list[str]) -> None:
        client = client_of(user_in_role(role))
        links = find(read(client.get("/")), ".first-steps a")
        assert [text(link) for link in links] == expected
        assert {client.get(link.get("href"), follow=True).status_code for link in links} <= {200}

    def test_readers_see_one_sentence(self, client: Client) -> None:
        main = one(read(client.get("/")), "main")
        assert text(main) == "Nothing has been published here yet."

    def test_they_disappear_once_something_is_published(self) -> None:
        PostFactory()
        assert not find(read(client_of(user_in_role("superuser")).get("/")), ".first-steps")
