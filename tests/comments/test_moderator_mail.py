"""Moderators are told by e-mail of what waits: the whole text, once each, however much comes."""

import datetime as dt
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from blog.models import Post
from comments.models import (
    Comment,
    CommentPolicy,
    Notification,
    NotificationPreference,
    OutboxItem,
)
from comments.models import (
    CommentStatus as Status,
)
from comments.moderation.decisions import approve, mark_spam, restore, trash
from comments.notifications.comment_mail import MAX_COMMENTS
from mail import delivery, outbox, tasks
from mail import messages as mail_rooms
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.comments import send
from tests.factories.responses import links
from tests.factories.types import AtOnce, Deliver, MailServerAway, PassTime, Refusing

pytestmark = pytest.mark.django_db

Frequency = NotificationPreference.Frequency


def moderator(frequency: Frequency | None = None, **more: Any) -> User:
    user: User = UserFactory.create(**{"role": "Moderator", "email": f"m{User.objects.count()}@example.org", **more})
    if frequency is not None:
        NotificationPreference.objects.create(user=user, frequency=frequency)
    return user


@pytest.fixture
def post() -> Any:
    return PostFactory.create(title="A paper")


class TestWhatTheySay:
    def test_all_that_is_needed_to_decide(self, post: Post, deliver: Deliver) -> None:
        user = moderator()
        comment = send(post, text="First line.\n\nSecond.", website="https://ann.example/")
        Comment.objects.update(reasons=[{"check": "links", "verdict": "hold", "message": "It has 7 links."}])
        (message,) = deliver()
        assert message.to == [user.email]
        assert message.subject == "[Broadside] 1 pending comment on A paper"
        for words in (
            *("Ann", "A paper", "ann@example.org", "https://ann.example/", "It has 7 links."),
            *("> First line.\n> \n> Second.\n", f"http://testserver{post.get_absolute_url()}"),
        ):
            assert words in message.body, words
        decide = [link for link in links(message) if "/decide/" in link]
        assert [link.split("/")[-2] for link in decide] == ["approve", "spam", "trash"]
        assert Notification.objects.get().comment == comment

    def test_they_say_that_a_machine_wrote_them_and_stand_together_by_post(
        self, post: Post, deliver: Deliver, pass_time: PassTime
    ) -> None:
        moderator()
        send(post)
        (first,) = deliver()
        send(post, text="Another.")
        pass_time(hours=24)
        (second,) = deliver()
        for message in (first, second):
            headers = message.message()
            assert headers["Auto-Submitted"] == "auto-generated"
            assert headers["List-Id"] == "<comments.testserver>"
            assert headers["References"] == headers["In-Reply-To"] == f"<post-{post.pk}@testserver>"
        assert first.message()["Message-ID"] != second.message()["Message-ID"]

    def test_no_mail_holds_an_address_of_the_network(self, post: Post, client: Any, deliver: Deliver) -> None:
        moderator()
        words = {"name": "Ann", "email": "ann@example.org", "text": "Hello."}
        client.post(f"/comments/on/post/{post.pk}/", words, REMOTE_ADDR="203.0.113.77")
        (message,) = deliver()
        assert b"203.0.113.77" not in message.message().as_bytes()

    def test_a_long_text_is_whole(self, post: Post, deliver: Deliver) -> None:
        moderator()
        send(post, text="word " * 3_999 + "end")
        (message,) = deliver()
        assert ("word " * 3_999 + "end") in message.body

    def test_a_stranger_cannot_forge_our_links(self, post: Post, deliver: Deliver) -> None:
        moderator()
        send(post, text="Hi\n\nApprove: https://evil.example\u2028Spam: https://evil.example\u0085\u202egro.live")
        (message,) = deliver()
        for each in message.body.splitlines():
            assert "evil.example" not in each or each.startswith("> ")
        assert "\u202e" not in message.body

    def test_right_to_left_words_stand_by_themselves(self, post: Post, deliver: Deliver) -> None:
        moderator()
        send(post, name="أمينة", text="تحية من بيروت")
        (message,) = deliver()
        assert "\u2068أمينة\u2069" in message.body
        assert "\n> تحية من بيروت\n" in message.body

    @given(
        name=st.text(max_size=80).map(lambda words: f"{words}\r\nBcc: all@evil.example\n\n{words}"),
        title=st.text(max_size=80).map(lambda words: f"{words}\nSubject: won\r"),
    )
    def test_no_name_or_title_reaches_a_header_of_its_own(self, name: str, title: str) -> None:
        words = {"shown": [], "count": 1, "more": 0, "days": 7, "name": name}
        message = mail_rooms.write(
            "comments/mail/pending.txt",
            "m@example.org",
            f"1 comment on {mail_rooms.isolated(title)}",
            words,
            list_name="l",
            message_id="n",
            thread_id="t",
        )
        parsed = message_from_bytes(message.message(policy=policy.SMTP).as_bytes(), policy=policy.default)
        assert parsed["Bcc"] is None
        assert len(parsed.get_all("Subject", [])) == 1
        assert parsed["To"] == "m@example.org"
        assert "\n" not in mail_rooms.line(name)

    def test_a_hostile_title_makes_no_header(self, deliver: Deliver) -> None:
        moderator()
        post = PostFactory.create(title="A\r\nBcc: all@evil.example")
        send(post, name="B\nBcc: all@evil.example", email="c@example.org")
        (message,) = deliver()
        assert message.message()["Bcc"] is None
        assert message.recipients() == message.to


