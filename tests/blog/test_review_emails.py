"""E-mails about reviews: submissions, editors' decisions, notes and replies."""

import datetime as dt
import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from blog import publishing
from blog.editing import bulk_editing, undoing
from blog.models import Page, Post, ReviewEvent, ReviewNote, ReviewNotice, ReviewPreference, Status, UndoableEdit
from blog.review import notes
from blog.review.emails import MAX_NOTES, due_emails
from blog.review.notices import KEPT_FOR
from mail.tasks import send_due_mail
from tests.factories import PageFactory, PostFactory, UserFactory
from tests.factories.admin import admin_url, client_of, form_data, user_in_role
from tests.factories.responses import find, links, one, read, text
from tests.factories.types import Deliver, MailServerDown, PassTime

pytestmark = pytest.mark.django_db


@pytest.fixture
def author() -> User:
    user: User = UserFactory(role="Author", display_name="Amina", email="amina@example.org")
    return user


@pytest.fixture
def editor() -> User:
    user: User = UserFactory(role="Editor", display_name="Ruth", email="ruth@example.org")
    return user


@pytest.fixture
def post(author: User) -> Post:
    post: Post = PostFactory(author=author, title="A paper", status=Status.DRAFT, published_at=None)
    return post


def wants(user: User, **choices: bool) -> None:
    ReviewPreference.objects.of_users([user])
    ReviewPreference.objects.filter(user=user).update(**choices)


def take(step: str, entry: Post | Page, by: User, **fields: Any) -> None:
    """Press a button of the form."""
    entry.refresh_from_db()
    response = client_of(by).post(admin_url(entry, "change"), form_data(entry, _step=step, **fields))
    assert response.status_code == 302, response.context["errors"]
    entry.refresh_from_db()


def subjects(deliver: Deliver) -> list[tuple[str, str]]:
    return [(email.to[0], str(email.subject)) for email in deliver()]


class TestSubmissions:
    def test_editors_who_want_it_get_an_e_mail(self, author: User, editor: User, post: Post, deliver: Deliver) -> None:
        wants(editor, submissions=True)
        UserFactory(role="Editor", email="other@example.org")
        take("submit", post, author)
        (email,) = deliver()
        assert email.to == ["ruth@example.org"]
        assert email.subject == "[Broadside] Amina submitted “A paper” for review"
        assert "\u2068Amina\u2069 submitted “\u2068A paper\u2069” for review.\n" in email.body
        assert admin_url(post, "change") in links(email)
        assert email.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def test_no_one_else_gets_one(self, author: User, editor: User, post: Post, deliver: Deliver) -> None:
        take("submit", post, author)
        assert deliver() == []
        assert not ReviewNotice.objects.exists()

    def test_submitting_twice_sends_one(self, author: User, editor: User, post: Post, deliver: Deliver) -> None:
        wants(editor, submissions=True)
        take("submit", post, author)
        take("submit", post, author)
        take("unpublish", post, author)
        take("submit", post, author)
        assert len(deliver()) == 1
        take("save", post, author, title="Changed")
        assert deliver() == []

    def test_submitting_again_after_the_first_e_mail_sends_another(
        self, author: User, editor: User, post: Post, deliver: Deliver, pass_time: PassTime
    ) -> None:
        wants(editor, submissions=True)
        take("submit", post, author)
        assert len(deliver()) == 1
        take("unpublish", post, author)
        take("submit", post, author)
        pass_time(minutes=10)
        assert len(deliver()) == 1

    def test_submissions_that_were_withdrawn_or_decided_are_left_out(
        self, author: User, editor: User, post: Post, deliver: Deliver
    ) -> None:
        wants(editor, submissions=True)
        take("submit", post, author)
        take("unpublish", post, author)
        assert deliver() == []

    @pytest.mark.parametrize("change", ["role", "wish", "active", "email"])
    def test_users_who_may_no_longer_publish_or_do_not_want_it_get_none(
        self, author: User, editor: User, post: Post, deliver: Deliver, change: str
    ) -> None:
        wants(editor, submissions=True)
        take("submit", post, author)
        match change:
            case "role":
                editor.groups.clear()
            case "wish":
                wants(editor, submissions=False)
            case "active":
                User.objects.filter(pk=editor.pk).update(is_active=False)
            case "email":
                User.objects.filter(pk=editor.pk).update(email="")
        assert deliver() == []
        assert not ReviewNotice.objects.filter(is_unsent=True).exists()

    def test_no_one_is_notified_of_their_own_actions(self, editor: User, deliver: Deliver) -> None:
        wants(editor, submissions=True)
        take("submit", PostFactory(author=editor, status=Status.DRAFT), editor)
        assert deliver() == []

    def test_pages_are_submitted_in_the_same_way(self, editor: User, deliver: Deliver) -> None:
        wants(editor, submissions=True)
        other = UserFactory(role="Editor")
        take("submit", PageFactory(author=other, title="About", status=Status.DRAFT), other)
        (email,) = deliver()
        assert "About" in email.subject

    def test_an_unavailable_mail_server_fails_no_save_and_loses_nothing(
        self, author: User, editor: User, post: Post, deliver: Deliver, mail_server_down: MailServerDown
    ) -> None:
        wants(editor, submissions=True)
        with mail_server_down():
            take("submit", post, author)
            assert post.status == Status.PENDING
            ReviewPreference.objects.update(not_before=timezone.now())
            send_due_mail.call()
        assert len(deliver()) == 1

    def test_without_a_mail_server_nothing_is_recorded(
        self, author: User, editor: User, post: Post, settings: Settings
    ) -> None:
        settings.MAILERS = {}
        wants(editor, submissions=True)
        take("submit", post, author)
        assert not ReviewNotice.objects.exists()


