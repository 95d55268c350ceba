"""The personal data of a commenter: exported, erased, or deleted after a while."""

import datetime as dt
import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from accounts.models import AuditRecord
from blog.models import Post
from comments import personal_data, tidying
from comments.models import (
    Block,
    Comment,
    CommentSettings,
    Decision,
    Erasure,
    Follower,
    Lesson,
    RateCount,
    Revision,
    Token,
)
from comments.models import (
    CommentStatus as Status,
)
from comments.moderation.counting import miscounted
from comments.moderation.decisions import approve, mark_spam
from comments.rules import bayes
from comments.rules.judge import Arrival, judge
from core.models import SiteSettings
from core.personal_data import PersonalRows, personal_rows
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.database import everything_stored
from tests.factories.plans import plan_of

pytestmark = pytest.mark.django_db

ROSA = "Rosa@Example.org"


def run(*arguments: object) -> str:
    out = StringIO()
    call_command("commenter", *map(str, arguments), stdout=out)
    return out.getvalue()


def export(email: str = "rosa@example.org") -> dict[str, Any]:
    data: dict[str, Any] = json.loads(run("export", email))
    return data


def rosas_comment(**fields: Any) -> Comment:
    values = {"name": "Rosa L.", "email": ROSA, "website": "https://rosa.example/", "text": "What I think"}
    comment: Comment = CommentFactory.create(**{**values, **fields})
    return comment


def create_task(*arguments: object) -> DBTaskResult[Any, Any]:
    return DBTaskResult.objects.create(
        args_kwargs={"args": list(arguments), "kwargs": {}},
        task_path="mail.tasks.mail",
        backend_name="default",
        run_after=timezone.now(),
        exception_class_path="",
        traceback="",
    )


class TestIdentity:
    @pytest.mark.parametrize("entered", ["rosa@example.org", "ROSA@EXAMPLE.ORG", "  Rosa@Example.org "])
    def test_case_makes_no_difference(self, entered: str) -> None:
        comment = rosas_comment()
        assert [one["id"] for one in export(entered)["comments"]] == [comment.pk]

    @pytest.mark.parametrize(
        "other",
        ["rosa@example.com", "a.rosa@example.org", "rosa@example.org.uk", "ros_@example.org", "r%@example.org"],
    )
    def test_the_same_name_with_another_address_is_someone_else(self, other: str) -> None:
        rosas_comment()
        stranger = rosas_comment(email=other)
        for email in (ROSA, other):
            assert len(export(email)["comments"]) == 1
        run("erase", ROSA, "--delete-text")
        assert list(Comment.objects.values_list("pk", "name", "email")) == [(stranger.pk, "Rosa L.", other)]

    def test_comments_are_found_with_an_index(self) -> None:
        entry = rosas_comment().entry
        others = [CommentFactory.build(entry=entry, email=f"reader{number}@example.org") for number in range(2000)]
        Comment.objects.bulk_create(others)
        with connection.cursor() as cursor:
            # Databases choose by their statistics about the table.
            cursor.execute("ANALYZE")
        assert "comment_of_address" in plan_of(personal_data.comments_of(ROSA).order_by())

    def test_comments_without_an_address_belong_to_no_one(self) -> None:
        rosas_comment(email="")
        assert not personal_data.summary("")
        with pytest.raises(CommandError, match="e-mail address"):
            run("erase", " ", "--delete-text")
        assert Comment.objects.count() == 1

    def test_comments_of_the_account_with_the_address_belong_to_the_person(self) -> None:
        account = UserFactory.create(email="rosa@example.org")
        comment = rosas_comment(email="earlier@example.org", user=account)
        assert export()["accounts"] == [account.username]
        run("erase", ROSA, "--keep-text")
        comment.refresh_from_db()
        assert (comment.user, comment.email) == (None, "")