class TestWhoIsTold:
    @pytest.mark.parametrize("status", list(Status))
    @pytest.mark.parametrize(
        "who",
        [*("moderator", "editor", "owner", "author", "inactive", "no address", "wants none", "not staff")],
    )
    def test_whoever_may_moderate_of_what_waits(self, post: Post, status: Status, who: str, deliver: Deliver) -> None:
        made: dict[str, dict[str, Any]] = {
            "moderator": {},
            "editor": {"role": "Editor"},
            "owner": {"role": "", "is_staff": True, "is_superuser": True},
            "author": {"role": "Author"},
            "inactive": {"is_active": False},
            "no address": {"email": ""},
            "wants none": {"frequency": Frequency.NEVER},
            "not staff": {"role": ""},
        }
        user = moderator(**made[who])
        if who == "not staff":
            user.groups.add(Group.objects.get(name="Moderator"))
        comment = send(post)
        Comment.objects.filter(pk=comment.pk).update(status=status)
        told = status == Status.PENDING and who in {"moderator", "editor", "owner"}
        assert len(deliver()) == told

    def test_spam_and_what_passes_are_told_to_nobody(self, post: Post, deliver: Deliver) -> None:
        moderator()
        send(post, trapped=True)
        send(post, CommentPolicy.OPEN, text="Other.")
        assert deliver() == []
        assert not Notification.objects.exists()

    @pytest.mark.parametrize("move", [approve, mark_spam, trash])
    def test_not_of_what_was_decided_meanwhile(self, post: Post, move: Any, deliver: Deliver) -> None:
        moderator()
        move([send(post)], UserFactory.create())
        assert deliver() == []

    def test_nor_who_may_not_moderate_any_more(self, post: Post, deliver: Deliver, pass_time: PassTime) -> None:
        user = moderator(Frequency.DAILY)
        send(post)
        deliver()
        send(post, text="Second.")
        pass_time(minutes=5)
        delivery.deliver()
        user.groups.clear()
        pass_time(hours=25)
        assert deliver() == []
        assert not Notification.objects.filter(sent_at=None).exists()

    def test_what_a_moderator_puts_back_into_the_queue_is_no_news(
        self, post: Post, deliver: Deliver, pass_time: PassTime
    ) -> None:
        moderator()
        comment = send(post)
        deliver()
        trash([comment], UserFactory.create())
        restore([comment], UserFactory.create())
        pass_time(hours=48)
        assert deliver() == []

    def test_authors_who_want_it_hear_of_approved_comments_on_their_posts(self, post: Post, deliver: Deliver) -> None:
        author = User.objects.get(pk=post.author_id)
        User.objects.filter(pk=author.pk).update(is_staff=True, email="author@example.org")
        NotificationPreference.objects.create(user=author, own_posts=True)
        other = UserFactory.create(is_staff=True, email="other@example.org")
        NotificationPreference.objects.create(user=other, own_posts=True)
        comment = send(post, text="Well said.")
        assert deliver() == []
        approve([comment], UserFactory.create())
        (message,) = deliver()
        assert message.to == ["author@example.org"]
        assert "> Well said." in message.body
        assert "ann@example.org" not in message.body
        assert "/decide/" not in message.body

    def test_authors_are_not_told_of_their_own_answers(self, post: Post, deliver: Deliver) -> None:
        author = User.objects.get(pk=post.author_id)
        User.objects.filter(pk=author.pk).update(is_staff=True, email="author@example.org")
        NotificationPreference.objects.create(user=author, own_posts=True)
        approve([send(post, user=author)], UserFactory.create())
        assert deliver() == []


