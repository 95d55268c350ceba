"""Permissions of each role on each page and action of the admin, as tables."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils.html import escape

from accounts.models import User
from blog.editing.workflow import Step, may_take
from blog.models import Page, Post, Status
from blog.permissions import may_delete, may_edit, may_restore, may_view
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import ROLES, admin_url, client_of, form_data, user_in_role

pytestmark = pytest.mark.django_db

OK, LOGIN, FORBIDDEN, NOT_FOUND = "ok", "login", "forbidden", "not found"


def outcome(response: Any) -> str:
    """Classify the response of the admin."""
    if response.status_code == 302:
        return LOGIN if response["Location"].startswith("/admin/login/") else NOT_FOUND
    return {200: OK, 403: FORBIDDEN}[response.status_code]


def post_of(user: User | None, whose: str, status: str) -> Post:
    author = user if whose == "own" and user else UserFactory()
    post: Post = PostFactory(author=author, status=status, title="Unchanged")
    return post


class TestLists:
    @pytest.mark.parametrize(
        ("role", "posts", "pages", "categories", "site"),
        [
            ("anonymous", LOGIN, LOGIN, LOGIN, LOGIN),
            ("staff", FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
            ("Author", OK, FORBIDDEN, OK, FORBIDDEN),
            ("Editor", OK, OK, OK, FORBIDDEN),
            ("Moderator", FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
            ("superuser", OK, OK, OK, OK),
        ],
    )
    def test_roles_that_see_each_list(self, role: str, posts: str, pages: str, categories: str, site: str) -> None:
        client = client_of(user_in_role(role))
        paths = ("blog/post/", "blog/page/", "blog/category/", "core/sitesettings/1/change/")
        assert [outcome(client.get(f"/admin/{path}")) for path in paths] == [posts, pages, categories, site]

    @pytest.mark.parametrize(("role", "seen"), [("Author", {"Mine"}), ("Editor", {"Mine", "Theirs"})])
    def test_authors_see_only_their_own_posts(self, role: str, seen: set[str]) -> None:
        user = user_in_role(role)
        PostFactory(title="Mine", author=user)
        PostFactory(title="Theirs", status=Status.DRAFT)
        response = client_of(user).get("/admin/blog/post/")
        assert {post.title for post in response.context["cl"].result_list} == seen

    @pytest.mark.parametrize(("role", "sees"), [("Author", False), ("Reader of drafts", True), ("Editor", True)])
    def test_filters_offer_only_the_authors_and_languages_of_posts_that_the_user_sees(
        self, role: str, sees: bool
    ) -> None:
        PostFactory(author=UserFactory(display_name="The Source"), status=Status.DRAFT, language="fr")
        page = client_of(user_in_role(role)).get("/admin/blog/post/").text
        assert [text in page for text in ("The Source", "?language=fr")] == [sees, sees]


# What each role may do with a post. Users who see it can also preview it.
SEE, CHANGE, PUBLISH, DELETE = "see", "change", "publish", "delete"
# Only posts in the trash can be deleted permanently.
ALL = {SEE, CHANGE, PUBLISH}
MATRIX = [
    ("Author", "own", "draft", {SEE, CHANGE}),
    ("Author", "own", "pending", {SEE, CHANGE}),
    ("Author", "own", "published", {SEE}),
    ("Author", "own", "private", {SEE}),
    ("Author", "own", "trash", {SEE}),
    ("Author", "other", "draft", set()),
    ("Author", "other", "published", set()),
    ("Editor", "own", "draft", ALL),
    ("Editor", "other", "draft", ALL),
    ("Editor", "other", "pending", ALL),
    ("Editor", "other", "published", ALL),
    ("Editor", "other", "private", ALL),
    # It has to be restored before it can be published.
    ("Editor", "other", "trash", {SEE, CHANGE, DELETE}),
    ("superuser", "other", "draft", ALL),
    ("superuser", "other", "published", ALL),
    ("superuser", "other", "trash", {SEE, CHANGE, DELETE}),
    ("Moderator", "own", "draft", set()),
    ("Moderator", "other", "published", set()),
    ("staff", "own", "draft", set()),
    ("staff", "other", "published", set()),
    ("anonymous", "other", "draft", set()),
    ("anonymous", "other", "published", set()),
]


@pytest.mark.parametrize(("role", "whose", "status", "may"), MATRIX)
class TestPosts:
    def test_form(self, role: str, whose: str, status: str, may: set[str]) -> None:
        user = user_in_role(role)
        post = post_of(user, whose, status)
        response = client_of(user).get(admin_url(post, "change"))
        assert (outcome(response) == OK) == (SEE in may)
        if SEE in may:
            assert response.context["has_change_permission"] == (CHANGE in may)

    def test_change(self, role: str, whose: str, status: str, may: set[str]) -> None:
        user = user_in_role(role)
        post = post_of(user, whose, status)
        client_of(user).post(admin_url(post, "change"), form_data(post, title="Changed"))
        assert (Post.objects.get().title == "Changed") == (CHANGE in may)

    def test_publish_with_a_forged_form(self, role: str, whose: str, status: str, may: set[str]) -> None:
        user = user_in_role(role)
        post = post_of(user, whose, status)
        client_of(user).post(admin_url(post, "change"), form_data(post, title="Changed", _step="publish"))
        stored = Post.objects.get()
        assert (stored.title == "Changed" and stored.is_public) == (PUBLISH in may)
        assert PUBLISH in may or stored.status == status

    def test_delete(self, role: str, whose: str, status: str, may: set[str]) -> None:
        user = user_in_role(role)
        post = post_of(user, whose, status)
        CommentFactory(entry=post)
        client_of(user).post(admin_url(post, "delete"), {"post": "yes"})
        assert Post.objects.exists() == (DELETE not in may)

    def test_delete_in_bulk(self, role: str, whose: str, status: str, may: set[str]) -> None:
        user = user_in_role(role)
        post = post_of(user, whose, status)
        CommentFactory(entry=post)
        client_of(user).post(
            "/admin/blog/post/?state=" + status,
            {"action": "delete_selected", "_selected_action": post.pk, "post": "yes"},
        )
        assert Post.objects.exists() == (DELETE not in may)

    def test_preview_on_the_site(self, role: str, whose: str, status: str, may: set[str]) -> None:
        user = user_in_role(role)
        post = post_of(user, whose, status)
        response = client_of(user).get(post.get_preview_url())
        if SEE in may:
            assert response.status_code == 200
            assert post.title in response.content.decode()
        else:
            assert response.status_code == (301 if post.is_public else 404)

    def test_permission_functions_agree(self, role: str, whose: str, status: str, may: set[str]) -> None:
        user = user_in_role(role)
        post = post_of(user, whose, status)
        if user is not None:
            assert may_view(user, post) == (SEE in may)
            assert may_edit(user, post) == (CHANGE in may)
            assert may_take(user, post, Step.PUBLISH) == (PUBLISH in may)
            assert may_delete(user, post) == (DELETE in may)


BULK = [
    # role, whose, before, action, after
    ("Author", "own", "draft", "publish", "draft"),
    ("Author", "own", "pending", "unpublish", "draft"),
    ("Author", "own", "draft", "trash", "trash"),
    ("Author", "own", "trash", "restore", "draft"),
    ("Author", "own", "published", "unpublish", "published"),
    ("Author", "own", "published", "trash", "published"),
    ("Author", "other", "draft", "trash", "draft"),
    ("Author", "other", "trash", "restore", "trash"),
    ("Editor", "other", "draft", "publish", "published"),
    ("Editor", "other", "pending", "publish", "published"),
    ("Editor", "other", "published", "unpublish", "draft"),
    ("Editor", "other", "private", "trash", "trash"),
    ("Editor", "other", "trash", "restore", "draft"),
    ("Editor", "other", "trash", "publish", "trash"),
    ("Editor", "other", "draft", "restore", "draft"),
    ("superuser", "other", "draft", "publish", "published"),
    ("Moderator", "other", "draft", "publish", "draft"),
    ("Moderator", "other", "published", "trash", "published"),
    ("staff", "own", "draft", "publish", "draft"),
    ("anonymous", "other", "draft", "publish", "draft"),
]


@pytest.mark.parametrize(("role", "whose", "before", "action", "after"), BULK)
def test_bulk_actions(role: str, whose: str, before: str, action: str, after: str) -> None:
    user = user_in_role(role)
    post = post_of(user, whose, before)
    client_of(user).post(f"/admin/blog/post/?state={before}", {"action": action, "_selected_action": post.pk})
    assert Post.objects.get().status == after


class TestRestrictionsOfAuthors:
    @pytest.fixture
    def author(self) -> User:
        user: User = UserFactory(role="Author")
        return user

    @pytest.fixture
    def client(self, author: User) -> Client:
        return client_of(author)

    def test_a_new_post_is_their_own_draft(self, client: Client, author: User) -> None:
        other = UserFactory()
        data = form_data(title="New", author=other.pk, sticky="on", published_at="2020-01-01T12:00")
        client.post(admin_url(Post, "add"), data)
        post = Post.objects.get()
        assert (post.author, post.status, post.sticky, post.published_at) == (author, Status.DRAFT, False, None)

    @pytest.mark.parametrize("step", ["publish", "schedule", "publish_privately", "trash", "nonsense"])
    def test_a_new_post_can_only_be_saved_or_submitted(self, client: Client, step: str) -> None:
        response = client.post(admin_url(Post, "add"), form_data(title="New", source="Kept", _step=step))
        assert escape("This can't be done now") in response.content.decode()
        assert "Kept" in response.content.decode()
        assert not Post.objects.exists()

    def test_a_post_can_be_submitted_for_review(self, client: Client) -> None:
        client.post(admin_url(Post, "add"), form_data(title="New", _step="submit"))
        assert Post.objects.get().status == Status.PENDING

    def test_author_and_sticky_cannot_be_changed(self, client: Client, author: User) -> None:
        post = PostFactory(author=author, status=Status.DRAFT)
        client.post(admin_url(post, "change"), form_data(post, author=UserFactory().pk, sticky="on", title="Changed"))
        post.refresh_from_db()
        assert (post.author, post.sticky, post.title) == (author, False, "Changed")

    def test_the_form_has_no_fields_that_they_cannot_set(self, client: Client, author: User) -> None:
        fields = client.get(admin_url(Post, "add")).context["adminform"].form.fields
        assert not {"author", "sticky", "published_at", "status"} & set(fields)


class TestPages:
    @pytest.mark.parametrize("role", ROLES)
    def test_only_editors_can_see_and_change_pages(self, role: str) -> None:
        user = user_in_role(role)
        client = client_of(user)
        page: Page = PageFactory(title="Unchanged", status=Status.DRAFT)
        allowed = role in {"Editor", "superuser"}
        assert (outcome(client.get(admin_url(page, "change"))) == OK) == allowed
        assert (client.get(page.get_preview_url()).status_code == 200) == allowed
        client.post(admin_url(page, "change"), form_data(page, title="Changed", _step="publish"))
        assert Page.objects.get().is_public == allowed
        client.post("/admin/blog/page/", {"action": "trash", "_selected_action": page.pk})
        assert (Page.objects.get().status == Status.TRASH) == allowed
        client.post(admin_url(page, "delete"), {"post": "yes"})
        assert Page.objects.exists() != allowed


class TestDeletingWithoutEditingOthers:
    """With a custom role, users can delete their own posts permanently once these are in the trash."""

    @pytest.fixture
    def user(self) -> User:
        user: User = UserFactory(role="Author")
        user.user_permissions.add(Permission.objects.get(codename="delete_post"))
        return user

    def test_permission_functions(self, user: User) -> None:
        draft = PostFactory(author=user, status=Status.DRAFT)
        trashed = PostFactory(author=user, status=Status.TRASH)
        of_someone_else = PostFactory(status=Status.TRASH)
        assert [may_delete(user, post) for post in (draft, trashed, of_someone_else)] == [False, True, False]
        assert [may_restore(user, post) for post in (trashed, of_someone_else)] == [True, False]

    @pytest.mark.parametrize(("status", "is_kept"), [("draft", True), ("published", True), ("trash", False)])
    def test_delete_in_bulk(self, user: User, status: str, is_kept: bool) -> None:
        post = PostFactory(author=user, status=status)
        data = {"action": "delete_selected", "_selected_action": post.pk, "post": "yes"}
        client_of(user).post(f"/admin/blog/post/?state={status}", data)
        assert Post.objects.exists() == is_kept
