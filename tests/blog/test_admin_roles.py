"""Who may do what: every role at every page and action of posts and pages, as tables."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from blog.models import Page, Post, Status
from blog.permissions import may_delete, may_edit, may_publish, may_restore, may_view
from tests.blog.desk import ROLES, admin_page, at_desk, form, person
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db

OK, LOGIN, FORBIDDEN, UNKNOWN = "shown", "asked to log in", "forbidden", "not found"


def outcome(response: Any) -> str:
    """What became of a request for a page of the admin."""
    if response.status_code == 302:
        return LOGIN if response["Location"].startswith("/admin/login/") else UNKNOWN
    return {200: OK, 403: FORBIDDEN}[response.status_code]


def post_of(user: User | None, whose: str, status: str) -> Post:
    author = user if whose == "own" and user else UserFactory()
    post: Post = PostFactory(author=author, status=status, title="As it was")
    return post


class TestLists:
    @pytest.mark.parametrize(
        ("role", "posts", "pages", "categories", "site"),
        [
            ("nobody", LOGIN, LOGIN, LOGIN, LOGIN),
            ("staff", FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
            ("Author", OK, FORBIDDEN, OK, FORBIDDEN),
            ("Editor", OK, OK, OK, FORBIDDEN),
            ("Moderator", FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
            ("superuser", OK, OK, OK, OK),
        ],
    )
    def test_who_sees_which(self, role: str, posts: str, pages: str, categories: str, site: str) -> None:
        client = at_desk(person(role))
        paths = ("post/", "page/", "category/", "sitesettings/1/change/")
        assert [outcome(client.get(f"/admin/blog/{path}")) for path in paths] == [posts, pages, categories, site]

    @pytest.mark.parametrize(("role", "seen"), [("Author", {"Mine"}), ("Editor", {"Mine", "Theirs"})])
    def test_authors_see_their_own_posts_only(self, role: str, seen: set[str]) -> None:
        user = person(role)
        PostFactory(title="Mine", author=user)
        PostFactory(title="Theirs", status=Status.DRAFT)
        response = at_desk(user).get("/admin/blog/post/")
        assert {post.title for post in response.context["cl"].result_list} == seen

    @pytest.mark.parametrize(
        ("role", "apps"),
        [
            ("staff", set()),
            ("Author", {"blog", "library", "tags", "comments"}),
            ("Editor", {"blog", "library", "tags", "comments", "wordpress"}),
            ("Moderator", {"comments"}),
        ],
    )
    def test_index_shows_no_more_than_the_role_needs(self, role: str, apps: set[str]) -> None:
        response = at_desk(person(role)).get("/admin/")
        assert {app["app_label"] for app in response.context["app_list"]} == apps


# What each role may do with a post: see its form, change it, publish it by its form, delete it, preview it.
SEE, CHANGE, PUBLISH, DELETE = "see", "change", "publish", "delete"
ALL = {SEE, CHANGE, PUBLISH, DELETE}
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
    ("Editor", "other", "trash", ALL),
    ("superuser", "other", "draft", ALL),
    ("superuser", "other", "published", ALL),
    ("Moderator", "own", "draft", set()),
    ("Moderator", "other", "published", set()),
    ("staff", "own", "draft", set()),
    ("staff", "other", "published", set()),
    ("nobody", "other", "draft", set()),
    ("nobody", "other", "published", set()),
]


@pytest.mark.parametrize(("role", "whose", "status", "may"), MATRIX)
class TestPosts:
    def test_form(self, role: str, whose: str, status: str, may: set[str]) -> None:
        user = person(role)
        post = post_of(user, whose, status)
        response = at_desk(user).get(admin_page(post, "change"))
        assert (outcome(response) == OK) == (SEE in may)
        if SEE in may:
            assert response.context["has_change_permission"] == (CHANGE in may)

    def test_change(self, role: str, whose: str, status: str, may: set[str]) -> None:
        user = person(role)
        post = post_of(user, whose, status)
        at_desk(user).post(admin_page(post, "change"), form(post, title="Changed"))
        assert (Post.objects.get().title == "Changed") == (CHANGE in may)

    def test_publishing_by_a_form_made_for_it(self, role: str, whose: str, status: str, may: set[str]) -> None:
        user = person(role)
        post = post_of(user, whose, status)
        at_desk(user).post(admin_page(post, "change"), form(post, title="Changed", status="published"))
        stored = Post.objects.get()
        assert (stored.title == "Changed" and stored.is_public) == (PUBLISH in may)
        assert PUBLISH in may or stored.status == status

    def test_delete(self, role: str, whose: str, status: str, may: set[str]) -> None:
        user = person(role)
        post = post_of(user, whose, status)
        CommentFactory(post=post)
        at_desk(user).post(admin_page(post, "delete"), {"post": "yes"})
        assert Post.objects.exists() == (DELETE not in may)

    def test_delete_in_bulk(self, role: str, whose: str, status: str, may: set[str]) -> None:
        user = person(role)
        post = post_of(user, whose, status)
        CommentFactory(post=post)
        at_desk(user).post(
            "/admin/blog/post/?state=" + status,
            {"action": "delete_selected", "_selected_action": post.pk, "post": "yes"},
        )
        assert Post.objects.exists() == (DELETE not in may)

    def test_preview_on_the_site(self, role: str, whose: str, status: str, may: set[str]) -> None:
        user = person(role)
        post = post_of(user, whose, status)
        response = at_desk(user).get(post.get_preview_url())
        if SEE in may:
            assert response.status_code == 200
            assert post.title in response.content.decode()
        else:
            assert response.status_code == (301 if post.is_public else 404)

    def test_rules_say_the_same(self, role: str, whose: str, status: str, may: set[str]) -> None:
        user = person(role)
        post = post_of(user, whose, status)
        if user is not None:
            assert may_view(user, post) == (SEE in may)
            assert may_edit(user, post) == (CHANGE in may)
            assert (may_edit(user, post) and may_publish(user)) == (PUBLISH in may)
            assert may_delete(user, post) == (DELETE in may)


BULK = [
    # role, whose, before, action, after
    ("Author", "own", "draft", "publish", "draft"),
    ("Author", "own", "pending", "withdraw", "draft"),
    ("Author", "own", "draft", "trash", "trash"),
    ("Author", "own", "trash", "restore", "draft"),
    ("Author", "own", "published", "withdraw", "published"),
    ("Author", "own", "published", "trash", "published"),
    ("Author", "other", "draft", "trash", "draft"),
    ("Author", "other", "trash", "restore", "trash"),
    ("Editor", "other", "draft", "publish", "published"),
    ("Editor", "other", "pending", "publish", "published"),
    ("Editor", "other", "published", "withdraw", "draft"),
    ("Editor", "other", "private", "trash", "trash"),
    ("Editor", "other", "trash", "restore", "draft"),
    ("Editor", "other", "trash", "publish", "trash"),
    ("Editor", "other", "draft", "restore", "draft"),
    ("superuser", "other", "draft", "publish", "published"),
    ("Moderator", "other", "draft", "publish", "draft"),
    ("Moderator", "other", "published", "trash", "published"),
    ("staff", "own", "draft", "publish", "draft"),
    ("nobody", "other", "draft", "publish", "draft"),
]


@pytest.mark.parametrize(("role", "whose", "before", "action", "after"), BULK)
def test_bulk_actions(role: str, whose: str, before: str, action: str, after: str) -> None:
    user = person(role)
    post = post_of(user, whose, before)
    at_desk(user).post(f"/admin/blog/post/?state={before}", {"action": action, "_selected_action": post.pk})
    assert Post.objects.get().status == after


class TestWhatAuthorsCannotSet:
    @pytest.fixture
    def author(self) -> User:
        user: User = UserFactory(role="Author")
        return user

    @pytest.fixture
    def desk(self, author: User) -> Client:
        return at_desk(author)

    def test_new_post_is_theirs_and_a_draft(self, desk: Client, author: User) -> None:
        other = UserFactory()
        sent = form(title="New", author=other.pk, sticky="on", published_at_0="2020-01-01", published_at_1="12:00")
        desk.post(admin_page(Post, "add"), sent)
        post = Post.objects.get()
        assert (post.author, post.status, post.sticky, post.published_at) == (author, Status.DRAFT, False, None)

    @pytest.mark.parametrize("status", ["published", "private", "trash", "nonsense"])
    def test_status_is_draft_or_waiting(self, desk: Client, status: str) -> None:
        response = desk.post(admin_page(Post, "add"), form(title="New", status=status))
        assert "Select a valid choice" in response.content.decode()
        assert not Post.objects.exists()

    def test_handing_in(self, desk: Client) -> None:
        desk.post(admin_page(Post, "add"), form(title="New", status="pending"))
        assert Post.objects.get().status == Status.PENDING

    def test_author_and_place_on_the_front_page_stay(self, desk: Client, author: User) -> None:
        post = PostFactory(author=author, status=Status.DRAFT)
        desk.post(admin_page(post, "change"), form(post, author=UserFactory().pk, sticky="on", title="Changed"))
        post.refresh_from_db()
        assert (post.author, post.sticky, post.title) == (author, False, "Changed")

    def test_form_does_not_offer_what_it_would_not_take(self, desk: Client, author: User) -> None:
        fields = desk.get(admin_page(Post, "add")).context["adminform"].form.fields
        assert not {"author", "sticky", "published_at"} & set(fields)
        assert [value for value, _label in fields["status"].choices] == ["draft", "pending"]


class TestPages:
    @pytest.mark.parametrize("role", ROLES)
    def test_editors_write_and_publish_pages_and_nobody_else_sees_them(self, role: str) -> None:
        user = person(role)
        desk = at_desk(user)
        page: Page = PageFactory(title="As it was", status=Status.DRAFT)
        allowed = role in {"Editor", "superuser"}
        assert (outcome(desk.get(admin_page(page, "change"))) == OK) == allowed
        assert (desk.get(page.get_preview_url()).status_code == 200) == allowed
        desk.post(admin_page(page, "change"), form(page, title="Changed", status="published"))
        assert Page.objects.get().is_public == allowed
        desk.post("/admin/blog/page/", {"action": "trash", "_selected_action": page.pk})
        assert (Page.objects.get().status == Status.TRASH) == allowed
        desk.post(admin_page(page, "delete"), {"post": "yes"})
        assert Page.objects.exists() != allowed


class TestDeletingWithoutEditingOthers:
    """A role of an owner's own making: its people delete for good what is theirs and in the trash."""

    @pytest.fixture
    def user(self) -> User:
        user: User = UserFactory(role="Author")
        user.user_permissions.add(Permission.objects.get(codename="delete_post"))
        return user

    def test_rules(self, user: User) -> None:
        draft = PostFactory(author=user, status=Status.DRAFT)
        thrown = PostFactory(author=user, status=Status.TRASH)
        theirs = PostFactory(status=Status.TRASH)
        assert [may_delete(user, post) for post in (draft, thrown, theirs)] == [False, True, False]
        assert [may_restore(user, post) for post in (thrown, theirs)] == [True, False]

    @pytest.mark.parametrize(("status", "stays"), [("draft", True), ("published", True), ("trash", False)])
    def test_in_bulk(self, user: User, status: str, stays: bool) -> None:
        post = PostFactory(author=user, status=status)
        sent = {"action": "delete_selected", "_selected_action": post.pk, "post": "yes"}
        at_desk(user).post(f"/admin/blog/post/?state={status}", sent)
        assert Post.objects.exists() == stays