class TestExport:
    def test_it_has_everything_that_is_stored(self) -> None:
        moderator = UserFactory.create(username="the-moderator")
        comment = rosas_comment(
            status=Status.PENDING, reasons=[{"check": "links", "verdict": "hold", "message": "It has links."}]
        )
        Revision.objects.create(comment=comment, text="What I thought before")
        mark_spam([comment], moderator)
        Block.objects.create(kind="email", text=ROSA)
        create_task("rosa@example.org", 5)
        values = export()
        (one,) = values["comments"]
        assert (one["name"], one["email"], one["website"]) == ("Rosa L.", ROSA, "https://rosa.example/")
        assert (one["text"], one["revisions"][0]["text"]) == ("What I think", "What I thought before")
        assert one["reasons"][0]["message"] == "It has links."
        assert [(decision["was"], decision["became"]) for decision in one["decisions"]] == [("pending", "spam")]
        assert one["filter"]["learned"] == "spam"
        assert "think" in one["filter"]["words"]
        assert values["blocks"][0]["text"] == ROSA
        assert values["tasks"][0]["arguments"]["args"] == ["rosa@example.org", 5]
        assert "the-moderator" not in json.dumps(values)

    def test_it_has_every_column_of_a_comment(self) -> None:
        """A new column has to be exported too, or listed here with a reason."""
        exported_as = {
            "parent": "in_reply_to", "user": "account",
            # These are derived from the text.
            "html": "text", "is_html": "text",
        }  # fmt: skip
        rosas_comment()
        (one,) = export()["comments"]
        for field in Comment._meta.concrete_fields:
            assert exported_as.get(field.name, field.name) in one, field.name

    def test_a_file_is_only_readable_by_its_owner(self, tmp_path: Path) -> None:
        rosas_comment()
        file = tmp_path / "rosa.json"
        assert run("export", ROSA, "-o", file) == ""
        assert json.loads(file.read_text())["comments"][0]["name"] == "Rosa L."
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_a_file_that_cannot_be_written_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="nowhere"):
            run("export", ROSA, "-o", tmp_path / "nowhere" / "rosa.json")

    def test_it_is_empty_for_unknown_addresses(self) -> None:
        values = export("nobody@example.org")
        assert not any(values[name] for name in ("comments", "blocks", "tasks", "accounts", "erased_at"))

    def test_the_number_of_queries_does_not_grow_with_the_comments(self, django_assert_max_num_queries: Any) -> None:
        post = PostFactory.create()
        for _ in range(20):
            rosas_comment(entry=post)
        with django_assert_max_num_queries(20):
            personal_data.export(ROSA)


