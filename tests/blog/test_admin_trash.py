"""Moving posts and pages to the trash, undoing that, and deleting them permanently."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditRecord
from blog import publishing
from blog.editing import undoing
from blog.models import Entry, Page, Post, Status
from blog.publishing import save_entry
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import admin_url, client_of, form_data, user_in_role
from tests.factories.database import executed_statements
from tests.factories.responses import find, message, one, read, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(UserFactory(role="Editor"))


def trash(client: Client, *entries: Post | Page) -> Any:
    data = {"action": "trash", "_selected_action": [entry.pk for entry in entries]}
    return client.post(admin_url(type(entries[0]), "changelist"), data, follow=True)


def undo(client: Client, response: Any) -> Any:
    """Click Undo in the message of a response."""
    return client.post(str(one(read(response), "ul.messagelist form.undo").get("action")), follow=True)


def states(model: type[Post] | type[Page] = Post) -> list[tuple[str, str, str]]:
    return [(entry.title, entry.status, entry.slug) for entry in model.objects.order_by("title")]


class TestUndo:
    def test_restores_the_status_and_url_of_each_post(self, client: Client) -> None:
        posts = [PostFactory(title=status.value, status=status) for status in Status if status != Status.TRASH]
        before = states()
        urls = [post.get_absolute_url() for post in posts]
        response = trash(client, *posts)
        assert message(response) == "4 posts moved to the trash."
        assert {status for _title, status, _slug in states()} == {Status.TRASH}
        assert message(undo(client, response)) == "Undone for 4 posts."
        assert states() == before
        assert [post.get_absolute_url() for post in Post.objects.order_by("pk")] == urls

    def test_works_for_pages(self, client: Client) -> None:
        page = PageFactory(title="About")
        assert message(undo(client, trash(client, page))) == "Undone: “About”. View page"
        assert states(Page) == [("About", "published", "about")]
        assert Client().get("/about/").status_code == 200

    def test_is_offered_after_the_button_of_a_row_and_after_the_form(self, client: Client) -> None:
        post = PostFactory()
        undo(client, client.post(f"/admin/blog/post/{post.pk}/trash/", follow=True))
        assert Post.objects.get().status == Status.PUBLISHED
        form = form_data(Post.objects.get(), _step="trash")
        response = client.post(admin_url(post, "change"), form, follow=True)
        assert message(response) == "Post moved to the trash. Preview post"
        undo(client, response)
        assert Post.objects.get().status == Status.PUBLISHED

    def test_ignores_posts_that_were_moved_at_another_time_or_changed_since(self, client: Client) -> None:
        first, second, changed = PostFactory(title="first"), PostFactory(title="second"), PostFactory(title="changed")
        trash(client, first)
        response = trash(client, second, changed)
        publishing.restore(Post.objects.filter(title="changed"), UserFactory(role="Editor"))
        undo(client, response)
        assert [status for _title, status, _slug in states()] == ["draft", "trash", "published"]

    def test_a_second_click_changes_nothing(self, client: Client) -> None:
        response = trash(client, PostFactory())
        undo(client, response)
        assert message(undo(client, response)) == "Nothing was changed."

    @pytest.mark.parametrize(
        ("role", "whose", "before", "after"),
        [
            ("Author", "own", "draft", "draft"),
            ("Author", "own", "pending", "pending"),
            ("Author", "own", "published", "trash"),
            ("Author", "other", "draft", "trash"),
            ("Editor", "other", "published", "published"),
            ("Editor", "other", "private", "private"),
            ("superuser", "other", "published", "published"),
            ("Moderator", "other", "draft", "trash"),
            ("staff", "own", "draft", "trash"),
            ("anonymous", "other", "draft", "trash"),
        ],
    )
    def test_is_only_for_users_who_may_set_that_status(self, role: str, whose: str, before: str, after: str) -> None:
        user = user_in_role(role)
        post = PostFactory(status=before, author=user if whose == "own" else UserFactory())
        undoable = undoing.remember(publishing.trash(Post.objects.all(), UserFactory(role="Editor")))
        assert undoable is not None
        client_of(user).post(f"/admin/blog/post/undo/{undoable.pk}/")
        assert Post.objects.get(pk=post.pk).status == after

    def test_needs_a_post_request(self, client: Client) -> None:
        post = PostFactory()
        for path in (f"{post.pk}/trash/", f"{post.pk}/restore/"):
            assert client.get(f"/admin/blog/post/{path}").status_code == 405

    def test_leads_back_to_the_same_list_and_is_logged(self, client: Client) -> None:
        post = PostFactory()
        filters = "?_changelist_filters=state%3Dpublished"
        response = client.post(f"/admin/blog/post/{post.pk}/trash/{filters}")
        assert response["Location"] == "/admin/blog/post/?state=published"
        undo(client, client.get(response["Location"]))
        logged = AuditRecord.objects.filter(kind="blog.post").order_by("pk")
        assert [each.text for each in logged] == ["Moved to the trash", "Undid a change"]


class TestRestoring:
    def test_the_button_of_a_row_restores_as_a_draft(self, client: Client) -> None:
        post = PostFactory()
        trash(client, post)
        response = client.post(f"/admin/blog/post/{post.pk}/restore/", follow=True)
        assert message(response) == "Post restored as a draft. Preview post"
        assert Post.objects.get().status == Status.DRAFT

    def test_a_post_that_was_imported_into_the_trash_becomes_a_draft(self, client: Client) -> None:
        PostFactory(status=Status.TRASH)
        change = publishing.restore(Post.objects.all(), UserFactory(role="Editor"))
        assert [post.status for post in change.changed] == [Status.DRAFT]


class TestDeleting:
    def test_names_the_post_and_its_comments_first(self, client: Client) -> None:
        post = PostFactory(title="A lamp", status=Status.TRASH, tags=["tag"])
        CommentFactory.create_batch(2, entry=post)
        page = read(client.get(admin_url(post, "delete")))
        assert [text(line) for line in find(page, "#content ul li")] == ["Posts: 1", "Comments: 2", "A lamp"]
        client.post(admin_url(post, "delete"), {"post": "yes"})
        assert not Entry.objects.exists()

    def test_takes_the_same_queries_to_ask_for_any_number_of_posts(self, client: Client) -> None:
        counts = []
        for number in (5, 20):
            posts = PostFactory.create_batch(
                number, status=Status.TRASH, tags=["a", "b"], categories=[CategoryFactory()]
            )
            for post in posts:
                save_entry(post, by=UserFactory(role="Editor"))
                CommentFactory(entry=post)
            data = {"action": "delete_selected", "_selected_action": [post.pk for post in Post.objects.all()]}
            with executed_statements() as statements:
                page = read(client.post("/admin/blog/post/?state=trash", data))
            assert text(find(page, "#content ul li")[0]) == f"Posts: {Post.objects.count()}"
            counts.append(len(statements))
        assert counts[0] == counts[1]

    def test_of_many_posts_takes_several_transactions(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("blog.admin.entry_actions._DELETED_AT_ONCE", 2)
        pks = [PostFactory(status=Status.TRASH).pk for _number in range(5)]
        data = {"action": "delete_selected", "_selected_action": pks, "post": "yes"}
        with executed_statements() as statements:
            response = client.post("/admin/blog/post/?state=trash", data, follow=True)
        assert message(response) == "5 posts deleted."
        assert not Post.objects.exists()
        assert sum(sql.startswith('DELETE FROM "blog_entry" ') for sql, _parameters in statements) == 3
        assert AuditRecord.objects.filter(action="deleted", kind="blog.post").count() == 5

    def test_is_refused_for_a_page_above_others_which_are_named(self, client: Client) -> None:
        parent = PageFactory(status=Status.TRASH)
        child = PageFactory(parent=parent, title="Team")
        refused = [
            client.post(admin_url(parent, "delete"), {"post": "yes"}),
            client.post("/admin/blog/page/?state=trash", {"action": "delete_selected", "_selected_action": parent.pk}),
            client.post(
                "/admin/blog/page/?state=trash",
                {"action": "delete_selected", "_selected_action": parent.pk, "post": "yes"},
            ),
        ]
        for response in refused:
            link = one(read(response), "#content li a")
            assert (text(link), link.get("href")) == ("Team", admin_url(child, "change"))
        assert Page.objects.count() == 2

    @pytest.mark.parametrize("status", ["draft", "pending", "published", "private"])
    def test_is_refused_outside_the_trash(self, client: Client, status: str) -> None:
        post = PostFactory(status=status)
        assert client.post(admin_url(post, "delete"), {"post": "yes"}).status_code == 403
        data = {"action": "delete_selected", "_selected_action": post.pk, "post": "yes"}
        client.post(f"/admin/blog/post/?state={status}", data)
        assert Post.objects.exists()
        assert not re.search("deletelink", client.get(admin_url(post, "change")).content.decode())
