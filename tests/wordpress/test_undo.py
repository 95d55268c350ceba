"""Undoing an import removes what it added, keeps what was changed here, and can be interrupted."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from io import StringIO
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from blog.appearance import versions
from blog.appearance.documents import default_document
from blog.models import Category, Entry, Page, Post, Redirect, SiteAppearance
from comments.models import Comment, CommentPolicy, CommentSettings
from comments.moderation.submission import submit
from media.models import Document, LikePictures, Picture
from media.pictures import store_picture
from newsletter.models import Subscription, SubscriptionRequest
from tags.models import Tag, TagAlias
from tests.factories import PostFactory, TagFactory, UserFactory
from tests.factories.database import contents
from tests.factories.files import PDF, picture_file, write_files
from tests.factories.newsletter import subscribe
from tests.factories.reports import counted
from tests.factories.types import AtOnce, ImportParts
from tests.factories.wxr import (
    AWKWARD_PARTS,
    attachment,
    category,
    comment,
    export,
    filed,
    item,
    meta,
    page,
    tag,
    write,
)
from wordpress.importing import undo
from wordpress.importing.media_source import MediaFolder
from wordpress.importing.report import Report
from wordpress.importing.undo import UndoReport, undo_run
from wordpress.models import Attachment, Fragment, ImportedItem, ImportRun

pytestmark = pytest.mark.django_db

BLOCK = item(60, post_type="wp_block", title="A block", content="Shared.")


def kept(report: UndoReport) -> dict[tuple[str, int], str]:
    return {(remark.kind, remark.id): remark.text for remark in report.kept}


def run_of(report: Report) -> ImportRun:
    assert report.run is not None
    return ImportRun.objects.get(pk=report.run)


class TestUndo:
    def test_an_empty_site_is_empty_again(self, import_parts: ImportParts) -> None:
        before = contents(without_version=True)
        report = import_parts(*AWKWARD_PARTS, BLOCK)
        undone = undo_run(run_of(report))
        assert contents(without_version=True) == before
        assert undone.removed["post"] == 6
        assert not undone.kept

    def test_a_site_with_content_is_restored(self, import_parts: ImportParts) -> None:
        import_parts(*AWKWARD_PARTS)
        PostFactory(slug="ours", tags=["x"])
        Post.objects.get(pk=7).save()
        before = contents(without_version=True)
        others = [item(n, guid=f"h{n}", inside=[comment(n), filed("post_tag", "other")]) for n in (200, 201)]
        others += [page(211, post_parent=999)]
        report = import_parts(*AWKWARD_PARTS, *others, page(210, post_parent=20), category("more", parent="top"))
        assert contents(without_version=True) != before
        assert not undo_run(run_of(report)).kept
        assert contents(without_version=True) == before

    def test_the_same_export_can_be_imported_again(self, import_parts: ImportParts) -> None:
        run = run_of(import_parts(*AWKWARD_PARTS))
        columns = ("pk", "slug", "path", "guid", "comment_count")
        entries = list(Entry.objects.order_by("pk").values_list(*columns))
        undo_run(run)
        assert not Entry.objects.exists()
        import_parts(*AWKWARD_PARTS)
        assert list(Entry.objects.order_by("pk").values_list(*columns)) == entries

    def test_files_are_removed(self, import_parts: ImportParts, tmp_path: Path) -> None:
        write_files(tmp_path / "files", "2014/03/a.png")
        write_files(tmp_path / "files", "2014/03/b.pdf", content=PDF)
        report = import_parts(
            item(7, inside=[meta("_thumbnail_id", "30")]),
            attachment(30),
            attachment(31, "2014/03/b.pdf"),
            media=MediaFolder(tmp_path / "files"),
        )
        # Its similarity to another image is no reason to keep it.
        LikePictures.objects.create(first=Picture.objects.get(), second=store_picture(picture_file()), distance=0)
        assert Document.objects.exists()
        undo_run(run_of(report))
        assert [model.objects.count() for model in (Picture, Document, Attachment)] == [1, 0, 0]
        assert not ImportedItem.objects.exists()

    def test_files_imported_later_are_removed_without_the_posts(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        parts = (item(7), attachment(30))
        import_parts(*parts)
        report = import_parts(*parts, media=MediaFolder(write_files(tmp_path / "files", "2014/03/a.png")))
        undo_run(run_of(report))
        assert not Picture.objects.exists()
        assert Attachment.objects.get().picture is None
        assert Post.objects.exists()

    def test_redirects_to_existing_content_are_removed(self, tmp_path: Path) -> None:
        user = UserFactory(username="olga")
        path = write(tmp_path, export(item(7)))
        call_command("import_wordpress", str(path), map_author=[("anna", "olga")], stdout=StringIO())
        assert Redirect.objects.filter(author=user).exists()
        undo_run(ImportRun.objects.get())
        assert not Redirect.objects.exists()
        assert User.objects.get() == user

    def test_aliases_of_existing_tags_are_removed(self, import_parts: ImportParts) -> None:
        TagFactory(name="Human rights", slug="human-rights")
        report = import_parts(tag("rights", "Human rights"), item(7, inside=[filed("post_tag", "rights")]))
        assert TagAlias.objects.get().slug == "rights"
        undo_run(run_of(report))
        assert not TagAlias.objects.exists()
        assert Tag.objects.exists()

    def test_comment_counts_are_updated(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[comment(1)]))
        report = import_parts(item(7, inside=[comment(1), comment(2), comment(3, parent=2)]))
        assert Post.objects.get().comment_count == 3
        undo_run(run_of(report))
        assert Post.objects.get().comment_count == 1
        assert [found.pk for found in Comment.objects.all()] == [1]

    def test_an_entry_with_very_many_comments_is_removed_in_parts(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(undo, "_MAX_COMMENTS", 2)
        report = import_parts(item(7, inside=[comment(n, parent=n - 1) for n in range(1, 10)]))
        assert undo_run(run_of(report)).removed["comment"] == 9
        assert not Comment.objects.exists()


class TestKept:
    def test_an_edited_post_is_kept_with_its_comments(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, inside=[comment(1), filed("post_tag", "x"), filed("category", "c")]), item(8))
        Post.objects.get(pk=7).save()
        undone = undo_run(run_of(report))
        assert [post.pk for post in Post.objects.all()] == [7]
        assert Comment.objects.count() == 1
        assert Post.objects.get().tags.get().slug == "x"
        assert kept(undone) == {
            ("post", 7): "It was changed here after the import.",
            ("comment", 1): "Its post or page stays.",
            ("tag", Tag.objects.get().pk): "Posts have it.",
            ("category", Category.objects.get().pk): "Posts are filed under it.",
            ("author", 1): "Other content belongs to it.",
        }

    def test_posts_that_readers_have_commented_on_are_kept(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7), item(8, inside=[comment(1)]))
        Comment.objects.create(entry_id=7, name="Reader", text="Hello")
        undone = undo_run(run_of(report))
        assert kept(undone)["post", 7] == "Readers have commented on it here."
        assert [found.name for found in Comment.objects.all()] == ["Reader"]

    def test_moderated_and_answered_comments_on_older_posts_are_kept(self, import_parts: ImportParts) -> None:
        import_parts(item(7))
        report = import_parts(item(7, inside=[comment(1), comment(2), comment(3)]))
        Comment.objects.filter(pk=1).update(status="spam")
        Comment.objects.create(entry_id=7, name="Reader", text="Hello", parent_id=2)
        undone = undo_run(run_of(report))
        assert kept(undone) == {
            ("comment", 1): "It was changed here after the import.",
            ("comment", 2): "Others have replied to it.",
        }
        assert set(Comment.objects.values_list("name", flat=True)) == {"Rosa", "Reader"}
        assert not Comment.objects.filter(pk=3).exists()

    def test_the_parents_of_a_kept_page_are_kept(self, import_parts: ImportParts) -> None:
        report = import_parts(page(20), page(21, post_parent=20), page(22, post_parent=20), page(23))
        Page.objects.get(pk=21).save()
        undone = undo_run(run_of(report))
        assert sorted(Page.objects.values_list("pk", flat=True)) == [20, 21]
        assert kept(undone)["page", 20] == "A page below it stays."

    def test_an_account_in_use_is_kept(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7))
        user = User.objects.get()
        user.set_password("a long enough password")
        user.save()
        undone = undo_run(run_of(report))
        assert kept(undone) == {("author", user.pk): "It was changed here after the import, or someone uses it."}

    def test_tags_and_categories_changed_or_used_here_are_kept(self, import_parts: ImportParts) -> None:
        report = import_parts(tag("x", "X"), tag("y", "Y"), category("c"), category("d", parent="c"), item(7))
        Tag.objects.filter(slug="x").update(description="Ours")
        PostFactory(tags=["Y"])
        Category.objects.filter(slug="d").update(name="Ours")
        undone = undo_run(run_of(report))
        assert set(Tag.objects.values_list("slug", flat=True)) == {"x", "y"}
        assert set(Category.objects.values_list("slug", flat=True)) == {"c", "d"}
        assert "A category below it stays." in kept(undone).values()

    @pytest.mark.parametrize("is_confirmed", [True, False])
    def test_what_readers_follow_by_e_mail_is_kept_with_their_subscriptions(
        self, import_parts: ImportParts, *, is_confirmed: bool
    ) -> None:
        report = import_parts(tag("x", "X"), tag("y", "Y"), category("c"), category("d"), item(7))
        topics: list[dict[str, Any]] = [
            {"tag": Tag.objects.get(slug="x")},
            {"category": Category.objects.get(slug="c")},
            {"author": User.objects.get()},
        ]
        for topic in topics:
            if is_confirmed:
                subscribe(**topic)
            else:
                SubscriptionRequest.objects.create(email="amina@example.org", frequency="daily", **topic)
        undone = undo_run(run_of(report))
        assert (Subscription if is_confirmed else SubscriptionRequest).objects.count() == 3
        assert [each.slug for each in Tag.objects.all()] == ["x"]
        assert [each.slug for each in Category.objects.all()] == ["c"]
        assert list(kept(undone).values()) == ["Readers follow it by e-mail, or have asked to."] * 3
        assert not Post.objects.exists()

    def test_files_used_by_other_content_are_kept(self, import_parts: ImportParts, tmp_path: Path) -> None:
        names = ["2014/03/a.png", "2014/03/b.png", "2014/03/c.png", "2014/03/d.png"]
        files = [attachment(30 + n, name) for n, name in enumerate(names)]
        report = import_parts(item(7), *files, media=MediaFolder(write_files(tmp_path / "files", *names)))
        shown, featured, described, _unused = (each.picture for each in Attachment.objects.order_by("wordpress_id"))
        assert shown
        assert described
        PostFactory(source=f"![x]({shown.file.url})")
        PostFactory(featured_picture=featured)
        described.alt = "Ours"
        described.save()
        undone = undo_run(run_of(report))
        assert set(Picture.objects.all()) == {shown, featured, described}
        assert sorted(text for (kind, _pk), text in kept(undone).items() if kind == "picture") == [
            "It is in use.",
            "It is in use.",
            "It was changed here after the import.",
        ]
        assert Attachment.objects.count() == 3

    def test_files_used_by_the_appearance_are_kept(self, import_parts: ImportParts, tmp_path: Path) -> None:
        names = ["2014/03/a.png", "2014/03/b.png"]
        files = [attachment(30 + n, name) for n, name in enumerate(names)]
        report = import_parts(item(7), *files, media=MediaFolder(write_files(tmp_path / "files", *names)))
        header, _unused = (each.picture for each in Attachment.objects.order_by("wordpress_id"))
        assert header
        SiteAppearance.objects.update_or_create(pk=1, defaults={"document": {"header": str(header.pk)}})
        undone = undo_run(run_of(report))
        assert list(Picture.objects.all()) == [header]
        assert kept(undone)["picture", header.pk] == "It is in use."

    @pytest.mark.parametrize("column", ["document", "draft"])
    def test_what_the_appearance_refers_to_is_kept(
        self, import_parts: ImportParts, column: str, client: Client
    ) -> None:
        parts = [page(number) for number in (20, 21, 22, 23)], category("c"), category("d"), tag("x"), tag("y"), item(7)
        report = import_parts(*parts[0], *parts[1:], item(8))
        pks = {
            name: model.objects.get(slug=name).pk
            for name, model in zip("cdxy", [Category] * 2 + [Tag] * 2, strict=True)
        }
        targets = {"blog:page": 22, "blog:post": 7, "blog:category": pks["c"], "tags:tag": pks["x"]}
        menu = [{"title": "", "kind": kind, "id": pk} for kind, pk in targets.items()]
        document = {"home": "20", "posts_page": "21", "header_menu": menu}
        SiteAppearance.objects.update_or_create(pk=1, defaults={column: document})
        undone = undo_run(run_of(report))
        stay = {("page", 20), ("page", 21), ("page", 22), ("post", 7), ("category", pks["c"]), ("tag", pks["x"])}
        in_use = {key for key, text in kept(undone).items() if text == "It is in use."}
        assert in_use == stay
        assert set(Entry.objects.values_list("pk", flat=True)) == {7, 20, 21, 22}
        assert client.get("/").status_code == client.get(Page.objects.get(pk=21).get_absolute_url()).status_code == 200

    def test_a_changed_reusable_block_is_kept(self, import_parts: ImportParts) -> None:
        report = import_parts(BLOCK)
        Fragment.objects.update(text="Ours")
        undo_run(run_of(report))
        assert Fragment.objects.get().text == "Ours"

    def test_a_run_that_is_not_completely_undone_can_be_undone_again(self, import_parts: ImportParts) -> None:
        run = run_of(import_parts(item(7), item(8)))
        reader = Comment.objects.create(entry_id=7, name="Reader", text="Hello")
        undo_run(run)
        assert ImportRun.objects.filter(pk=run.pk).exists()
        reader.delete()
        undo_run(run)
        assert [model.objects.count() for model in (ImportRun, Post, User)] == [0, 0, 0]

    def test_updates_are_kept(self, import_parts: ImportParts) -> None:
        import_parts(item(7))
        report = import_parts(item(7, title="New title"), item(8))
        undo_run(run_of(report))
        assert Post.objects.get().title == "New title"


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    def undo_while(self, run: ImportRun, statements: Sequence[str], act: Callable[[], bool], at_once: AtOnce) -> bool:
        """Undo the run and return the result of `act`, which starts just before the last of these SQL statements."""
        has_begun, has_ended = Event(), Event()
        expected = list(statements)

        def pause(call: Callable[..., Any], sql: str, *args: Any) -> Any:
            if expected and expected[0] in sql:
                expected.pop(0)
                if not expected:
                    has_begun.set()
                    has_ended.wait(0.5)
            return call(sql, *args)

        def undo_slowly() -> None:
            with connection.execute_wrapper(pause):
                undo_run(run)

        def other() -> bool:
            assert has_begun.wait(10)
            result = act()
            has_ended.set()
            return result

        return bool(at_once(undo_slowly, other)[1])

    def undo_after(self, run: ImportRun, act: Callable[[], object], at_once: AtOnce) -> None:
        """Undo the run, beginning between `act` and the end of its transaction, for which undoing has to wait."""
        has_acted, is_undone = Event(), Event()

        def other() -> None:
            with transaction.atomic():
                act()
                has_acted.set()
                assert not is_undone.wait(0.3)

        def undo_import() -> None:
            assert has_acted.wait(10)
            undo_run(run)
            is_undone.set()

        at_once(other, undo_import)

    def test_a_comment_that_was_accepted_stays(self, import_parts: ImportParts, at_once: AtOnce) -> None:
        run = run_of(import_parts(item(7)))
        ImportedItem.objects.exclude(kind="post").delete()
        settings = CommentSettings(comment_policy=CommentPolicy.OPEN, proof_of_work=False)
        post = Post.objects.get(pk=7)

        def comment_on_it() -> bool:
            with suppress(Post.DoesNotExist):
                return bool(submit(post, name="Ann", email="ann@example.org", text="Hello.", settings=settings))
            return False

        # Before and in the transaction that deletes the post.
        found = '"blog_entry"."modified_at" AS "modified_at" FROM "blog_entry"'
        is_accepted = self.undo_while(run, [found] * 2, comment_on_it, at_once)
        assert Comment.objects.exists() == is_accepted

    def test_a_tag_that_a_post_is_given_stays(self, import_parts: ImportParts, at_once: AtOnce) -> None:
        run, post = run_of(import_parts(tag("x", "X"))), PostFactory()

        def give() -> bool:
            with transaction.atomic():
                post.tags.set(["X"])
            return True

        self.undo_while(run, ['DELETE FROM "tags_'], give, at_once)
        assert [each.name for each in Post.objects.get(pk=post.pk).tags.all()] == ["X"]

    def test_a_picture_that_a_text_is_given_stays(
        self, import_parts: ImportParts, tmp_path: Path, at_once: AtOnce
    ) -> None:
        name = "2014/03/a.png"
        folder = MediaFolder(write_files(tmp_path / "files", name))
        run, post = run_of(import_parts(attachment(30, name), media=folder)), PostFactory()
        picture = Picture.objects.get()

        def give() -> None:
            post.source = f"![x]({picture.file.url})"
            post.save()

        self.undo_after(run, give, at_once)
        assert list(post.pictures.all()) == [picture]

    def test_a_picture_that_the_appearance_is_given_stays(
        self, import_parts: ImportParts, tmp_path: Path, at_once: AtOnce
    ) -> None:
        name = "2014/03/a.png"
        folder = MediaFolder(write_files(tmp_path / "files", name))
        run = run_of(import_parts(attachment(30, name), media=folder))
        picture = Picture.objects.get()
        draft = {**default_document(), "logo": str(picture.pk)}
        self.undo_after(run, lambda: versions.save_draft(draft, seen=""), at_once)
        assert versions.prepared(SiteAppearance.current()).logo == str(picture.pk)

    def test_a_page_that_becomes_the_home_page_stays(self, import_parts: ImportParts, at_once: AtOnce) -> None:
        run = run_of(import_parts(page(20)))
        draft = {**default_document(), "home": "20"}
        self.undo_after(run, lambda: versions.save_draft(draft, seen=""), at_once)
        assert versions.prepared(SiteAppearance.current()).home == "20"

    def test_a_picture_that_is_removed_is_an_error_in_the_form_of_the_appearance(
        self, import_parts: ImportParts, tmp_path: Path, at_once: AtOnce
    ) -> None:
        name = "2014/03/a.png"
        folder = MediaFolder(write_files(tmp_path / "files", name))
        run = run_of(import_parts(attachment(30, name), media=folder))
        client, data = Client(), {**default_document(), "logo": str(Picture.objects.get().pk), "do": "save"}
        client.force_login(UserFactory(is_staff=True, is_superuser=True))
        errors: dict[str, list[str]] = {}

        def give() -> bool:
            response = client.post("/admin/blog/siteappearance/1/change/", data | {"seen": ""})
            errors.update(response.context["form"].errors if response.context else {})
            return True

        self.undo_while(run, ['DELETE FROM "media_picture"'], give, at_once)
        assert errors == {"logo": ["Choose an image from the media library."]}
        assert SiteAppearance.current().draft is None


class TestInterruptions:
    def test_an_undo_interrupted_anywhere_and_repeated_has_the_same_result(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = contents(without_version=True)
        run = run_of(import_parts(*AWKWARD_PARTS, BLOCK))
        monkeypatch.setattr(undo, "_BATCH", 1)
        interruptions = 0
        for _attempt in range(200):
            calls = 0

            def interrupt(stage: str, done: int, total: int) -> None:
                nonlocal calls
                calls += 1
                if calls == 2:
                    raise KeyboardInterrupt

            try:
                undo_run(run, interrupt)
                break
            except KeyboardInterrupt:
                interruptions += 1
        assert interruptions > 5
        assert contents(without_version=True) == before

    def test_an_interrupted_import_can_be_undone_and_is_not_continued(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*args: object) -> None:
            raise KeyboardInterrupt

        parts = (item(7), attachment(30))
        with monkeypatch.context() as patch:
            patch.setattr("wordpress.importing.pipeline.import_attachments", interrupt)
            report = import_parts(*parts)
        assert report.interrupted
        PostFactory(author=User.objects.get())
        run = run_of(report)
        undo_run(run)
        assert import_parts(*parts).run != run.pk

    def test_progress_reaches_the_end(self, import_parts: ImportParts) -> None:
        progress: list[tuple[int, int]] = []
        run = run_of(import_parts(*AWKWARD_PARTS))
        undo_run(run, lambda stage, done, total: progress.append((done, total)))
        assert progress[-1][0] == progress[-1][1] > 10


class TestCommand:
    def test_lists_what_was_removed_and_kept(self, import_parts: ImportParts, client: Client) -> None:
        run = import_parts(item(7, inside=[comment(1)]), item(8)).run
        Post.objects.get(pk=8).save()
        out = StringIO()
        call_command("import_wordpress", undo=run, stdout=out, stderr=StringIO())
        assert "1 × post: removed" in out.getvalue()
        assert "1 × comment: removed" in out.getvalue()
        assert "1 × post: It was changed here after the import." in out.getvalue()
        assert "Import undone." in out.getvalue()
        assert client.get("/?p=7").status_code == 404

    def test_kinds_of_which_nothing_was_removed_are_left_out(self, import_parts: ImportParts) -> None:
        undone = undo_run(run_of(import_parts(item(7))))
        assert undone.removed == {"post": 1, "author": 1, "site setting": 1}
        assert set(undone.removed) == {"post", "author", "site setting"}

    def test_an_unknown_run_is_an_error_that_lists_the_runs(self, import_parts: ImportParts) -> None:
        run = import_parts(item(7)).run
        with pytest.raises(CommandError, match=rf"no import 99\. Imports: {run}: https://old.example"):
            call_command("import_wordpress", undo=99)

    def test_needs_either_files_or_undo(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="either the files"):
            call_command("import_wordpress")
        with pytest.raises(CommandError, match="either the files"):
            call_command("import_wordpress", str(write(tmp_path, export())), undo=1)


def test_an_import_that_adds_nothing_is_not_recorded_as_a_run(import_parts: ImportParts) -> None:
    parts = (item(7), item(8))
    run = import_parts(*parts).run
    again = import_parts(*parts)
    assert (again.run, list(ImportRun.objects.values_list("pk", flat=True))) == (None, [run])
    assert counted(again, "post") == {"unchanged": 2}


def test_repeating_an_import_with_missing_files_is_not_recorded_as_a_run(import_parts: ImportParts) -> None:
    parts = (item(7), attachment(30, post_parent=7))
    assert import_parts(*parts).run is not None
    recorded = list(ImportedItem.objects.order_by("pk").values("kind", "object_pk", "run"))
    assert import_parts(*parts).run is None
    assert list(ImportedItem.objects.order_by("pk").values("kind", "object_pk", "run")) == recorded
