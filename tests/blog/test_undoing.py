"""Undoing changes to many posts at once with the button in the message."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditRecord, User
from blog import publishing
from blog.editing import undoing
from blog.models import Entry, Page, Post, Status, UndoableEdit
from tags import curation
from tags.models import Tag
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import admin_url, client_of, user_in_role
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(editor: User) -> Client:
    return client_of(editor)


def act(client: Client, action: str, *entries: Post | Page, **data: Any) -> Any:
    data |= {"action": action, "_selected_action": [entry.pk for entry in entries]}
    return client.post(admin_url(type(entries[0]), "changelist"), data, follow=True)


def edit(client: Client, *entries: Post | Page, **data: Any) -> Any:
    return act(client, "bulk_edit", *entries, edit="1", confirm="1", **data)


def undo(client: Client, response: Any) -> Any:
    """Click Undo in the message of a response."""
    return client.post(str(one(read(response), "ul.messagelist form.undo").get("action")), follow=True)


def messages(response: Any) -> list[str]:
    return [text(each).removesuffix(" Undo") for each in find(read(response), "ul.messagelist li")]


def state() -> list[tuple[Any, ...]]:
    """Return what bulk actions change in each post or page, and what follows from it."""
    return [
        (
            *(entry.title, entry.status, entry.published_at, entry.author_id, entry.comments_open, entry.language),
            entry.get_absolute_url() if entry.is_public else "",
            sorted(category.name for category in entry.categories.all()),
            sorted(tag.name for tag in entry.tags.all()),
        )
        if isinstance(entry, Post)
        else (entry.title, entry.status, entry.comments_open, entry.language)
        for entry in Entry.objects.order_by("pk")
    ]


def test_each_post_gets_back_what_it_had_and_undo_can_be_undone(client: Client) -> None:
    a, b = (CategoryFactory(name=name) for name in "ab")
    PostFactory(title="First", categories=[a], tags=["old", "kept"], language="en")
    PostFactory(title="Second", categories=[a, b], tags=["new"], comments_open=False)
    PostFactory(title="Draft", status=Status.DRAFT, published_at=None, slug="", language="fr")
    PostFactory(title="Private", status=Status.PRIVATE, published_at=timezone.now() + dt.timedelta(days=1))
    posts, before = list(Post.objects.all()), state()
    everything = {"add_categories": [b.pk], "remove_categories": [a.pk], "add_tags": "new, newer", "remove_tags": "OLD"}
    everything |= {"author": UserFactory(role="Author").pk, "status": "published", "comments": "closed"}
    response = edit(client, *posts, **everything)
    after = state()
    response = undo(client, response)
    assert messages(response) == ["Undone for 4 posts."]
    assert state() == before
    assert undo(client, response).status_code == 200
    assert state() == after


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("publish", {}),
        ("unpublish", {}),
        ("set_language", {"language": "ar", "confirm": "1"}),
        ("bulk_edit", {"edit": "1", "confirm": "1", "comments": "closed"}),
    ],
)
@pytest.mark.parametrize("factory", [PostFactory, PageFactory])
def test_every_action_that_changes_posts_or_pages_can_be_undone(
    client: Client, editor: User, action: str, data: dict[str, Any], factory: Any
) -> None:
    entries = [factory(language="en", author=editor), factory(status=Status.DRAFT, author=editor)]
    before = state()
    response = act(client, action, *entries, **data)
    assert state() != before
    undo(client, response)
    assert state() == before
    assert AuditRecord.objects.filter(action="undone", kind=entries[0]._meta.label_lower).exists()


def test_a_second_click_changes_nothing(client: Client) -> None:
    response = edit(client, PostFactory(), comments="closed")
    undo(client, response)
    assert messages(undo(client, response)) == ["Nothing was changed."]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        # What only someone else has changed stays.
        (lambda post: post.tags.add("theirs"), (["first", "theirs"], Status.PUBLISHED)),
        (lambda post: post.tags.remove("added"), (["first"], Status.PUBLISHED)),
        (lambda post: Tag.objects.filter(name="first").delete(), (["first"], Status.PUBLISHED)),
        (lambda post: Post.objects.filter(pk=post.pk).update(title="Corrected"), (["first"], Status.PUBLISHED)),
        # Undoing would overwrite this.
        (lambda post: Post.objects.filter(pk=post.pk).update(status="draft"), (["added"], Status.DRAFT)),
        (lambda post: publishing.trash(Post.objects.all(), UserFactory(role="Editor")), (["added"], Status.TRASH)),
    ],
)
def test_what_someone_has_changed_since_is_not_overwritten(
    client: Client, later: Callable[[Post], Any], expected: tuple[list[str], str]
) -> None:
    post = PostFactory(title="A lamp", tags=["first"])
    response = edit(client, post, add_tags="added", remove_tags="first", status="private")
    later(Post.objects.get())
    shown = messages(undo(client, response))
    stored = Post.objects.get()
    assert (sorted(tag.name for tag in stored.tags.all()), stored.status) == expected
    if expected[1] != Status.PUBLISHED:
        assert shown == ["Not undone, because of later changes: “A lamp”."]


def test_a_tag_that_was_renamed_since_is_found(client: Client, editor: User) -> None:
    post = PostFactory(tags=["first"])
    response = edit(client, post, add_tags="added", remove_tags="first")
    for name in ("first", "added"):
        curation.rename(Tag.objects.get(name=name).pk, f"{name} renamed", "", editor)
    undo(client, response)
    assert [tag.name for tag in post.tags.all()] == ["first renamed"]


def test_an_author_who_was_deleted_since_is_not_given_back(client: Client, editor: User) -> None:
    former = UserFactory()
    post = PostFactory(author=former, tags=[])
    response = edit(client, post, author=editor.pk, add_tags="added")
    former.delete()
    undo(client, response)
    assert (Post.objects.get().author, post.tags.count()) == (editor, 0)


@pytest.mark.parametrize("role", ["Author", "Moderator", "staff", "anonymous"])
def test_is_only_for_users_who_may_make_the_change(client: Client, role: str) -> None:
    post = PostFactory()
    edit(client, post, comments="closed")
    url = f"/admin/blog/post/undo/{UndoableEdit.objects.get().pk}/"
    client_of(user_in_role(role)).post(url)
    assert not Post.objects.get().comments_open
    assert client.get(url).status_code == 405


def test_is_possible_for_thirty_days(client: Client) -> None:
    edit(client, PostFactory(), comments="closed")
    UndoableEdit.objects.update(made_at=timezone.now() - dt.timedelta(days=31))
    edit(client, PostFactory(), comments="closed")
    assert UndoableEdit.objects.count() == 1


class TestLargeEdit:
    """Each few hundred posts are a transaction of their own. Here, it is one post."""

    @pytest.fixture(autouse=True)
    def posts(self, monkeypatch: pytest.MonkeyPatch) -> list[Post]:
        monkeypatch.setattr(publishing, "AT_ONCE", 1)
        return [PostFactory(title=title, language="en") for title in ("First", "Second", "Third")]

    @pytest.mark.parametrize(
        ("action", "data"),
        [
            ("unpublish", {}),
            ("set_language", {"language": "ar", "confirm": "1"}),
            ("bulk_edit", {"edit": "1", "confirm": "1", "comments": "closed"}),
        ],
    )
    def test_is_undone_as_a_whole_and_so_is_undoing_it(
        self, client: Client, posts: list[Post], action: str, data: dict[str, Any]
    ) -> None:
        before = state()
        response = act(client, action, *posts, **data)
        assert UndoableEdit.objects.count() == 3
        after = state()
        assert all(was != became for was, became in zip(before, after, strict=True))
        response = undo(client, response)
        assert messages(response) == ["Undone for 3 posts."]
        assert state() == before
        undo(client, response)
        assert state() == after
        assert AuditRecord.objects.filter(kind="blog.post").exclude(action="added").count() == 9

    def test_that_is_interrupted_is_recorded_as_far_as_it_came_and_continues_when_repeated(
        self, client: Client, posts: list[Post], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = posts[0]
        unpublish = Post.store_all.__func__  # type: ignore[attr-defined]  # a class method

        def fail(cls: Any, entries: list[Post]) -> None:
            if first in entries:
                raise RuntimeError
            unpublish(cls, entries)

        with monkeypatch.context() as patch:
            patch.setattr(Post, "store_all", classmethod(fail))
            patch.setattr(client, "raise_request_exception", False)
            assert act(client, "unpublish", *posts).status_code == 500
        assert list(Post.objects.order_by("pk").values_list("status", flat=True)) == ["published", "draft", "draft"]
        assert (UndoableEdit.objects.count(), AuditRecord.objects.filter(action="unpublished").count()) == (2, 2)
        response = client.get(admin_url(Post, "changelist"))
        assert messages(response) == ["2 posts unpublished."]
        assert messages(act(client, "unpublish", *posts)) == ["Post unpublished. Preview post"]
        undo(client, response)
        assert list(Post.objects.order_by("pk").values_list("status", flat=True)) == ["draft", "published", "published"]

    def test_continues_when_undone_again_after_an_interruption(
        self, client: Client, posts: list[Post], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = state()
        response = act(client, "unpublish", *posts)
        undo_part, parts = undoing.undo, iter(range(3))

        def fail(*arguments: Any) -> Any:
            if next(parts) == 1:
                raise RuntimeError
            return undo_part(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(undoing, "undo", fail)
            with pytest.raises(RuntimeError):
                undo(client, response)
        assert state() not in (before, [])
        assert messages(undo(client, response)) == ["Undone for 2 posts."]
        assert state() == before
