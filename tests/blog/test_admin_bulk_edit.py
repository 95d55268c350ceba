"""Bulk edit: changing the same things of many posts or pages."""

from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from accounts.models import AuditRecord, User
from blog.admin.bulk_edit import BulkEditForm
from blog.editing import bulk_editing
from blog.editing.bulk_editing import Changes
from blog.models import Category, Page, Post, Status
from core.changes import ContentVersion
from tags.models import FormerName, Tag, TaggedPost
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import admin_url, client_of, user_in_role
from tests.factories.database import executed_statements
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(editor: User) -> Client:
    return client_of(editor)


def act(client: Client, *entries: Post | Page, **data: Any) -> Any:
    selected = [entry.pk for entry in entries]
    url = admin_url(type(entries[0]), "changelist")
    return client.post(url, {"action": "bulk_edit", "_selected_action": selected, **data}, follow=True)


def edit(client: Client, *entries: Post | Page, **data: Any) -> list[str]:
    """Confirm the change of `data` and return the messages."""
    response = act(client, *entries, edit="1", confirm="1", **data)
    return [text(message).removesuffix(" Undo") for message in find(read(response), "ul.messagelist li")]


def names(post: Post) -> tuple[set[str], set[str]]:
    return {category.name for category in post.categories.all()}, {tag.name for tag in post.tags.all()}


class TestChanges:
    def test_categories_and_tags_are_added_and_removed_and_others_stay(self, client: Client) -> None:
        a, b, c = (CategoryFactory(name=name) for name in "abc")
        first = PostFactory(categories=[a, b], tags=["old", "Gone", "renamed"])
        second = PostFactory(categories=[c], tags=["NEW"])
        FormerName.objects.give({"former": Tag.objects.get(name="renamed").pk})
        data: dict[str, Any] = {"add_categories": [c.pk], "remove_categories": [a.pk]}
        data |= {"add_tags": "new, newer", "remove_tags": "gone, former, unknown"}
        assert edit(client, first, second, **data) == ["2 posts changed."]
        assert names(Post.objects.get(pk=first.pk)) == ({"b", "c"}, {"old", "NEW", "newer"})
        assert names(Post.objects.get(pk=second.pk)) == ({"c"}, {"NEW", "newer"})
        assert not Tag.objects.filter(name="unknown").exists()
        assert set(TaggedPost.objects.values_list("published_at", flat=True)) == {
            first.published_at,
            second.published_at,
        }

    def test_only_posts_with_a_tag_change_if_it_is_removed(self, client: Client) -> None:
        posts = [PostFactory(title="With", tags=["a"]), PostFactory(title="Without", tags=["b"])]
        page = read(act(client, *posts, edit="1", remove_tags="A"))
        assert [text(line) for line in find(page, "section.bulk-preview li")] == ["With (Published)"]

    def test_author_status_and_comments(self, client: Client) -> None:
        author = UserFactory(role="Author")
        posts = [PostFactory(), PostFactory(status=Status.DRAFT, published_at=None)]
        edit(client, *posts, author=author.pk, status="published", comments="closed")
        stored = Post.objects.order_by("pk")
        assert [(post.author, post.is_public, post.comments_open) for post in stored] == [(author, True, False)] * 2
        edit(client, *posts, comments="open")
        assert [post.comments_open for post in stored.all()] == [True, True]

    def test_pages_offer_fewer_changes(self, client: Client) -> None:
        page = PageFactory()
        fields = [field.get("name") for field in find(read(act(client, page)), "div.quick-form select")]
        assert fields == ["status", "author", "comments"]
        edit(client, page, comments="closed")
        assert not Page.objects.get().comments_open

    def test_works_for_everything_in_the_list(self, client: Client) -> None:
        posts = PostFactory.create_batch(3)
        edit(client, posts[0], select_across="1", comments="closed")
        assert Post.objects.filter(comments_open=False).count() == 3

    def test_is_logged_and_is_a_conflict_for_open_forms(self, client: Client) -> None:
        post = PostFactory()
        edit(client, post, comments="closed")
        assert Post.objects.get().modified_at > post.modified_at
        assert AuditRecord.objects.get(kind="blog.post").text == "Changed: Changed in bulk."


