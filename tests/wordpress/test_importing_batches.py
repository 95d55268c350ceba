"""Importing in batches: other users can write at the same time, and keep the IDs and URLs that they take."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.models import Model
from pytest_django import Settings

from accounts.models import User
from blog.models import Entry, Page, Post
from comments.models import Comment
from core import slugs
from core.bulk import fetch_rows, insert
from core.changes import ContentVersion, change_handlers
from core.slugs import numbered_slugs
from tags.models import TaggedPost
from tests.factories import PageFactory, PostFactory, TagFactory
from tests.factories.database import contents
from tests.factories.reports import counted, first, remarks
from tests.factories.types import ImportParts
from tests.factories.wxr import attachment, author, comment, export, filed, item, items, meta, page, tag, write
from wordpress.importing import batches, ledger
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.database import AlreadyRunningError
from wordpress.importing.matching import KeyedItem
from wordpress.importing.pipeline import import_export
from wordpress.importing.report import Outcome
from wordpress.importing.steps import attachments, comments, entries
from wordpress.importing.steps.entries import EntryImport
from wordpress.models import Attachment, ImportedItem


@pytest.fixture
def before_storing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Return a function that sets an action between the matching of a batch and the transaction that stores it."""

    def arrange(action: Callable[[], object]) -> None:
        store = EntryImport._store
        pending = [action]

        def wrapped(self: EntryImport, batch: Any) -> None:
            if pending:
                pending.pop()()
            store(self, batch)

        monkeypatch.setattr(EntryImport, "_store", wrapped)

    return arrange