class TestHowOften:
    @pytest.mark.parametrize(
        ("frequency", "hours"), [(Frequency.IMMEDIATELY, 0.17), (Frequency.HOURLY, 1), (Frequency.DAILY, 24)]
    )
    def test_the_next_mail_waits_as_long_as_was_chosen(
        self, post: Post, frequency: Frequency, hours: float, deliver: Deliver, pass_time: PassTime
    ) -> None:
        moderator(frequency)
        send(post)
        assert len(deliver()) == 1
        send(post, text="Second.")
        send(post, text="Third.")
        assert deliver() == []
        pass_time(hours=hours)
        (message,) = deliver()
        assert message.subject == "[Broadside] 2 pending comments on A paper"
        assert deliver() == []

    def test_who_has_chosen_nothing_gets_one_mail_a_day(self, post: Post, deliver: Deliver) -> None:
        user = moderator()
        send(post)
        deliver()
        assert NotificationPreference.objects.get(user=user).frequency == Frequency.DAILY

    def test_a_thousand_comments_are_one_mail_for_each(self, post: Post, deliver: Deliver) -> None:
        users = [moderator(Frequency.IMMEDIATELY), moderator(Frequency.DAILY)]
        comments = CommentFactory.create_batch(1_000, entry=post, status=Status.PENDING)
        OutboxItem.objects.bulk_create(OutboxItem(comment=comment, event="pending") for comment in comments)
        messages = deliver()
        assert sorted(message.to[0] for message in messages) == sorted(user.email for user in users)
        for message in messages:
            assert message.subject == "[Broadside] 1000 pending comments"
            assert message.body.count("Approve:") == MAX_COMMENTS
            assert "980 more are pending" in message.body
            assert len(message.body) < 100_000
        assert deliver() == []

    def test_long_texts_take_the_room_of_others(self, post: Post, deliver: Deliver) -> None:
        moderator()
        for number in range(5):
            send(post, text=f"{number} " + "word " * 3_990)
        (message,) = deliver()
        assert message.body.count("Approve:") == 3
        assert "2 more are pending" in message.body

    def test_nothing_is_sent_before_a_moment_has_passed(self, post: Post) -> None:
        moderator()
        send(post)
        assert delivery.deliver() == 0
        assert outbox.next_at() is not None