class TestConfirming:
    def test_the_first_page_asks_and_the_second_shows_what_will_change(self, client: Client, editor: User) -> None:
        closed = PostFactory(title="Closed", comments_open=False)
        posts = [PostFactory(title="Open"), closed]
        first = read(act(client, *posts))
        assert find(first, "[name=confirm]") == []
        assert "Selected: 2" in text(first)
        page = read(act(client, *posts, edit="1", comments="closed"))
        assert [text(line) for line in find(page, "section.bulk-preview li")] == ["Open (Published)"]
        assert "1 is already like this." in text(page)
        # The browser goes to what will change, which is below the form.
        target = str(one(page, "#content form[method=post]").get("action"))
        assert "1 will change" in text(one(page, target))
        assert Post.objects.filter(comments_open=True).count() == 1

    def test_offers_to_change_nothing_in_the_language_of_the_page(self, editor: User) -> None:
        with translation.override("fr"):
            author = str(BulkEditForm(None, editor, Post)["author"])
        assert "Aucun changement" in author

    def test_errors_are_shown_and_nothing_is_lost(self, client: Client) -> None:
        category, post = CategoryFactory(), PostFactory()
        nothing = read(act(client, post, edit="1", confirm="1"))
        assert "Choose what to change." in text(nothing)
        both: dict[str, Any] = {"add_categories": [category.pk], "remove_categories": [category.pk]}
        both |= {"add_tags": "kept", "remove_tags": "Kept"}
        page = read(act(client, post, edit="1", confirm="1", **both))
        assert "You can't add and remove the same category" in text(page)
        assert "You can't add and remove the same tag: Kept." in text(page)
        assert [field.text for field in find(page, "[name=add_tags]")] == ["\nkept"]
        assert not Post.objects.get().categories.exists()

    def test_the_message_names_what_was_skipped(self) -> None:
        author = UserFactory(role="Author")
        draft = PostFactory(title="Draft", author=author, status=Status.DRAFT)
        public = [PostFactory(title=title, author=author) for title in ("First", "Second")]
        page = read(act(client_of(author), draft, *public, edit="1", comments="closed"))
        shown = [text(line) for line in find(page, "section.bulk-preview li")]
        assert shown == ["Draft (Draft)", "First (Published)", "Second (Published)"]
        assert "2 will not change" in text(page)
        skipped, changed = edit(client_of(author), draft, *public, comments="closed")
        assert skipped.endswith("or you don't have permission to change them. “First”, “Second”.")
        assert changed == "Post changed. Preview post"


@pytest.mark.parametrize(
    ("role", "whose", "status", "data", "is_allowed"),
    [
        ("Author", "own", "draft", {"comments": "closed"}, True),
        ("Author", "own", "draft", {"status": "pending"}, True),
        ("Author", "own", "draft", {"status": "published"}, False),
        ("Author", "own", "draft", {"author": "other"}, False),
        ("Author", "own", "published", {"comments": "closed"}, False),
        ("Author", "own", "trash", {"comments": "closed"}, False),
        ("Author", "other", "draft", {"comments": "closed"}, False),
        ("Editor", "other", "published", {"comments": "closed"}, True),
        ("Editor", "other", "draft", {"status": "published"}, True),
        ("Editor", "other", "draft", {"status": "trash"}, False),
        ("Editor", "other", "trash", {"status": "published"}, False),
        ("superuser", "other", "private", {"author": "other"}, True),
        ("Moderator", "other", "draft", {"comments": "closed"}, False),
        ("staff", "own", "draft", {"comments": "closed"}, False),
        ("anonymous", "other", "draft", {"comments": "closed"}, False),
    ],
)
def test_permissions(role: str, whose: str, status: str, data: dict[str, str], is_allowed: bool) -> None:
    user = user_in_role(role)
    post = PostFactory(status=status, author=user if whose == "own" and user else UserFactory())
    if "author" in data:
        data = {"author": UserFactory(role="Author").pk}
    before = Post.objects.values().get()
    client_of(user).post(
        f"/admin/blog/post/?state={status}",
        {"action": "bulk_edit", "_selected_action": post.pk, "edit": "1", "confirm": "1", **data},
    )
    assert (Post.objects.values().get() != before) == is_allowed


class TestCost:
    def everything(self, editor: User) -> Changes:
        add, remove = CategoryFactory(), Category.objects.first()
        assert remove is not None
        fields = {"author_id": editor.pk, "status": Status.PRIVATE, "comments_open": False}
        return Changes([add], [remove], ["b"], ["a"], fields)

    def test_is_the_same_for_any_number_of_posts(self, editor: User) -> None:
        counts = []
        editor.has_perm("blog.change_post")
        for number in (3, 60):
            PostFactory.create_batch(number, categories=[CategoryFactory()], tags=["a"])
            changes = self.everything(editor)
            with executed_statements() as statements:
                result = bulk_editing.edit(Post.objects.exclude(status=Status.PRIVATE), editor, changes)
            assert len(result.changed) == number
            counts.append(len(statements))
        assert counts[1] <= counts[0] <= 40

    def test_increments_the_content_version_once(self, editor: User, django_capture_on_commit_callbacks: Any) -> None:
        PostFactory.create_batch(5, categories=[CategoryFactory()])
        changes = self.everything(editor)
        before = ContentVersion.objects.get().number
        with django_capture_on_commit_callbacks(execute=True):
            bulk_editing.edit(Post.objects.all(), editor, changes)
        assert ContentVersion.objects.get().number == before + 1