@pytest.mark.django_db
class TestConflicts:
    def test_a_slug_taken_by_someone_else_gets_a_suffix(self, import_parts: ImportParts, before_storing: Any) -> None:
        before_storing(lambda: PostFactory(pk=900, slug="post-7", published_at=DAY))
        import_parts(item(7))
        assert Post.objects.get(pk=7).slug == "post-7-2"

    def test_a_path_taken_by_someone_else_gets_a_suffix(self, import_parts: ImportParts, before_storing: Any) -> None:
        before_storing(lambda: PageFactory(pk=900, slug="page-20"))
        import_parts(page(20), page(21, post_parent=20))
        assert Page.objects.get(pk=21).path == "page-20-2/page-21"

    def test_an_id_taken_by_someone_else_is_replaced(self, import_parts: ImportParts, before_storing: Any) -> None:
        before_storing(lambda: PostFactory(pk=7, slug="ours"))
        report = import_parts(item(7), item(8))
        assert Post.objects.get(slug="post-7").pk == 9
        assert "new ID 9" in remarks(report)[0]
        assert "Some text." in Post.objects.get(pk=9).body_html

    def test_a_post_edited_during_the_import_is_not_overwritten(
        self, import_parts: ImportParts, before_storing: Any
    ) -> None:
        import_parts(item(7))
        before_storing(lambda: Post.objects.get(pk=7).save())
        report = import_parts(item(7, title="New title"))
        assert counted(report, "post") == {"skipped": 1}
        assert Post.objects.get().title == "A title"

    def test_a_post_deleted_during_the_import_is_imported_again(
        self, import_parts: ImportParts, before_storing: Any
    ) -> None:
        import_parts(item(7))
        before_storing(lambda: Post.objects.all().delete())
        assert counted(import_parts(item(7)), "post") == {"imported": 1}
        assert "Some text." in Post.objects.get().body_html

    def test_a_batch_is_repeated_after_a_conflict_and_reported_once(
        self, context: ImportContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(batches, "_is_conflict", lambda error: isinstance(error, IntegrityError))
        attempts = 0

        def store() -> None:
            nonlocal attempts
            attempts += 1
            context.report.count("post", Outcome.IMPORTED)
            context.report.note("post", 7, "", "A note.")
            context.ledger.add("post", 7, 7)
            if attempts < 3:
                raise IntegrityError

        write_batch(context, store)
        assert attempts == 3
        assert counted(context.report, "post") == {"imported": 1}
        assert len(context.report.notes) == ImportedItem.objects.count() == 1

    @pytest.mark.parametrize("inside", [comment(content="x" * 600), comment(inside=meta("k", "x" * 600, "comment"))])
    def test_long_comments_make_batches_smaller(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
    ) -> None:
        monkeypatch.setattr(batches, "MAX_CHARACTERS", 1000)
        path = write(tmp_path, export(*(item(number, inside=[inside]) for number in range(1, 5))))
        keyed = [KeyedItem(found) for found in items(path).values()]
        assert [len(batch) for batch in batches.entry_batches(keyed)] == [2, 2]

    def test_long_descriptions_of_files_make_batches_smaller(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stored: list[int] = []

        def counting(context: ImportContext, write: Callable[..., None], *values: object) -> None:
            write_batch(context, write, *values)
            stored.append(Attachment.objects.count())

        monkeypatch.setattr(attachments, "write_batch", counting)
        import_parts(*(attachment(number, f"{number}.png", content="x" * 150_000) for number in range(1, 5)))
        assert stored == [2, 4]

    def test_other_errors_are_raised_and_nothing_is_reported(self, context: ImportContext) -> None:
        def store() -> None:
            context.report.skip("post", 7, "", "A reason.")
            raise OperationalError("disk I/O error")

        with pytest.raises(OperationalError):
            write_batch(context, store)
        assert not context.report.counts
        assert not context.report.skipped

    @pytest.mark.parametrize("error", [DataError, ValueError, OverflowError])
    def test_only_items_that_the_database_refuses_are_skipped(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
    ) -> None:
        def refuse(objects: Sequence[Entry]) -> None:
            if any(entry.title == "Refused" for entry in objects):
                raise error("It is too much.")
            insert(objects)

        monkeypatch.setattr(entries, "insert", refuse)
        posts = [item(n, title="Refused" if n == 5 else "A title", inside=[comment(n)]) for n in range(1, 10)]
        report = import_parts(*posts)
        assert counted(report, "post") == {"imported": 8, "skipped": 1}
        assert counted(report, "comment") == {"imported": 8, "skipped": 1}
        assert first(report.skipped).text == "It can't be stored: It is too much."
        monkeypatch.undo()
        assert counted(import_parts(*posts), "post") == {"imported": 1, "unchanged": 8}


DAY = dt.datetime(2014, 3, 1, 9, 30, tzinfo=dt.UTC)


@pytest.mark.django_db
@pytest.mark.parametrize("make", [item, page])
@pytest.mark.parametrize("slug", ["x", "x" * 200])
def test_no_number_is_tried_twice_for_a_slug_that_many_items_have(
    import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch, make: Callable[..., str], slug: str
) -> None:
    tried: list[str] = []

    def each_tried(base: str, **options: int) -> Iterator[str]:
        for numbered in numbered_slugs(base, **options):
            tried.append(numbered)
            yield numbered

    monkeypatch.setattr(slugs, "numbered_slugs", each_tried)
    monkeypatch.setattr(slugs, "_AT_ONCE", 1)
    monkeypatch.setattr(batches, "MAX_ENTRIES", 3)
    # The slug of this item already ends with a number.
    parts = (make(number, post_name="x-9" if number == 8 else slug) for number in range(1, 21))
    import_parts(*parts, authors=[author(f"x{'+' * number}", id=number) for number in range(1, 21)])
    for model in (Entry, User):
        assert len(set(model.objects.filter(slug__startswith="x").values_list("slug", flat=True))) == 20
    assert len(tried) <= 44


@pytest.mark.django_db
@pytest.mark.parametrize(
    "parts",
    [
        [item(7, inside=[comment(1, content=f"Text {number}") for number in range(20)])],
        [item(number, inside=[comment(1, content=f"Text {number}")]) for number in range(1, 21)],
        [item(7, inside=[comment(0, author_email=f"{number}@example.org") for number in range(20)])],
    ],
)
def test_comments_that_share_an_id_are_read_only_a_few_times(
    import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch, parts: list[str]
) -> None:
    read: list[object] = []

    def counted_rows(model: type[Model], *args: Any, **conditions: Any) -> Iterator[Any]:
        for row in fetch_rows(model, *args, **conditions):
            read.append(row)
            yield row

    for module in (ledger, comments):
        monkeypatch.setattr(module, "fetch_rows", counted_rows)
    for module in (batches, entries):
        monkeypatch.setattr(module, "MAX_COMMENTS", 2)
    import_parts(*parts)
    assert Comment.objects.count() == 20
    assert len(read) <= 30
    read.clear()
    assert not import_parts(*parts).has_changes
    assert len(read) <= 100


@pytest.mark.django_db
class TestLongThreads:
    THREAD = tuple(comment(n, parent=parent) for n, parent in [(1, 5), (2, 1), (3, 0), (4, 3), (5, 0), (6, 4), (7, 2)])

    @pytest.mark.parametrize("size", [1, 2, 3, 100])
    def test_are_stored_in_parts(self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
        monkeypatch.setattr(entries, "MAX_COMMENTS", size)
        report = import_parts(item(7, inside=self.THREAD), item(8, inside=[comment(9)]))
        assert counted(report, "comment") == {"imported": 8}
        parents = {1: 5, 2: 1, 3: None, 4: 3, 5: None, 6: 4, 7: 2}
        assert dict(Comment.objects.filter(entry=7).values_list("pk", "parent_id")) == parents
        assert Post.objects.get(pk=7).comment_count == 7
        again = import_parts(item(7, inside=self.THREAD), item(8, inside=[comment(9)]))
        assert counted(again, "comment") == {"unchanged": 8}

    def test_continue_after_an_interruption(self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(entries, "MAX_COMMENTS", 2)
        store, calls = EntryImport._store_comments, 0

        def interrupt(self: EntryImport, *args: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise KeyboardInterrupt
            store(self, *args)

        with monkeypatch.context() as patch:
            patch.setattr(EntryImport, "_store_comments", interrupt)
            assert import_parts(item(7, inside=self.THREAD)).interrupted
        assert Comment.objects.count() == Post.objects.get().comment_count == 4
        assert counted(import_parts(item(7, inside=self.THREAD)), "comment") == {"imported": 3, "unchanged": 4}
        assert Post.objects.get().comment_count == 7


@pytest.mark.django_db
class TestDerivedValues:
    """An import stores the same values as saving an entry, and calls the change handlers."""

    def test_importing_stores_and_derives_the_same_as_saving(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        index: dict[int, tuple[str, list[str]]] = {}

        def update_index(pks: Collection[int]) -> None:
            for entry in Entry.objects.filter(pk__in=pks):
                tags = sorted(entry.tags.names()) if isinstance(entry, Post) else []
                index[entry.pk] = (entry.body_html, tags)

        monkeypatch.setitem(change_handlers, "test", update_index)
        text = "One “two”<!--more-->three [caption]Four[/caption]"
        import_parts(tag("x", "X"), item(7, content=text, inside=[filed("post_tag", "x")]), page(20, content=text))
        for entry in Entry.objects.order_by("pk"):
            fields = {field.attname: getattr(entry, field.attname) for field in Entry._meta.concrete_fields}
            found = index.pop(entry.pk)
            assert "three" in found[0]
            # Saving the entry changes nothing.
            entry.source_digest = ""
            entry.published_on = None
            entry.save()
            Entry.objects.filter(pk=entry.pk).update(modified_at=fields["modified_at"])
            saved = Entry.objects.get(pk=entry.pk)
            assert {name: getattr(saved, name) for name in fields} == fields
            assert index[entry.pk] == found
        assert TaggedPost.objects.get().published_at == Post.objects.get().published_at

    def test_change_handlers_are_called_once_per_changed_batch(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls: list[list[int]] = []
        monkeypatch.setitem(change_handlers, "test", lambda pks: calls.append(sorted(pks)))
        monkeypatch.setattr(batches, "MAX_ENTRIES", 3)
        import_parts(*(item(n) for n in range(1, 8)))
        assert calls == [[1, 2, 3], [4, 5, 6], [7]]
        calls.clear()
        import_parts(*(item(n, title="New title" if n == 5 else "A title") for n in range(1, 8)))
        assert calls == [[5]]

    def test_cached_pages_expire_with_each_batch(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
    ) -> None:
        monkeypatch.setattr(batches, "MAX_ENTRIES", 1)
        before = ContentVersion.objects.get().number
        with django_capture_on_commit_callbacks(execute=True):
            import_parts(item(7), item(8))
        assert ContentVersion.objects.get().number > before


@pytest.mark.django_db(transaction=True)
class TestConcurrency:
    @pytest.fixture
    def path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(batches, "MAX_ENTRIES", 5)
        posts = [item(n, inside=[comment(n), filed("post_tag", f"t{n}")]) for n in range(1, 31)]
        return write(tmp_path, export(*posts))

    def test_no_transaction_is_open_between_batches(self, path: Path) -> None:
        open_transactions: list[bool] = []
        import_export([path], progress=lambda *args: open_transactions.append(connection.in_atomic_block))
        assert open_transactions
        assert not any(open_transactions)

    # Reset the sequences that earlier tests have advanced.
    @pytest.mark.django_db(transaction=True, reset_sequences=True)
    def test_others_can_write_and_get_ids_that_are_not_in_the_export(self, path: Path) -> None:
        writer = User.objects.create(pk=900, username="writer")

        def write_meanwhile(stage: str, done: int, total: int) -> None:
            if stage == "importing" and done == 15:
                in_thread(lambda: Comment.objects.create(entry_id=1, name="Reader", text="Hello"))
                in_thread(lambda: Post.objects.create(title="Ours", source="Text.", author=writer))

        report = import_export([path], progress=write_meanwhile)
        assert Comment.objects.get(name="Reader").pk == 31
        assert Post.objects.get(title="Ours").pk == 31
        assert counted(report, "post") == {"imported": 30}
        assert not report.notes

    def test_readers_see_what_has_been_imported_so_far(self, path: Path) -> None:
        seen: list[int] = []

        def look(stage: str, done: int, total: int) -> None:
            if stage == "importing":
                in_thread(lambda: seen.append(Post.objects.published().count()))

        import_export([path], progress=look)
        assert (seen[0], seen[-1]) == (0, 30)
        assert len(set(seen)) > 3

    def test_a_second_import_is_refused_but_a_preview_is_allowed(self, path: Path) -> None:
        refused: list[str] = []
        previewed: list[int] = []

        def import_too(stage: str, done: int, total: int) -> None:
            if stage == "importing" and done == 15:
                with pytest.raises(AlreadyRunningError) as error:
                    in_thread(lambda: import_export([path]))
                refused.append(str(error.value))
                in_thread(lambda: previewed.append(import_export([path], dry_run=True).change_count))

        import_export([path], progress=import_too)
        assert refused == ["Another import is running. Wait until it has finished, then try again."]
        assert previewed[0] > 0
        assert not import_export([path]).has_changes


@pytest.mark.django_db(transaction=True)
class TestPreview:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        TagFactory(name="Ours", slug="ours")
        PostFactory(pk=2, slug="ours")
        return write(tmp_path, export(*(item(n, inside=[comment(n), filed("post_tag", "ours")]) for n in (1, 2, 3))))

    def test_reports_what_an_import_would_do_and_changes_nothing(self, path: Path) -> None:
        before = contents()
        preview = import_export([path], dry_run=True)
        assert contents() == before
        assert preview.run is None
        report = import_export([path])
        assert report.counts == preview.counts
        assert list(report.notes) == list(preview.notes)
        assert list(report.skipped) == list(preview.skipped)

    def test_does_not_block_other_writers(self, path: Path) -> None:
        waited: list[float] = []

        def write_meanwhile(stage: str, done: int, total: int) -> None:
            if stage == "importing" and done == 1:
                start = time.monotonic()
                in_thread(lambda: Post.objects.filter(pk=2).update(title="Changed meanwhile"))
                waited.append(time.monotonic() - start)

        import_export([path], dry_run=True, progress=write_meanwhile)
        assert waited[0] < 2
        assert Post.objects.get(pk=2).title == "Changed meanwhile"

    def test_runs_while_another_transaction_is_open(self, path: Path) -> None:
        ready, done = threading.Event(), threading.Event()

        def hold() -> None:
            with transaction.atomic():
                Post.objects.filter(pk=2).update(title="Being changed")
                ready.set()
                done.wait(10)

        thread = threading.Thread(target=closing(hold))
        thread.start()
        try:
            assert ready.wait(10)
            assert counted(import_export([path], dry_run=True), "post") == {"imported": 3}
        finally:
            done.set()
            thread.join()

    def test_leaves_no_copy_behind(self, path: Path, settings: Settings) -> None:
        import_export([path], dry_run=True)
        assert list(settings.BROADSIDE_IMPORTS_DIR.iterdir()) == []

    def test_leaves_nothing_behind_when_cancelled(self, path: Path, settings: Settings) -> None:
        def cancel(stage: str, done: int, total: int) -> None:
            if stage == "importing" and done:
                raise KeyboardInterrupt

        before = contents()
        with pytest.raises(KeyboardInterrupt):
            import_export([path], dry_run=True, progress=cancel)
        assert contents() == before
        assert list(settings.BROADSIDE_IMPORTS_DIR.iterdir()) == []


def in_thread(work: Callable[[], object]) -> None:
    """Call `work` in a thread with its own connection, and raise its errors."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # raised below
            errors.append(error)

    thread = threading.Thread(target=closing(run))
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def closing(work: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    return run