class TestErasing:
    def test_kept_texts_are_anonymous_and_everything_else_is_erased(self) -> None:
        moderator = UserFactory.create()
        message = "This is blocked: rosa@example.org."
        comment = rosas_comment(
            status=Status.PENDING, reasons=[{"check": "held", "verdict": "hold", "message": message}]
        )
        Revision.objects.create(comment=comment, text="Call me: rosa@example.org")
        approve([comment], moderator)
        Block.objects.create(kind="email", text=ROSA)
        create_task("rosa@example.org")
        run("erase", ROSA, "--keep-text")
        comment.refresh_from_db()
        assert (comment.text, comment.status, comment.author_name) == ("What I think", "approved", "Anonymous")
        stored = everything_stored().lower()
        for word in ("rosa", "call me"):
            assert word not in stored, word
        assert Decision.objects.filter(comment=comment).count() == 1

    def test_deleting_texts_erases_everything(self) -> None:
        comment = rosas_comment(status=Status.PENDING)
        Revision.objects.create(comment=comment, text="What I thought before")
        approve([comment], UserFactory.create())
        create_task({"to": ROSA})
        run("erase", ROSA, "--delete-text")
        stored = everything_stored().lower()
        for word in ("rosa", "i thought", "i think"):
            assert word not in stored, word
        assert not Token.objects.exclude(ham=0, spam=0).exists()

    def test_replies_stay_and_move_up(self) -> None:
        post = PostFactory.create()
        first = CommentFactory.create(entry=post)
        first_of_hers = rosas_comment(entry=post, parent=first)
        second_of_hers = rosas_comment(entry=post, parent=first_of_hers)
        reply = CommentFactory.create(entry=post, parent=second_of_hers)
        run("erase", ROSA, "--delete-text")
        reply.refresh_from_db()
        assert reply.parent == first

    def test_threads_with_circles_can_be_erased(self) -> None:
        post = PostFactory.create()
        one, other = rosas_comment(entry=post), rosas_comment(entry=post)
        Comment.objects.filter(pk=one.pk).update(parent=other)
        Comment.objects.filter(pk=other.pk).update(parent=one)
        reply = CommentFactory.create(entry=post, parent=one)
        run("erase", ROSA, "--delete-text")
        reply.refresh_from_db()
        assert reply.parent is None

    @pytest.mark.parametrize("choice", ["--keep-text", "--delete-text"])
    def test_pages_and_feeds_no_longer_show_the_person_and_counts_are_correct(
        self, choice: str, client: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        post = PostFactory.create()
        approve(
            [rosas_comment(entry=post, status=Status.PENDING), CommentFactory.create(entry=post)], UserFactory.create()
        )
        urls = [
            post.get_absolute_url(),
            f"{post.get_absolute_url()}feed/",
            "/comments/feed/",
            "/comments/feed/atom/",
        ]
        for url in urls:
            assert "Rosa" in client.get(url).text, url
        with django_capture_on_commit_callbacks(execute=True):
            run("erase", ROSA, choice)
        for url in urls:
            page = client.get(url).text
            assert "rosa" not in page.lower(), url
            assert ("What I think" in page) is (choice == "--keep-text"), url
        assert list(miscounted()) == []

    @pytest.mark.parametrize("choice", ["--keep-text", "--delete-text"])
    def test_erasing_twice_changes_nothing(self, choice: str) -> None:
        rosas_comment()
        run("erase", ROSA, choice)
        before = list(Comment.objects.values())
        assert "No personal data found" in run("erase", ROSA, choice)
        assert list(Comment.objects.values()) == before
        assert Erasure.objects.count() == 1

    def test_many_are_erased_in_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(personal_data, "BATCH", 2)
        post = PostFactory.create()
        for _ in range(5):
            rosas_comment(entry=post)
        assert "“Anonymous”): 5" in run("erase", ROSA, "--keep-text")
        assert set(Comment.objects.values_list("name", "email", "website")) == {("", "", "")}

    @pytest.mark.parametrize("choice", ["--keep-text", "--delete-text"])
    def test_a_dry_run_reports_the_same_and_changes_nothing(self, choice: str) -> None:
        Revision.objects.create(comment=rosas_comment(), text="Before")
        Block.objects.create(kind="email", text=ROSA)
        create_task(ROSA)
        before = everything_stored()
        would = run("erase", ROSA, choice, "--dry-run")
        assert everything_stored() == before
        assert run("erase", ROSA, choice).replace("Erased:", "This would be erased:") == would

    def test_an_option_for_the_texts_is_required(self) -> None:
        with pytest.raises(CommandError, match="--keep-text --delete-text"):
            run("erase", ROSA)

    def test_the_filter_unlearns_the_website_and_keeps_the_text(self) -> None:
        comment = rosas_comment(status=Status.PENDING)
        approve([comment], UserFactory.create())
        assert Token.objects.get(text="host:rosa.example").ham == 1
        run("erase", ROSA, "--keep-text")
        assert Token.objects.get(text="think").ham == 1
        assert Token.objects.get(text="").ham == 1
        assert not Token.objects.filter(text__contains="rosa").exclude(ham=0).exists()
        assert Lesson.objects.get().tokens == bayes.tokens_of(Comment.objects.get())

    def test_other_blocks_stay(self) -> None:
        for kind, text in (("email", "arosa@example.org"), ("name", "Rosa L."), ("host", "example.org")):
            Block.objects.create(kind=kind, text=text)
        Block.objects.create(kind="word", text="rosa@example.org")
        run("erase", ROSA, "--delete-text")
        assert set(Block.objects.values_list("kind", flat=True)) == {"email", "name", "host"}

    def test_the_admins_log_no_longer_has_the_address(self) -> None:
        superuser = UserFactory.create(is_staff=True, is_superuser=True)
        client = Client()
        client.force_login(superuser)
        client.post("/admin/comments/block/add/", {"kind": "email", "text": ROSA, "verdict": "spam"})
        comment = rosas_comment()
        client.post(f"/admin/comments/comment/{comment.pk}/change/", {"text": "x", "name": "Rosa L.", "email": ROSA})
        assert AuditRecord.objects.filter(kind__startswith="comments.").count() == 2
        run("erase", ROSA, "--delete-text")
        assert "rosa" not in repr(list(AuditRecord.objects.values())).lower()

    def test_the_admins_log_of_deleted_or_changed_blocks_no_longer_has_it(self, client: Client) -> None:
        client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
        for kind in ("email", "word"):
            client.post("/admin/comments/block/add/", {"kind": kind, "text": ROSA, "verdict": "spam"})
        deleted, changed = Block.objects.order_by("pk")
        client.post(f"/admin/comments/block/{deleted.pk}/delete/", {"post": "yes"})
        client.post(f"/admin/comments/block/{changed.pk}/change/", {"kind": "word", "text": "tea", "verdict": "spam"})
        assert AuditRecord.objects.filter(kind="comments.block").count() == 4
        run("erase", ROSA, "--delete-text")
        assert "rosa" not in repr(list(AuditRecord.objects.values())).lower()

    def test_tasks_with_longer_addresses_stay(self) -> None:
        other = create_task("arosa@example.org", "rosa@example.org.uk"[1:])
        create_task("Rosa <rosa@example.org>")
        run("erase", ROSA, "--keep-text")
        assert DBTaskResult.objects.get() == other


class TestInterruptedErasures:
    """The web server or the command may be stopped at any point, without a chance to tidy up."""

    @pytest.fixture(autouse=True)
    def small_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(personal_data, "BATCH", 2)

    @staticmethod
    def interrupt(monkeypatch: pytest.MonkeyPatch, *, keep_text: bool, after: int = 1) -> None:
        """Begin to erase Rosa's data, and stop after some batches of comments."""
        calls = iter(range(after))

        def stop_later(comments: list[Comment]) -> None:
            if next(calls, None) is None:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(personal_data, "_notify_address_removal", stop_later)
            with pytest.raises(KeyboardInterrupt):
                personal_data.erase(ROSA, keep_text=keep_text, by=None)

    @pytest.mark.parametrize("keep_text", [True, False])
    def test_the_daily_task_finishes_them_as_chosen(self, keep_text: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        post = PostFactory.create()
        for _ in range(5):
            rosas_comment(entry=post)
        stranger = CommentFactory.create(entry=post, name="Ann", email="ann@example.org")
        self.interrupt(monkeypatch, keep_text=keep_text)
        assert Comment.objects.filter(email=ROSA).count() == 3
        assert tidying.tidy()["Comments erased (interrupted erasures)"] == 3
        assert "rosa" not in everything_stored().lower()
        assert Comment.objects.exclude(pk=stranger.pk).count() == (5 if keep_text else 0)
        stranger.refresh_from_db()
        assert (stranger.name, stranger.email) == ("Ann", "ann@example.org")
        assert "Comments erased (interrupted erasures)" not in tidying.tidy()

    def test_texts_are_kept_if_that_was_chosen_now_although_earlier_ones_were_deleted(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rosas_comment()
        run("erase", ROSA, "--delete-text")
        rosas_comment(text="Written later")
        self.interrupt(monkeypatch, keep_text=True, after=0)
        assert personal_data.finish_erasures() == 1
        comment = Comment.objects.get()
        assert (comment.text, comment.email) == ("Written later", "")
        assert not Erasure.objects.get().text_kept

    def test_they_are_finished_after_the_secret_key_was_replaced(
        self, monkeypatch: pytest.MonkeyPatch, settings: Settings
    ) -> None:
        rosas_comment()
        self.interrupt(monkeypatch, keep_text=False, after=0)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
        assert personal_data.finish_erasures() == 1
        assert not Comment.objects.exists()

    def test_comments_by_the_account_of_the_person_are_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        account = UserFactory.create(email="rosa@example.org")
        comment = rosas_comment(email="", user=account)
        self.interrupt(monkeypatch, keep_text=True, after=0)
        assert personal_data.finish_erasures() == 1
        comment.refresh_from_db()
        assert comment.user is None

    def test_what_the_person_wrote_afterwards_stays(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rosas_comment()
        self.interrupt(monkeypatch, keep_text=False, after=0)
        later = rosas_comment(created_at=timezone.now())
        assert personal_data.finish_erasures() == 1
        assert Comment.objects.get() == later

    def test_everything_but_the_comments_goes_with_the_first_step(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rosas_comment()
        Block.objects.create(kind="email", text=ROSA)
        Follower.objects.create(entry=Post.objects.get(), email=ROSA)
        create_task("rosa@example.org")
        self.interrupt(monkeypatch, keep_text=False, after=0)
        assert not Block.objects.exists()
        assert not Follower.objects.exists()
        assert not DBTaskResult.objects.exists()
        assert AuditRecord.objects.get().details == "Comments deleted."

    def test_erasing_again_finishes_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rosas_comment()
        self.interrupt(monkeypatch, keep_text=True, after=0)
        assert Erasure.objects.get().unfinished == "keep"
        run("erase", ROSA, "--keep-text")
        assert Erasure.objects.get().unfinished == ""
        assert personal_data.finish_erasures() == 0

    def test_one_that_is_begun_again_in_the_meantime_stays_unfinished(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rosas_comment()
        self.interrupt(monkeypatch, keep_text=True, after=0)
        erase_comments = personal_data._erase_comments

        def begin_again(comments: Any, *, keep_text: bool) -> personal_data.Summary:
            Erasure.objects.update(erased_at=timezone.now(), unfinished="delete")
            return erase_comments(comments, keep_text=keep_text)

        monkeypatch.setattr(personal_data, "_erase_comments", begin_again)
        personal_data.finish_erasures()
        assert Erasure.objects.get().unfinished == "delete"

    def test_nothing_is_searched_if_none_was_interrupted(self, django_assert_num_queries: Any) -> None:
        rosas_comment()
        run("erase", ROSA, "--keep-text")
        with django_assert_num_queries(1):
            personal_data.finish_erasures()


class TestCoverage:
    """An e-mail address in a column that comments.personal_data doesn't cover would be kept forever."""

    @staticmethod
    def uncovered() -> set[tuple[str, str]]:
        covered = {(Comment, "email"), *((rows.model, rows.email_field) for rows in personal_rows.values())}
        return {
            (model.__name__, field.name)
            for model in apps.get_app_config("comments").get_models(include_auto_created=True)
            if not model._meta.proxy
            for field in model._meta.concrete_fields
            if isinstance(field, models.EmailField) or (isinstance(field, models.CharField) and "mail" in field.name)
            if (model, field.name) not in covered
        }

    def test_every_column_with_an_address_is_covered(self) -> None:
        assert self.uncovered() == set()

    def test_registered_rows_are_exported_and_erased(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The model here stands in for one with e-mail addresses."""
        monkeypatch.setattr(personal_rows, "data", {"hashes": PersonalRows(RateCount, "sender")})
        for sender in ("rosa@example.org", "ann@example.org"):
            RateCount.objects.create(sender=sender, period=7, count=3)
        (rows,) = export()["others"].values()
        assert [(row["sender"], row["period"], row["count"]) for row in rows] == [("rosa@example.org", 7, 3)]
        assert ": 1" in run("erase", ROSA, "--keep-text")
        assert RateCount.objects.get().sender == "ann@example.org"


class TestDeletingOldAddresses:
    @staticmethod
    def tidy(days: int) -> str:
        CommentSettings.objects.update(forget_emails_after_days=days)
        out = StringIO()
        call_command("tidy_comments", stdout=out)
        return out.getvalue()

    @staticmethod
    def aged(days: float, **more: Any) -> Comment:
        return rosas_comment(created_at=timezone.now() - dt.timedelta(days=days), **more)

    @pytest.mark.parametrize("status", list(Status))
    def test_only_addresses_of_old_comments_are_deleted(self, status: Status) -> None:
        young, old = self.aged(29, status=status), self.aged(31, status=status)
        output = self.tidy(30)
        assert "E-mail addresses deleted: 1" in output
        young.refresh_from_db()
        old.refresh_from_db()
        assert (young.email, old.email) == (ROSA, "")
        assert (old.name, old.website, old.text) == (young.name, young.website, young.text)

    def test_it_is_off_by_default(self) -> None:
        assert CommentSettings().forget_emails_after_days == 0
        old = self.aged(5_000)
        assert "E-mail addresses" not in self.tidy(0)
        old.refresh_from_db()
        assert old.email == ROSA

    def test_reasons_with_the_address_are_deleted_too(self) -> None:
        with_address = {"check": "held", "verdict": "hold", "message": "It matches the blocklist: rosa@example.org."}
        other = {"check": "links", "verdict": "hold", "message": "It has 2 links."}
        one, two = self.aged(31, reasons=[with_address]), self.aged(31, reasons=[other])
        self.tidy(30)
        assert Comment.objects.get(pk=one.pk).reasons == []
        assert Comment.objects.get(pk=two.pk).reasons == [other]

    def test_people_without_an_address_are_no_longer_known(self) -> None:
        settings = CommentSettings(comment_policy="known")
        self.aged(31)
        fresh = Comment(entry=Post.objects.get(), name="Rosa L.", email=ROSA, text="New", html="New")
        assert judge(fresh, settings, Arrival()).status == Status.APPROVED
        self.tidy(30)
        assert judge(fresh, settings, Arrival()).status == Status.PENDING

    def test_many_are_deleted_in_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(personal_data, "BATCH", 2)
        for _ in range(5):
            self.aged(31)
        assert "deleted: 5" in self.tidy(30)

    def test_cached_pages_expire_because_of_the_avatars(self, django_capture_on_commit_callbacks: Any) -> None:
        self.aged(31)
        before = SiteSettings.current().content_version
        with django_capture_on_commit_callbacks(execute=True):
            self.tidy(30)
        assert SiteSettings.current().content_version > before