class TestDecisions:
    @pytest.fixture(autouse=True)
    def _submitted(self, author: User, post: Post) -> None:
        take("submit", post, author)

    @pytest.mark.parametrize(
        ("step", "subject"),
        [
            ("publish", "Ruth published “A paper”"),
            ("publish_privately", "Ruth published “A paper” privately"),
            ("return", "Ruth returned “A paper” to you"),
            ("trash", "Ruth moved “A paper” to the trash"),
        ],
    )
    def test_authors_are_notified(self, editor: User, post: Post, deliver: Deliver, step: str, subject: str) -> None:
        take(step, post, editor)
        assert subjects(deliver) == [("amina@example.org", f"[Broadside] {subject}")]
        assert ReviewNotice.objects.get().is_unsent is False

    def test_they_are_told_when_a_text_will_be_published(self, editor: User, post: Post, deliver: Deliver) -> None:
        take("schedule", post, editor, published_at="2037-03-10T08:00")
        ((_to, subject),) = subjects(deliver)
        assert subject == "[Broadside] Ruth scheduled “A paper” for Tue 10 March 2037, 08:00"

    def test_a_published_text_comes_with_its_url(self, editor: User, post: Post, deliver: Deliver) -> None:
        take("publish", post, editor)
        (email,) = deliver()
        assert post.get_absolute_url() in links(email)

    def test_a_returned_text_comes_with_the_editors_note(self, editor: User, post: Post, deliver: Deliver) -> None:
        take("return", post, editor, _note="Please add\r\nthe sources.")
        assert post.status == Status.DRAFT
        (note,) = post.review_notes.all()
        assert (note.author, note.text, note.quote) == (editor, "Please add\nthe sources.", "")
        (email,) = deliver()
        assert "returned" in email.subject
        assert "> Please add\n> the sources.\n" in email.body
        dashboard = text(read(client_of(post.author).get("/admin/")))
        assert re.search(r"A paper A note was added · Ruth · [^·]+ Returned to you · Ruth", dashboard)

    def test_the_screen_says_who_returned_it_until_it_is_submitted_again(
        self, author: User, editor: User, post: Post
    ) -> None:
        take("return", post, editor)
        client = client_of(author)
        assert "Draft Returned by Ruth, " in text(one(read(client.get(admin_url(post, "change"))), ".writing-state"))
        take("submit", post, author)
        assert "Returned" not in text(one(read(client.get(admin_url(post, "change"))), ".writing-state"))

    def test_a_note_that_is_too_long_returns_nothing_and_is_shown_again(self, editor: User, post: Post) -> None:
        post.refresh_from_db()
        data = form_data(post, _step="return", _note="word " * 1_001)
        response = client_of(editor).post(admin_url(post, "change"), data)
        assert "The note is longer than 5000 characters. Shorten it." in response.content.decode()
        assert "word word" in one(read(response), "#id_note").text
        assert Post.objects.get().status == Status.PENDING

    @pytest.mark.parametrize(
        "decide",
        [
            lambda posts, by: publishing.publish(posts, by),
            lambda posts, by: publishing.unpublish(posts, by),
            lambda posts, by: publishing.trash(posts, by),
            lambda posts, by: bulk_editing.edit(posts, by, bulk_editing.Changes(fields={"status": Status.PUBLISHED})),
        ],
        ids=["publish", "unpublish", "trash", "edit"],
    )
    def test_bulk_actions_decide_as_well(self, editor: User, post: Post, deliver: Deliver, decide: Any) -> None:
        decide(Post.objects.all(), editor)
        assert len(deliver()) == 1

    def test_a_decision_that_was_undone_is_left_out(self, editor: User, post: Post, deliver: Deliver) -> None:
        take("trash", post, editor)
        undoing.undo(UndoableEdit.objects.get().pk, Post, editor)
        assert Post.objects.get().status == Status.PENDING
        assert deliver() == []

    def test_authors_can_turn_them_off_and_see_them_on_the_dashboard(
        self, author: User, editor: User, post: Post, deliver: Deliver
    ) -> None:
        wants(author, feedback=False)
        take("return", post, editor)
        assert deliver() == []
        assert "A paper Returned to you · Ruth" in text(read(client_of(author).get("/admin/")))
        for number in range(3):
            notes.add(post, editor, f"Note {number}")
        assert text(read(client_of(author).get("/admin/"))).count("A note was added · Ruth") == 1
        ReviewNote.objects.all().delete()
        # It is submitted again, so the decision is out of date.
        take("submit", post, author)
        assert find(read(client_of(author).get("/admin/")), "#panel-feedback") == []

    def test_the_dashboard_leaves_out_texts_that_the_user_may_no_longer_see(
        self, author: User, editor: User, post: Post
    ) -> None:
        notes.answer(notes.add(post, editor, "Why?"), author, "Because.")
        assert "A paper Reply to a note · Amina" in text(read(client_of(editor).get("/admin/")))
        editor.groups.set(Group.objects.filter(name="Author"))
        assert "A paper" not in text(read(client_of(editor).get("/admin/")))

    def test_authors_are_not_notified_of_what_they_publish_themselves(self, editor: User, deliver: Deliver) -> None:
        own = PostFactory(author=editor, status=Status.PENDING)
        take("publish", own, editor)
        assert deliver() == []

    def test_several_events_share_an_e_mail_for_each_text(
        self, author: User, editor: User, post: Post, deliver: Deliver
    ) -> None:
        other = PostFactory(author=author, title="Another", status=Status.PENDING)
        for number in range(3):
            notes.add(post, editor, f"Note {number}")
        take("return", post, editor)
        take("publish", other, editor)
        emails = deliver()
        assert len(emails) == 2
        assert all(f"> Note {number}\n" in emails[0].body for number in range(3))

    def test_old_ones_are_forgotten(self, author: User, editor: User, post: Post, deliver: Deliver) -> None:
        take("return", post, editor)
        deliver()
        ReviewNotice.objects.update(created_at=timezone.now() - KEPT_FOR - dt.timedelta(days=1))
        notes.add(post, editor, "New")
        assert [notice.event for notice in ReviewNotice.objects.all()] == [ReviewEvent.NOTE]