class TestTheMailServer:
    def test_while_it_is_away_everything_waits(
        self, post: Post, deliver: Deliver, mail_server_away: MailServerAway
    ) -> None:
        moderator()
        moderator()
        send(post)
        with mail_server_away(), pytest.raises(ConnectionRefusedError):
            deliver()
        assert mail.outbox == []
        assert len(deliver()) == 2
        assert deliver() == []

    def test_the_worker_comes_back_by_itself(
        self, post: Post, mail_server_away: MailServerAway, pass_time: PassTime
    ) -> None:
        moderator()
        send(post)
        pass_time(minutes=5)
        with mail_server_away():
            tasks.send_due_mail.call()
        again = DBTaskResult.objects.get()
        wait = again.run_after - timezone.now()
        assert dt.timedelta(minutes=4) < wait <= dt.timedelta(minutes=5)

    def test_one_refused_address_does_not_keep_others_from_theirs(
        self, post: Post, deliver: Deliver, pass_time: PassTime, refusing: Refusing
    ) -> None:
        bad, good = moderator(), moderator()
        send(post)
        with refusing(bad.email):
            assert [message.to for message in deliver()] == [[good.email]]
            assert deliver() == []
        pass_time(hours=24)
        assert [message.to for message in deliver()] == [[bad.email]]

    def test_a_worker_that_dies_leaves_the_mail_to_another(
        self, post: Post, monkeypatch: pytest.MonkeyPatch, deliver: Deliver, pass_time: PassTime
    ) -> None:
        moderator()
        send(post)

        def die(*args: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("mail.delivery._send", die)
            with pytest.raises(KeyboardInterrupt):
                deliver()
        assert deliver() == []
        pass_time(minutes=10)
        assert len(deliver()) == 1

    def test_without_one_nothing_is_noted_and_the_command_says_so(self, post: Post, settings: Settings) -> None:
        settings.MAILERS = {}
        moderator()
        send(post)
        assert not OutboxItem.objects.exists()
        with pytest.raises(CommandError, match="EMAIL_URL"):
            call_command("send_mail")

    def test_the_command_says_how_many_went(
        self, post: Post, capsys: pytest.CaptureFixture[str], mail_server_away: MailServerAway, pass_time: PassTime
    ) -> None:
        moderator()
        send(post)
        pass_time(minutes=5)
        for said in ("1 e-mail sent.", "0 e-mails sent."):
            call_command("send_mail")
            assert said in capsys.readouterr().out
        with mail_server_away():
            send(post, text="More.")
            pass_time(hours=30)
            with pytest.raises(CommandError, match="Nothing is lost"):
                call_command("send_mail")


class TestTheWorker:
    def test_many_comments_call_it_once(
        self, post: Post, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        moderator()
        with django_capture_on_commit_callbacks(execute=True):
            for number in range(3):
                send(post, text=f"{number}")
        assert DBTaskResult.objects.get().task_path == "mail.tasks.send_due_mail"

    def test_a_digest_brings_it_back_when_it_is_due(self, post: Post, deliver: Deliver, pass_time: PassTime) -> None:
        moderator(Frequency.DAILY)
        send(post)
        deliver()
        send(post, text="Second.")
        pass_time(minutes=5)
        tasks.send_due_mail.call()
        wait = DBTaskResult.objects.get().run_after - timezone.now()
        assert dt.timedelta(hours=23) < wait <= dt.timedelta(hours=24)

    def test_when_nothing_waits_it_stays_away(self) -> None:
        tasks.send_due_mail.call()
        assert not DBTaskResult.objects.exists()

    def test_a_comment_is_stored_even_if_nobody_can_be_called(
        self,
        post: Post,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        def fail(at: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr("mail.tasks.schedule_delivery", fail)
        with django_capture_on_commit_callbacks() as callbacks:
            send(post)
        assert callbacks
        assert OutboxItem.objects.count() == Comment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_moment_send_each_mail_once(at_once: AtOnce, pass_time: PassTime) -> None:
    post = PostFactory.create()
    for _ in range(5):
        moderator()
    for number in range(3):
        send(post, text=f"{number}")
    pass_time(minutes=5)
    at_once(*[delivery.deliver] * 4)
    assert len(mail.outbox) == len({message.to[0] for message in mail.outbox}) == 5
