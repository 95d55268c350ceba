"""Moving in again: what changed there is updated, what changed here is left alone, and interruptions leave no trace."""

import datetime as dt
import random
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import User
from blog.models import Page, Post
from comments.models import Comment
from tests.wordpress.conftest import Bring
from tests.wordpress.exports import comment, export, filed, item, page, write
from tests.wordpress.reports import counted, first
from tests.wordpress.test_importing import EVERYTHING, contents
from wordpress.importing import import_export
from wordpress.models import ImportedItem

pytestmark = pytest.mark.django_db

THERE_SINCE = {"post_modified": "2020-05-05 05:05:05", "title": "New title", "content": "New text."}


class TestUpdates:
    def test_a_changed_post_is_updated(self, bring: Bring) -> None:
        bring(item(7, inside=[filed("post_tag", "x"), filed("category", "c")]), item(8))
        report = bring(
            item(7, status="private", post_name="new-name", inside=[filed("post_tag", "y")], **THERE_SINCE), item(8)
        )
        assert counted(report, "post") == {"updated": 1, "unchanged": 1}
        post = Post.objects.get(pk=7)
        assert (post.title, post.source, post.slug, post.status) == ("New title", "New text.", "new-name", "private")
        assert "New text." in post.body_html
        assert post.modified_at == dt.datetime(2020, 5, 5, 5, 5, 5, tzinfo=dt.UTC)
        assert [tag.slug for tag in post.tags.all()] == ["y"]
        assert not post.categories.exists()
        assert post.tagged_posts.get().published_at is None

    def test_a_changed_page_moves_and_leaves_its_address(self, bring: Bring, client: Client) -> None:
        bring(page(20), page(21, post_parent=20), page(22, post_parent=21))
        moved = (page(20), page(21, menu_order=4, post_name="elsewhere", **THERE_SINCE), page(22, post_parent=21))
        report = bring(*moved)
        assert counted(report, "page") == {"updated": 1, "unchanged": 2}
        found = Page.objects.get(pk=21)
        assert (found.title, found.menu_order, found.path) == ("New title", 4, "elsewhere")
        assert Page.objects.get(pk=22).path == "elsewhere/page-22"
        assert client.get("/page-20/page-21/page-22/").headers["Location"] == "/elsewhere/page-22/"
        before = contents()
        assert not bring(*moved).has_changes
        assert contents() == before
        assert not bring(page(20), page(21, **{**THERE_SINCE, "title": "Newer"}, post_name="elsewhere")).skipped

    def test_a_page_and_its_parent_change_places(self, bring: Bring) -> None:
        bring(page(20), page(21, post_parent=20))
        bring(page(20, post_parent=21), page(21))
        assert dict(Page.objects.values_list("pk", "path")) == {20: "page-21/page-20", 21: "page-21"}

    def test_a_page_whose_parent_is_not_in_this_export_stays(self, bring: Bring) -> None:
        bring(page(20), page(21, post_parent=20))
        bring(page(21, post_parent=20, **THERE_SINCE))
        assert Page.objects.get(pk=21).path == "page-20/page-21"

    def test_what_cannot_stand_where_it_shall_stays_and_is_noted(self, bring: Bring) -> None:
        bring(page(20), page(21, post_parent=20))
        Page.objects.get(pk=21).save()
        # 21 changed on both sides, so it stays under 20, which therefore cannot go under it.
        report = bring(page(20, post_parent=21), page(21, **THERE_SINCE))
        assert Page.objects.get(pk=20).path == "page-20"
        assert "cannot stand" in first(report.notes).text

    def test_a_changed_comment_is_updated_and_counted(self, bring: Bring) -> None:
        bring(item(7, inside=[comment(1, approved="0"), comment(2, parent=1)]))
        report = bring(item(7, inside=[comment(1, content="Better."), comment(2, parent=1)]))
        assert counted(report, "comment") == {"updated": 1, "unchanged": 1}
        found = Comment.objects.get(pk=1)
        assert (found.text, found.status) == ("Better.", "approved")
        assert "Better." in found.html
        assert Post.objects.get().comment_count == 2

    def test_a_comment_is_known_by_its_number_whatever_changed(self, bring: Bring) -> None:
        bring(item(7, inside=[comment(1), comment(2, parent=1), comment(3)]))
        changed = item(
            7,
            inside=[
                comment(1),
                comment(2, parent=3, author="Renamed", date="2015-01-01 10:00:00", type="pingback"),
                comment(3),
            ],
        )
        report = bring(changed)
        assert counted(report, "comment") == {"updated": 1, "unchanged": 2}
        found = Comment.objects.get(pk=2)
        assert (found.parent_id, found.name, found.kind) == (3, "Renamed", "pingback")
        assert found.created_at.year == 2015
        assert not bring(changed).has_changes

    def test_a_thread_never_becomes_a_circle(self, bring: Bring) -> None:
        bring(item(7, inside=[comment(1), comment(2, parent=1)]))
        Comment.objects.filter(pk=2).update(status="spam")
        # 2 changed on both sides and stays an answer to 1.
        bring(item(7, inside=[comment(1, parent=2), comment(2, content="Other")]))
        assert dict(Comment.objects.values_list("pk", "parent")) == {1: None, 2: 1}

    def test_after_an_update_all_is_unchanged(self, bring: Bring) -> None:
        bring(item(7, inside=[comment(1)]))
        changed = item(7, inside=[comment(1, content="Better.")], **THERE_SINCE)
        bring(changed)
        before = contents()
        report = bring(changed)
        assert not report.has_changes
        assert contents() == before

    def test_an_updated_site_equals_a_new_one(self, bring: Bring) -> None:
        changed = item(7, inside=[comment(1), filed("post_tag", "x")], **THERE_SINCE)
        bring(item(7, inside=[comment(1), filed("post_tag", "x")]))
        bring(changed)
        columns = [field.name for field in Post._meta.concrete_fields]
        updated = Post.objects.values(*columns).get()
        Post.objects.all().delete()
        bring(changed)
        assert Post.objects.values(*columns).get() == updated


