"""Importing again: changes in the export are applied, local changes are kept, and interruptions do no harm."""

import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
from django.apps import apps
from django.core.management.color import no_style
from django.db import connection
from django.test import Client
from pytest_django import Settings

from blog.models import Page, Post
from comments.models import Comment
from tags.models import TaggedPost
from tests.factories.database import contents
from tests.factories.reports import counted, first
from tests.factories.rollback import rolled_back
from tests.factories.types import ImportParts
from tests.factories.wxr import AWKWARD_PARTS, comment, export, filed, item, meta, page, write
from wordpress.importing.ledger import Ledger
from wordpress.importing.pipeline import import_export
from wordpress.importing.redirects import OldUrls
from wordpress.importing.steps import comments
from wordpress.importing.steps.categories import _Categories
from wordpress.importing.steps.comments import CommentBatch
from wordpress.importing.steps.entries import EntryImport
from wordpress.importing.steps.tags import _Tags
from wordpress.models import ImportedItem, ImportRun
from wordpress.wxr.extensions import EXTENSION_KEY, checksum, to_json

pytestmark = pytest.mark.django_db

CHANGED_IN_EXPORT = {"post_modified": "2020-05-05 05:05:05", "title": "New title", "content": "New text."}


class TestUpdates:
    def test_a_changed_post_is_updated(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[filed("post_tag", "x"), filed("category", "c")]), item(8))
        report = import_parts(
            item(7, status="private", post_name="new-name", inside=[filed("post_tag", "y")], **CHANGED_IN_EXPORT),
            item(8),
        )
        assert counted(report, "post") == {"updated": 1, "unchanged": 1}
        post = Post.objects.get(pk=7)
        assert (post.title, post.source, post.slug, post.status) == ("New title", "New text.", "new-name", "private")
        assert "New text." in post.body_html
        assert post.modified_at == dt.datetime(2020, 5, 5, 5, 5, 5, tzinfo=dt.UTC)
        assert [tag.slug for tag in post.tags.all()] == ["y"]
        assert not post.categories.exists()
        assert post.tagged_posts.get().published_at is None

    def test_the_day_in_the_url_of_a_redated_post_does_not_depend_on_the_time_zone(
        self, import_parts: ImportParts, settings: Settings, client: Client
    ) -> None:
        def dated(local: str, utc: str) -> str:
            """Return the post as one of our own exports has it, with its exact time."""
            mark = checksum("A title", "Some text.", "", "post-7")
            exact = to_json({"mark": mark, "date": local, "published_at": utc})
            return item(7, post_date=local, inside=[meta(EXTENSION_KEY, exact)])

        settings.TIME_ZONE = "America/New_York"
        import_parts(dated("2014-03-01 00:30:00", "2014-02-28T20:30:00+00:00"))
        assert client.get("/2014/03/01/post-7/").status_code == 200
        redated = dated("2014-03-05 00:30:00", "2014-03-04T20:30:00+00:00")
        import_parts(redated)
        assert Post.objects.get().get_absolute_url() == "/2014/03/05/post-7/"
        assert client.get("/2014/03/01/post-7/").headers["Location"] == "/2014/03/05/post-7/"
        assert not import_parts(redated).has_changes

    def test_a_changed_page_moves_and_its_old_url_redirects(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(page(20), page(21, post_parent=20), page(22, post_parent=21))
        moved = (page(20), page(21, menu_order=4, post_name="elsewhere", **CHANGED_IN_EXPORT), page(22, post_parent=21))
        report = import_parts(*moved)
        assert counted(report, "page") == {"updated": 1, "unchanged": 2}
        found = Page.objects.get(pk=21)
        assert (found.title, found.menu_order, found.path) == ("New title", 4, "elsewhere")
        assert Page.objects.get(pk=22).path == "elsewhere/page-22"
        assert client.get("/page-20/page-21/page-22/").headers["Location"] == "/elsewhere/page-22/"
        before = contents()
        assert not import_parts(*moved).has_changes
        assert contents() == before
        assert not import_parts(
            page(20), page(21, **{**CHANGED_IN_EXPORT, "title": "Newer"}, post_name="elsewhere")
        ).skipped

    def test_a_page_and_its_parent_can_swap_places(self, import_parts: ImportParts) -> None:
        import_parts(page(20), page(21, post_parent=20))
        import_parts(page(20, post_parent=21), page(21))
        assert dict(Page.objects.values_list("pk", "path")) == {20: "page-21/page-20", 21: "page-21"}

    def test_a_page_whose_parent_is_not_in_this_export_does_not_move(self, import_parts: ImportParts) -> None:
        import_parts(page(20), page(21, post_parent=20))
        import_parts(page(21, post_parent=20, **CHANGED_IN_EXPORT))
        assert Page.objects.get(pk=21).path == "page-20/page-21"

    def test_a_page_that_cannot_be_moved_stays_and_is_reported(self, import_parts: ImportParts) -> None:
        import_parts(page(20), page(21, post_parent=20))
        Page.objects.get(pk=21).save()
        # 21 changed on both sides, so it stays under 20, which therefore cannot go under it.
        report = import_parts(page(20, post_parent=21), page(21, **CHANGED_IN_EXPORT))
        assert Page.objects.get(pk=20).path == "page-20"
        assert "can't be where it is in the export" in first(report.notes).text

    def test_a_changed_comment_is_updated_and_counted(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[comment(1, approved="0"), comment(2, parent=1)]))
        report = import_parts(item(7, inside=[comment(1, content="Better."), comment(2, parent=1)]))
        assert counted(report, "comment") == {"updated": 1, "unchanged": 1}
        found = Comment.objects.get(pk=1)
        assert (found.text, found.status) == ("Better.", "approved")
        assert "Better." in found.html
        assert Post.objects.get().comment_count == 2

    def test_a_comment_is_recognised_by_its_id_whatever_has_changed(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[comment(1), comment(2, parent=1), comment(3)]))
        changed = item(
            7,
            inside=[
                comment(1),
                comment(2, parent=3, author="Renamed", date="2015-01-01 10:00:00", type="pingback"),
                comment(3),
            ],
        )
        report = import_parts(changed)
        assert counted(report, "comment") == {"updated": 1, "unchanged": 2}
        found = Comment.objects.get(pk=2)
        assert (found.parent_id, found.name, found.kind) == (3, "Renamed", "pingback")
        assert found.created_at.year == 2015
        assert not import_parts(changed).has_changes

    def test_threads_are_searched_for_cycles_only_where_they_change(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Searching every comment in a long chain of replies would take quadratic time."""
        searched: list[int] = []

        def is_reply_to(pk: int, tree: object, parent: object) -> bool:
            searched.append(pk)
            return False

        monkeypatch.setattr(comments, "_is_reply_to", is_reply_to)
        for text, last_parent in (("Before.", 4), ("After.", 1)):
            thread = [comment(number, parent=number - 1, content=text) for number in range(1, 5)]
            import_parts(item(7, inside=[*thread, comment(5, parent=last_parent, content=text)]))
        assert searched == [5]
        assert Comment.objects.filter(text="After.").count() == 5

    def test_a_thread_never_becomes_circular(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[comment(1), comment(2, parent=1)]))
        Comment.objects.filter(pk=2).update(status="spam")
        # 2 changed on both sides and stays a reply to 1.
        import_parts(item(7, inside=[comment(1, parent=2), comment(2, content="Other")]))
        assert dict(Comment.objects.values_list("pk", "parent")) == {1: None, 2: 1}

    def test_a_long_thread_is_not_searched_to_its_root_for_each_comment(self) -> None:
        tree = Mock()
        tree.get.side_effect = lambda pk: pk + 1
        assert comments._is_reply_to(0, tree, 1)
        assert tree.get.call_count == 1000

    def test_importing_again_after_an_update_changes_nothing(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[comment(1)]))
        changed = item(7, inside=[comment(1, content="Better.")], **CHANGED_IN_EXPORT)
        import_parts(changed)
        before = contents()
        report = import_parts(changed)
        assert not report.has_changes
        assert contents() == before

    def test_an_updated_site_equals_a_new_one(self, import_parts: ImportParts) -> None:
        changed = item(7, inside=[comment(1), filed("post_tag", "x")], **CHANGED_IN_EXPORT)
        import_parts(item(7, inside=[comment(1), filed("post_tag", "x")]))
        import_parts(changed)
        columns = [field.name for field in Post._meta.concrete_fields]
        updated = Post.objects.values(*columns).get()
        Post.objects.all().delete()
        import_parts(changed)
        assert Post.objects.values(*columns).get() == updated


class TestConflicts:
    def test_a_post_changed_on_both_sides_is_left_alone_and_reported(self, import_parts: ImportParts) -> None:
        import_parts(item(7))
        Post.objects.get().save()
        before = contents()
        report = import_parts(item(7, **CHANGED_IN_EXPORT))
        assert counted(report, "post") == {"skipped": 1}
        assert "changed in the export and here" in first(report.skipped).text
        assert contents() == before

    def test_new_comments_on_a_post_with_a_conflict_are_imported(self, import_parts: ImportParts) -> None:
        import_parts(item(7))
        Post.objects.get().save()
        import_parts(item(7, inside=[comment(1)], **CHANGED_IN_EXPORT))
        assert Post.objects.get().comment_count == 1

    def test_a_comment_moderated_here_is_left_alone_and_reported(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[comment(1)]))
        Comment.objects.update(status="spam")
        report = import_parts(item(7, inside=[comment(1, content="Other")]))
        assert counted(report, "comment") == {"skipped": 1}
        assert Comment.objects.get().status == "spam"

    def test_comments_written_here_are_not_a_conflict(self, import_parts: ImportParts) -> None:
        import_parts(item(7))
        Comment.objects.create(entry_id=7, name="Reader", text="Hello", status="approved")
        assert counted(import_parts(item(7, **CHANGED_IN_EXPORT)), "post") == {"updated": 1}


class TestLedger:
    def test_without_it_nothing_is_updated_or_duplicated(self, import_parts: ImportParts) -> None:
        import_parts(*AWKWARD_PARTS)
        ImportedItem.objects.all().delete()
        before = contents()
        assert not import_parts(*AWKWARD_PARTS).has_changes
        import_parts(item(7, guid="g", **CHANGED_IN_EXPORT))
        assert contents() == before

    def test_posts_deleted_here_are_imported_again(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[comment(1)]))
        Post.objects.all().delete()
        assert counted(import_parts(item(7, inside=[comment(1)])), "post") == {"imported": 1}
        assert counted(import_parts(item(7, inside=[comment(1)])), "comment") == {"unchanged": 1}


class KilledError(Exception):
    pass


def restore_sequences() -> None:
    """Make new IDs follow the highest stored ones. Unlike SQLite's, PostgreSQL's sequences are not rolled back."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), apps.get_models()):
            cursor.execute(statement)


# Every write of an import passes through one of these.
WRITERS = [
    (Ledger, "write"),
    (OldUrls, "write"),
    (CommentBatch, "prepare"),
    (CommentBatch, "write"),
    (EntryImport, "_record"),
    (_Tags, "import_some"),
    (_Categories, "import_some"),
]


class TestKilled:
    @pytest.fixture(autouse=True)
    def _reproducible(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Undated drafts get the current time, which differs between two imports.
        now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        monkeypatch.setattr("django.utils.timezone.now", lambda: now)
        # Unusable passwords are random.
        monkeypatch.setattr("accounts.models.User.set_unusable_password", lambda user: setattr(user, "password", "!"))
        monkeypatch.setattr("wordpress.importing.batches.MAX_ENTRIES", 3)

    @pytest.mark.parametrize("seeds", [range(start, start + 5) for start in range(0, 20, 5)], ids=str)
    def test_an_import_killed_anywhere_and_repeated_has_the_same_result(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeds: range
    ) -> None:
        path = write(tmp_path, export(*AWKWARD_PARTS, *(item(n, inside=[comment(n)]) for n in range(100, 120))))
        calls = killed_at = 0

        def after_write(*args: object, **kwargs: object) -> None:
            nonlocal calls
            calls += 1
            if calls == killed_at:
                raise KilledError

        for owner, method in WRITERS:
            self._watch(monkeypatch, owner, method, after_write)
        before = contents(without_version=True)
        restore_sequences()
        with rolled_back():
            import_export([path])
            undisturbed = contents(without_version=True)
        writes = calls
        for seed in seeds:
            restore_sequences()
            assert contents(without_version=True) == before
            calls, killed_at = 0, random.Random(seed).randint(1, writes)  # noqa: S311  # no secret
            with rolled_back():
                with pytest.raises(KilledError):
                    import_export([path], progress=after_write)
                restore_sequences()
                import_export([path])
                assert contents(without_version=True) == undisturbed != before

    def test_batches_stored_before_are_complete_and_counted_as_unchanged(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write(tmp_path, export(*(item(n, inside=[comment(n), filed("post_tag", "x")]) for n in range(1, 10))))

        def kill(stage: str, done: int, total: int) -> None:
            if (stage, done) == ("importing", 6):
                raise KilledError

        with pytest.raises(KilledError):
            import_export([path], progress=kill)
        assert Post.objects.count() == Comment.objects.count() == TaggedPost.objects.count() == 6
        run = ImportRun.objects.get()
        assert run.finished_at is None
        report = import_export([path])
        assert counted(report, "post") == {"imported": 3, "unchanged": 6}
        assert counted(report, "comment") == {"imported": 3, "unchanged": 6}
        assert report.run == run.pk
        assert ImportedItem.objects.filter(kind="post", run=run).count() == 9

    def _watch(self, monkeypatch: pytest.MonkeyPatch, owner: type, method: str, after: Callable[[], None]) -> None:
        original = getattr(owner, method)

        def wrapped(*args: object, **kwargs: object) -> object:
            result = original(*args, **kwargs)
            after()
            return result

        monkeypatch.setattr(owner, method, wrapped)


class TestPasswords:
    """Earlier versions made published items with a password private, even if the password was only whitespace."""

    # The fingerprints that an earlier version recorded for the post below with each password.
    FINGERPRINTS = {
        "open sesame": "29c55ce8075007634049ab3c737cf748",
        "\n\t": "b77ba8db4e4f8474ba8c8880394cf040",
    }

    @pytest.fixture(params=FINGERPRINTS, ids=["a password", "whitespace"])
    def exported(self, request: pytest.FixtureRequest, import_parts: ImportParts) -> str:
        """Import a post as an earlier version did, and return its export."""
        exported = item(7, post_password=request.param, inside=[])
        import_parts(exported)
        Post.objects.update(status="private", password="")
        TaggedPost.objects.update(published_at=None)
        ImportedItem.objects.filter(kind="post").update(fingerprint=self.FINGERPRINTS[request.param])
        return exported

    def test_the_next_import_corrects_the_status_once(self, exported: str, import_parts: ImportParts) -> None:
        assert counted(import_parts(exported), "post") == {"updated": 1}
        post = Post.objects.get()
        assert (post.status, post.password) == ("published", "open sesame" if "sesame" in exported else "")
        before = contents()
        assert not import_parts(exported).has_changes
        assert contents() == before

    def test_a_post_that_was_changed_here_is_kept(self, exported: str, import_parts: ImportParts) -> None:
        Post.objects.get().save()
        assert counted(import_parts(exported), "post") == {"skipped": 1}
        assert (Post.objects.get().status, Post.objects.get().password) == ("private", "")

    def test_a_password_that_changed_in_the_export_is_updated(self, import_parts: ImportParts) -> None:
        for password in ("first", "second", ""):
            import_parts(item(7, post_password=password))
            assert Post.objects.get().password == password
