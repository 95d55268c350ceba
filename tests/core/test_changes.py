"""The hook that every change to an entry passes through."""

import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from blog import publishing
from blog.editing import bulk_editing
from blog.models import Page, Post
from core.changes import (
    ContentVersion,
    VersionReader,
    change_handlers,
    content_changed,
    content_stands_still,
    content_version,
    entries_changed,
    retractions,
    text_change_handlers,
    use_throwaway_version,
)
from core.models import SiteSettings
from tags import curation
from tags.models import Tag
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """The IDs that a change handler is called with, a set for each call."""
    calls: list[set[int]] = []

    def handle(ids: Collection[int]) -> None:
        calls.append(set(ids))

    monkeypatch.setitem(change_handlers, "test", handle)
    return calls


class TestChangeHandlers:
    def test_saving_calls_them_once(self, handled: list[set[int]]) -> None:
        post = PostFactory()
        assert handled == [{post.pk}]

    def test_saving_with_categories_and_tags_calls_them_once(self, handled: list[set[int]]) -> None:
        post = PostFactory.build(author=None)
        publishing.save_entry(post, UserFactory(role="Editor"), categories=[CategoryFactory()], tags=["a", "b"])
        assert handled == [{post.pk}]
        assert {tag.name for tag in post.tags.all()} == {"a", "b"}

    def test_a_bulk_action_calls_them_once(self, handled: list[set[int]]) -> None:
        posts = PostFactory.create_batch(3)
        handled.clear()
        publishing.trash(Post.objects.all(), UserFactory(role="Editor"))
        assert handled == [{post.pk for post in posts}]

    @pytest.mark.parametrize("in_bulk", [False, True])
    def test_deleting_calls_them(self, in_bulk: bool, handled: list[set[int]]) -> None:
        page = PageFactory()
        pk = page.pk
        handled.clear()
        _deleted = Page.objects.all().delete() if in_bulk else page.delete()
        assert handled == [{pk}]

    def test_they_are_not_called_without_changes(self, handled: list[set[int]]) -> None:
        entries_changed([])
        assert handled == []

    @pytest.mark.parametrize(
        ("change", "concerns_texts"),
        [
            (lambda post, editor: publishing.save_entry(post, editor), True),
            (lambda post, editor: publishing.trash(Post.objects.all(), editor), False),
            (lambda post, editor: publishing.reassign(post.author, editor), False),
            (lambda post, editor: publishing.set_language(Post.objects.all(), editor, "fr"), False),
            (
                lambda post, editor: bulk_editing.edit(
                    Post.objects.all(), editor, bulk_editing.Changes(add_tags=["b"])
                ),
                False,
            ),
            (lambda post, editor: curation.rename(Tag.objects.get().pk, "b", "b", editor), False),
            (lambda post, editor: curation.delete([Tag.objects.get().pk], editor, expected_uses=1), False),
        ],
        ids=["save", "trash", "reassign", "set language", "bulk edit", "rename tag", "delete tag"],
    )
    def test_those_of_texts_are_called_only_if_a_text_may_have_changed(
        self, change: Callable[[Post, User], object], concerns_texts: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Reading the texts of tens of thousands of posts, to find that they are the same, would take seconds."""
        post = PostFactory(tags=["a"])
        calls: list[int] = []
        monkeypatch.setitem(text_change_handlers, "test", calls.extend)
        change(post, UserFactory(role="Editor"))
        assert calls == [post.pk] * concerns_texts

    def test_an_error_in_a_handler_rolls_back_the_change(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(ids: Collection[int]) -> None:
            raise RuntimeError

        monkeypatch.setitem(change_handlers, "test", fail)
        with pytest.raises(RuntimeError):
            PostFactory()
        assert not Post.objects.exists()


class TestContentVersion:
    def test_is_incremented_once_per_transaction(self, django_capture_on_commit_callbacks: Any) -> None:
        before = ContentVersion.objects.get().number
        with django_capture_on_commit_callbacks(execute=True):
            content_changed()
            with transaction.atomic():
                content_changed()
            content_changed()
        assert ContentVersion.objects.get().number == before + 1

    def test_is_incremented_even_if_an_earlier_savepoint_was_rolled_back(
        self, django_capture_on_commit_callbacks: Any
    ) -> None:
        before = ContentVersion.objects.get().number
        with django_capture_on_commit_callbacks(execute=True):
            with transaction.atomic():
                content_changed()
                transaction.set_rollback(True)
            content_changed()
        assert ContentVersion.objects.get().number == before + 1

    def test_is_incremented_without_scanning_all_commit_hooks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scanned = []

        class Hooks(list[Any]):
            def __iter__(self) -> Iterator[Any]:
                for hook in super().__iter__():
                    scanned.append(hook)
                    yield hook

        content_changed()
        for _number in range(100):
            transaction.on_commit(lambda: None)
        monkeypatch.setattr(connection, "run_on_commit", Hooks(connection.run_on_commit))
        content_changed()
        content_changed(only_comments=True)
        assert len(scanned) < 10

    def test_is_unchanged_after_a_rollback(self, django_capture_on_commit_callbacks: Any) -> None:
        before = ContentVersion.objects.get().number
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            content_changed()
            transaction.set_rollback(True)
        assert ContentVersion.objects.get().number == before

    def test_is_incremented_immediately_without_a_transaction(self, transactional_db: None) -> None:
        ContentVersion.objects.get_or_create(pk=1)
        before = ContentVersion.objects.get().number
        content_changed()
        assert ContentVersion.objects.get().number == before + 1

    def test_is_created_if_it_is_missing(self, django_capture_on_commit_callbacks: Any) -> None:
        ContentVersion.objects.all().delete()
        with django_capture_on_commit_callbacks(execute=True):
            content_changed()
        assert ContentVersion.objects.get().number > 0

    @pytest.mark.django_db(transaction=True)
    def test_becomes_visible_together_with_the_change(self, at_once: AtOnce) -> None:
        """The change is never visible under the old version, even if this process dies right after the commit."""
        PostFactory(title="Before")
        before = content_version()

        def state() -> tuple[str, int]:
            return Post.objects.get().title, content_version()

        with transaction.atomic():
            post = Post.objects.get()
            post.title = "After"
            post.save()
            assert at_once(state) == [("Before", before)]
            commit = connection.run_on_commit.copy()
            # As if the process ended at the commit.
            connection.run_on_commit.clear()
        assert commit
        assert state() == ("After", before + 1)

    @pytest.mark.django_db(transaction=True)
    def test_writers_on_postgresql_do_not_wait_for_each_other(self, at_once: AtOnce) -> None:
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has one writer at a time.")
        before = content_version()

        def change() -> int:
            content_changed()
            return content_version()

        with transaction.atomic():
            content_changed()
            # It would time out if it had to wait for this transaction.
            assert at_once(change) == [before + 1]
        assert content_version() == SiteSettings.current().content_version == before + 2

    @pytest.mark.django_db(transaction=True)
    def test_counts_every_change_of_many_writers(self, at_once: AtOnce) -> None:
        before = content_version()
        at_once(*[content_changed] * 8)
        assert content_version() == before + 8

    def test_of_a_rolled_back_transaction_is_never_reused(self) -> None:
        before = content_version()
        with transaction.atomic():
            use_throwaway_version()
            assert content_version() > before + 10**6
            transaction.set_rollback(True)
        assert content_version() == before


@pytest.mark.skipif(connection.vendor != "sqlite", reason="Reading from PostgreSQL always means waiting for it.")
class TestReadingTheVersionWithoutWaiting:
    @pytest.fixture
    def path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The path of this process's database according to its settings."""
        monkeypatch.setitem(connection.settings_dict, "NAME", tmp_path / "a # b ?.sqlite3")
        return tmp_path / "a # b ?.sqlite3"

    def test_works_while_another_connection_is_writing(self, path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("PRAGMA journal_mode=WAL")
            writer.execute("CREATE TABLE core_contentversion (id integer PRIMARY KEY, number bigint)")
            writer.execute("INSERT INTO core_contentversion VALUES (1, 20)")
            reader = VersionReader()
            assert reader.read() == 20
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("UPDATE core_contentversion SET number = 21")
            assert reader.read() == 20
            writer.execute("COMMIT")
            assert reader.read() == 21

    def test_fails_quietly_and_creates_nothing(self, path: Path) -> None:
        assert VersionReader().read() is None
        assert not path.exists()


@pytest.mark.django_db(transaction=True)
class TestContentStandsStill:
    def test_yields_a_version_that_cannot_change_inside_the_block(self, at_once: AtOnce) -> None:
        def stands_still() -> int | None:
            with content_stands_still() as version:
                return version

        before = content_version()
        with content_stands_still() as version:
            assert version == before
            # Only one process needs to enter at a time.
            assert at_once(stands_still) == [None]
        with transaction.atomic():
            content_changed()
            assert at_once(stands_still) == [None]
        assert stands_still() == before + 1

    def test_makes_changes_wait(self, at_once: AtOnce) -> None:
        order = []
        begun = threading.Event()

        def publish() -> None:
            with content_stands_still():
                begun.set()
                time.sleep(0.2)
                order.append("published")

        def change() -> None:
            begun.wait(10)
            content_changed()
            order.append("changed")

        at_once(publish, change)
        assert order == ["published", "changed"]

    def test_changes_retract_published_copies_or_are_rolled_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[bool] = []

        def retract() -> None:
            calls.append(connection.in_atomic_block)

        monkeypatch.setitem(retractions, "test", retract)
        PostFactory(title="Before")
        assert calls
        assert all(calls)
        monkeypatch.setitem(retractions, "test", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Post.objects.update(title="After")
        assert Post.objects.get().title == "Before"