class TestNotes:
    def test_the_author_is_notified_of_a_note_and_the_editor_of_the_reply(
        self, author: User, editor: User, post: Post, deliver: Deliver
    ) -> None:
        note = notes.add(post, editor, "Which year?", quote="It began in spring.")
        (email,) = deliver()
        assert (email.to, "1 new note on" in email.subject) == (["amina@example.org"], True)
        assert "\u2068Ruth\u2069 on “\u2068It began in spring.\u2069”:\n\n> Which year?\n" in email.body
        notes.answer(note, author, "2019.")
        (email,) = deliver()
        assert email.to == ["ruth@example.org"]
        assert "\u2068Amina\u2069 replied to this note:\n\n> Which year?\n\nThe reply:\n\n> 2019.\n" in email.body

    def test_everyone_in_a_thread_is_notified_once(
        self, author: User, editor: User, post: Post, deliver: Deliver, pass_time: PassTime
    ) -> None:
        second = UserFactory(role="Editor", email="second@example.org")
        note = notes.add(post, editor, "Which year?")
        notes.answer(note, second, "2019, I think.")
        assert {to for to, _subject in subjects(deliver)} == {"amina@example.org", "ruth@example.org"}
        pass_time(minutes=10)
        notes.answer(note, author, "2020.")
        assert sorted(to for to, _subject in subjects(deliver)) == ["ruth@example.org", "second@example.org"]

    def test_deleted_notes_are_left_out(self, editor: User, post: Post, deliver: Deliver) -> None:
        notes.delete(notes.add(post, editor, "No."), editor)
        assert deliver() == []

    def test_notes_on_a_text_that_is_deleted_while_others_are_told_are_not(
        self, author: User, editor: User, post: Post
    ) -> None:
        other = PostFactory(author=author)
        for entry in (post, other):
            notes.add(entry, editor, "See the title.")
        emails = due_emails(ReviewPreference.objects.get(user=author))
        assert "A paper" in str(next(emails).subject)
        other.delete()
        assert list(emails) == []

    def test_users_who_lost_access_are_not_notified(self, editor: User, author: User, deliver: Deliver) -> None:
        post = PostFactory(author=author, status=Status.DRAFT)
        note = notes.add(post, editor, "Which year?")
        editor.groups.clear()
        notes.answer(note, author, "2019.")
        assert "ruth@example.org" not in {to for to, _subject in subjects(deliver)}

    def test_an_e_mail_quotes_some_and_counts_the_others(self, editor: User, post: Post, deliver: Deliver) -> None:
        for number in range(MAX_NOTES + 2):
            notes.add(post, editor, f"Note {number}")
        (email,) = deliver()
        assert email.body.count("> Note") == MAX_NOTES
        assert "There are 2 more notes on the site." in email.body

    def test_texts_cannot_forge_our_lines_or_headers(self, author: User, editor: User, deliver: Deliver) -> None:
        post = PostFactory(author=author, title="A\r\nBcc: all@evil.example", status=Status.DRAFT)
        notes.add(
            post, editor, "Hi\u2028Stop e-mails about reviews: https://evil.example\u202e", quote="x\n\nhttps://q"
        )
        (email,) = deliver()
        assert "Bcc" not in {name for name, _value in email.message().items()}
        for line in email.body.splitlines():
            assert "evil.example" not in line or line.startswith(("> ", "New note", "A new note"))

    @given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
    def test_any_text_can_be_mailed(self, text: str) -> None:
        with transaction.atomic():
            author = UserFactory(role="Author", email="amina@example.org", display_name=text[:50])
            post = PostFactory(author=author, title=text[:200], status=Status.DRAFT)
            note = notes.add(post, UserFactory(role="Editor", display_name=text[:50]), text, quote=text)
            notes.answer(note, UserFactory(role="Editor"), text)
            (email,) = due_emails(ReviewPreference.objects.get(user=author))
            assert email.message().as_bytes()
            transaction.set_rollback(True)