class TestConflicts:
    def test_a_post_that_changed_on_both_sides_is_left_and_named(self, bring: Bring) -> None:
        bring(item(7))
        Post.objects.get().save()
        before = contents()
        report = bring(item(7, **THERE_SINCE))
        assert counted(report, "post") == {"skipped": 1}
        assert "changed in the export and here" in first(report.skipped).text
        assert contents() == before

    def test_new_comments_of_it_are_brought_in_all_the_same(self, bring: Bring) -> None:
        bring(item(7))
        Post.objects.get().save()
        bring(item(7, inside=[comment(1)], **THERE_SINCE))
        assert Post.objects.get().comment_count == 1

    def test_a_comment_that_was_moderated_here_is_left_and_named(self, bring: Bring) -> None:
        bring(item(7, inside=[comment(1)]))
        Comment.objects.update(status="spam")
        report = bring(item(7, inside=[comment(1, content="Other")]))
        assert counted(report, "comment") == {"skipped": 1}
        assert Comment.objects.get().status == "spam"

    def test_comments_that_readers_write_here_are_no_conflict(self, bring: Bring) -> None:
        bring(item(7))
        Comment.objects.create(post_id=7, name="Reader", text="Hello", status="approved")
        assert counted(bring(item(7, **THERE_SINCE)), "post") == {"updated": 1}


class TestMemoryOfImports:
    def test_without_it_nothing_is_updated_and_nothing_doubled(self, bring: Bring) -> None:
        bring(*EVERYTHING)
        ImportedItem.objects.all().delete()
        before = contents()
        assert not bring(*EVERYTHING).has_changes
        bring(item(7, guid="g", **THERE_SINCE))
        assert contents() == before

    def test_what_was_deleted_here_comes_again(self, bring: Bring) -> None:
        bring(item(7, inside=[comment(1)]))
        Post.objects.all().delete()
        assert counted(bring(item(7, inside=[comment(1)])), "post") == {"imported": 1}
        assert counted(bring(item(7, inside=[comment(1)])), "comment") == {"unchanged": 1}


class Killed(Exception):  # noqa: N818  # what happened
    pass


class TestKilled:
    @pytest.fixture(autouse=True)
    def _one_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Undated drafts take the present moment, which two runs would not share.
        moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
        monkeypatch.setattr("wordpress.entries._BATCH", 3)
        monkeypatch.setattr(User._meta.get_field("date_joined"), "_get_default", lambda: moment)
        monkeypatch.setattr(Comment._meta.get_field("status_since"), "_get_default", lambda: moment)
        # Otherwise chance.
        monkeypatch.setattr("accounts.models.User.set_unusable_password", lambda user: setattr(user, "password", "!"))

    @pytest.mark.parametrize("seed", range(20))
    def test_at_any_point_and_run_again_it_is_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
    ) -> None:
        path = write(tmp_path, export(*EVERYTHING, *(item(n, inside=[comment(n)]) for n in range(100, 140))))
        chance = random.Random(seed)  # noqa: S311  # no secret
        calls = 0
        deadly = 0

        def at_a_write(*args: object, **kwargs: object) -> None:
            nonlocal calls
            calls += 1
            if calls == deadly:
                raise Killed

        # Every write of the import passes through one of these.
        for place in ("Authors.bring_in", "Terms.__init__", "Comments.write", "Comments.prepare", "Entries._file"):
            self._watch(monkeypatch, place, at_a_write)
        self._watch(monkeypatch, "Memory.write", at_a_write)
        before = contents()
        with transaction.atomic():
            import_export([path])
            undisturbed = contents()
            transaction.set_rollback(True)
        deadly = calls + chance.randint(1, calls)
        with pytest.raises(Killed):
            import_export([path], progress=at_a_write)
        assert contents() == before
        import_export([path])
        assert contents() == undisturbed != before

    def _watch(self, monkeypatch: pytest.MonkeyPatch, place: str, told: object) -> None:
        name, method = place.split(".")
        module = {"Authors": "authors", "Terms": "terms", "Comments": "comments", "Entries": "entries"}
        target = f"wordpress.{module.get(name, 'memory')}.{name}"
        owner = getattr(__import__(target.rsplit(".", 1)[0], fromlist=[name]), name)
        original = getattr(owner, method)

        def wrapped(*args: object, **kwargs: object) -> object:
            result = original(*args, **kwargs)
            told()  # type: ignore[operator]  # a fixture without a type
            return result

        monkeypatch.setattr(owner, method, wrapped)