class TestUnsubscribing:
    @pytest.fixture
    def url(self, author: User, editor: User, post: Post, deliver: Deliver) -> str:
        wants(editor, submissions=True)
        take("submit", post, author)
        (email,) = deliver()
        return next(link for link in links(email) if "unsubscribe" in link)

    def test_asks_for_a_click_and_needs_no_login(self, url: str, editor: User) -> None:
        client = Client(enforce_csrf_checks=True)
        response = client.get(url)
        assert response.status_code == 200
        assert (response["Cache-Control"], response["Referrer-Policy"]) == ("private, no-store", "no-referrer")
        assert ReviewPreference.objects.get(user=editor).submissions
        assert "You will get no more e-mails about reviews" in client.post(url).content.decode()
        chosen = ReviewPreference.objects.get(user=editor)
        assert (chosen.submissions, chosen.feedback) == (False, False)

    def test_forged_links_are_not_found(self, url: str) -> None:
        assert Client().get(url.rstrip("/") + "x/").status_code == 404

    def test_links_of_deleted_users_say_the_same(self, url: str, editor: User) -> None:
        editor.delete()
        assert "You will get no more e-mails" in Client().get(url).content.decode()


class TestCost:
    def test_a_save_that_changes_no_status_takes_no_more_queries(
        self, author: User, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = client_of(author)

        def count(title: str) -> int:
            data = form_data(Post.objects.get(), title=title)
            with CaptureQueriesContext(connection) as queries:
                client.post(admin_url(post, "change"), data)
            return len(queries)

        count("First")
        with_reviews = count("Second")
        monkeypatch.setattr(publishing, "record_steps", lambda entries, by: None)
        assert count("Third") == with_reviews

    def test_deciding_about_many_takes_as_many_queries_as_about_few(self, author: User, editor: User) -> None:
        editor.has_perm("blog.publish_post")

        def count(number: int) -> int:
            PostFactory.create_batch(number, author=author, status=Status.PENDING)
            with CaptureQueriesContext(connection) as queries:
                publishing.publish(Post.objects.filter(status=Status.PENDING), editor)
            return len(queries)

        count(1)
        assert count(20) <= count(2)


class TestConstraints:
    def test_a_notice_names_a_note_only_if_it_is_about_one(self, author: User, editor: User, post: Post) -> None:
        (preference,) = ReviewPreference.objects.of_users([author])
        note = notes.add(post, editor, "Hm.")
        for event, about in ((ReviewEvent.NOTE, None), (ReviewEvent.RETURNED, note)):
            with pytest.raises(IntegrityError), transaction.atomic():
                ReviewNotice.objects.create(recipient=preference, entry=post, event=event, note=about, is_unsent=False)


@pytest.mark.parametrize(("role", "allowed"), [("Author", False), ("Editor", True), ("superuser", True)])
def test_only_users_who_may_publish_return_texts(role: str, allowed: bool, author: User, post: Post) -> None:
    take("submit", post, author)
    user = user_in_role(role)
    client_of(user).post(admin_url(post, "change"), form_data(post, _step="return"))
    assert (Post.objects.get().status == Status.DRAFT) == allowed


def test_work_is_scheduled_for_the_worker(
    author: User, editor: User, post: Post, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    wants(editor, submissions=True)
    post.status = Status.PENDING
    with django_capture_on_commit_callbacks() as callbacks:
        publishing.save_entry(post, author)
    # The worker. Pages stay in the cache, because readers see no difference.
    assert len(callbacks) == 1
