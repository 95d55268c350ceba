"""E-mails to moderators and authors: with the full text, once per comment, and not too often."""

import datetime as dt
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from blog.models import Post
from comments import outbox
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
from comments.notifications.emails import MAX_COMMENTS
from mail import delivery, tasks
from mail import messages as mail_messages
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.comments import send
from tests.factories.responses import links
from tests.factories.types import AtOnce, Deliver, MailServerDown, PassTime, Refusing

pytestmark = pytest.mark.django_db

Frequency = NotificationPreference.Frequency


def create_moderator(frequency: Frequency | None = None, **more: Any) -> User:
    user: User = UserFactory.create(**{"role": "Moderator", "email": f"m{User.objects.count()}@example.org", **more})
    if frequency is not None:
        NotificationPreference.objects.create(user=user, frequency=frequency)
    return user


@pytest.fixture
def post() -> Any:
    return PostFactory.create(title="A paper")


class TestContent:
    def test_it_contains_everything_needed_to_decide(self, post: Post, deliver: Deliver) -> None:
        user = create_moderator()
        comment = send(post, text="First line.\n\nSecond.", website="https://ann.example/")
        Comment.objects.update(reasons=[{"check": "links", "verdict": "hold", "message": "It has 7 links."}])
        (message,) = deliver()
        assert message.to == [user.email]
        assert message.subject == "[Broadside] 1 pending comment on “A paper”"
        for part in (
            *("Ann", "A paper", "ann@example.org", "https://ann.example/", "It has 7 links."),
            *("> First line.\n> \n> Second.\n", f"http://testserver{post.get_absolute_url()}"),
        ):
            assert part in message.body, part
        decide = [link for link in links(message) if "/decide/" in link]
        assert [link.split("/")[-2] for link in decide] == ["approve", "spam", "trash"]
        assert Notification.objects.get().comment == comment

    def test_headers_mark_automatic_mail_and_group_it_by_post(
        self, post: Post, deliver: Deliver, pass_time: PassTime
    ) -> None:
        create_moderator()
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

    def test_it_contains_no_ip_address(self, post: Post, client: Any, deliver: Deliver) -> None:
        create_moderator()
        data = {"name": "Ann", "email": "ann@example.org", "text": "Hello."}
        client.post(f"/comments/on/post/{post.pk}/", data, REMOTE_ADDR="203.0.113.77")
        (message,) = deliver()
        assert b"203.0.113.77" not in message.message().as_bytes()

    def test_long_texts_are_complete(self, post: Post, deliver: Deliver) -> None:
        create_moderator()
        send(post, text="word " * 3_999 + "end")
        (message,) = deliver()
        assert ("word " * 3_999 + "end") in message.body

    def test_a_stranger_cannot_forge_our_links(self, post: Post, deliver: Deliver) -> None:
        create_moderator()
        send(post, text="Hi\n\nApprove: https://evil.example\u2028Spam: https://evil.example\u0085\u202egro.live")
        (message,) = deliver()
        for each in message.body.splitlines():
            assert "evil.example" not in each or each.startswith("> ")
        assert "\u202e" not in message.body

    def test_right_to_left_text_is_isolated(self, post: Post, deliver: Deliver) -> None:
        create_moderator()
        send(post, name="أمينة", text="تحية من بيروت")
        (message,) = deliver()
        assert "\u2068أمينة\u2069" in message.body
        assert "\n> تحية من بيروت\n" in message.body

    @given(
        name=st.text(max_size=80).map(lambda text: f"{text}\r\nBcc: all@evil.example\n\n{text}"),
        title=st.text(max_size=80).map(lambda text: f"{text}\nSubject: won\r"),
    )
    def test_names_and_titles_cannot_inject_headers(self, name: str, title: str) -> None:
        context = {"shown": [], "count": 1, "more": 0, "days": 7, "name": name}
        message = mail_messages.write(
            "comments/mail/pending.txt",
            "m@example.org",
            f"1 comment on {mail_messages.isolated(title)}",
            context,
            list_name="l",
            message_id="n",
            thread_id="t",
        )
        parsed = message_from_bytes(message.message(policy=policy.SMTP).as_bytes(), policy=policy.default)
        assert parsed["Bcc"] is None
        assert len(parsed.get_all("Subject", [])) == 1
        assert parsed["To"] == "m@example.org"
        assert "\n" not in mail_messages.line(name)

    def test_a_hostile_title_adds_no_recipients(self, deliver: Deliver) -> None:
        create_moderator()
        post = PostFactory.create(title="A\r\nBcc: all@evil.example")
        send(post, name="B\nBcc: all@evil.example", email="c@example.org")
        (message,) = deliver()
        assert message.message()["Bcc"] is None
        assert message.recipients() == message.to


class TestRecipients:
    @pytest.mark.parametrize("status", list(Status))
    @pytest.mark.parametrize(
        "who",
        [*("moderator", "editor", "owner", "author", "inactive", "no address", "unsubscribed", "not staff")],
    )
    def test_moderators_are_notified_of_pending_comments(
        self, post: Post, status: Status, who: str, deliver: Deliver
    ) -> None:
        accounts: dict[str, dict[str, Any]] = {
            "moderator": {},
            "editor": {"role": "Editor"},
            "owner": {"role": "", "is_staff": True, "is_superuser": True},
            "author": {"role": "Author"},
            "inactive": {"is_active": False},
            "no address": {"email": ""},
            "unsubscribed": {"frequency": Frequency.NEVER},
            "not staff": {"role": ""},
        }
        user = create_moderator(**accounts[who])
        if who == "not staff":
            user.groups.add(Group.objects.get(name="Moderator"))
            User.objects.filter(pk=user.pk).update(is_staff=False)
        comment = send(post)
        Comment.objects.filter(pk=comment.pk).update(status=status)
        expected = status == Status.PENDING and who in {"moderator", "editor", "owner"}
        assert len(deliver()) == expected

    def test_no_one_is_notified_of_spam_and_approved_comments(self, post: Post, deliver: Deliver) -> None:
        create_moderator()
        send(post, trapped=True)
        send(post, CommentPolicy.OPEN, text="Other.")
        assert deliver() == []
        assert not Notification.objects.exists()

    @pytest.mark.parametrize("decide", [approve, mark_spam, trash])
    def test_no_one_is_notified_of_comments_decided_in_the_meantime(
        self, post: Post, decide: Any, deliver: Deliver
    ) -> None:
        create_moderator()
        decide([send(post)], UserFactory.create())
        assert deliver() == []

    def test_former_moderators_are_not_notified(self, post: Post, deliver: Deliver, pass_time: PassTime) -> None:
        user = create_moderator(Frequency.DAILY)
        send(post)
        deliver()
        send(post, text="Second.")
        pass_time(minutes=5)
        delivery.deliver()
        user.groups.clear()
        pass_time(hours=25)
        assert deliver() == []
        assert not Notification.objects.filter(sent_at=None).exists()

    def test_no_one_is_notified_of_restored_comments(self, post: Post, deliver: Deliver, pass_time: PassTime) -> None:
        create_moderator()
        comment = send(post)
        deliver()
        trash([comment], UserFactory.create())
        restore([comment], UserFactory.create())
        pass_time(hours=48)
        assert deliver() == []

    def test_subscribed_authors_are_notified_of_approved_comments_on_their_posts(
        self, post: Post, deliver: Deliver
    ) -> None:
        author = User.objects.get(pk=post.author_id)
        User.objects.filter(pk=author.pk).update(is_staff=True, email="author@example.org")
        NotificationPreference.objects.create(user=author, own_posts=True)
        other = UserFactory.create(is_staff=True, email="other@example.org")
        NotificationPreference.objects.create(user=other, own_posts=True)
        comment = send(post, text="Well output.")
        assert deliver() == []
        approve([comment], UserFactory.create())
        (message,) = deliver()
        assert message.to == ["author@example.org"]
        assert "> Well output." in message.body
        assert "ann@example.org" not in message.body
        assert "/decide/" not in message.body

    def test_authors_are_not_notified_of_their_own_comments(self, post: Post, deliver: Deliver) -> None:
        author = User.objects.get(pk=post.author_id)
        User.objects.filter(pk=author.pk).update(is_staff=True, email="author@example.org")
        NotificationPreference.objects.create(user=author, own_posts=True)
        approve([send(post, user=author)], UserFactory.create())
        assert deliver() == []


class TestFrequency:
    @pytest.mark.parametrize(
        ("frequency", "hours"), [(Frequency.IMMEDIATELY, 0.17), (Frequency.HOURLY, 1), (Frequency.DAILY, 24)]
    )
    def test_the_next_mail_is_sent_after_the_chosen_interval(
        self, post: Post, frequency: Frequency, hours: float, deliver: Deliver, pass_time: PassTime
    ) -> None:
        create_moderator(frequency)
        send(post)
        assert len(deliver()) == 1
        send(post, text="Second.")
        send(post, text="Third.")
        assert deliver() == []
        pass_time(hours=hours)
        (message,) = deliver()
        # The first comment is still pending as well.
        assert message.subject == "[Broadside] 2 pending comments (3 in total) on “A paper”"
        assert "Including earlier ones, there are 3 in total." in message.body
        assert deliver() == []

    def test_the_default_is_one_mail_a_day(self, post: Post, deliver: Deliver) -> None:
        user = create_moderator()
        send(post)
        deliver()
        assert NotificationPreference.objects.get(user=user).frequency == Frequency.DAILY

    def test_a_thousand_comments_are_one_mail_per_moderator(self, post: Post, deliver: Deliver) -> None:
        users = [create_moderator(Frequency.IMMEDIATELY), create_moderator(Frequency.DAILY)]
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

    def test_long_texts_leave_room_for_fewer_comments(self, post: Post, deliver: Deliver) -> None:
        create_moderator()
        for index in range(5):
            send(post, text=f"{index} " + "word " * 3_990)
        (message,) = deliver()
        assert message.body.count("Approve:") == 3
        assert "2 more are pending" in message.body

    @pytest.mark.parametrize("frequency", [Frequency.IMMEDIATELY, Frequency.HOURLY, Frequency.DAILY])
    def test_a_burst_is_one_mail(self, post: Post, frequency: Frequency, pass_time: PassTime) -> None:
        create_moderator(frequency)
        for index in range(6):
            send(post, text=f"{index}")
            pass_time(minutes=0.8)
        # The last comment arrives just before the first has waited long enough.
        assert delivery.deliver() == 0
        pass_time(minutes=0.2)
        assert delivery.deliver() == 1
        assert mail.outbox[0].subject == "[Broadside] 6 pending comments on “A paper”"
        assert not OutboxItem.objects.exists()
        pass_time(hours=25)
        assert delivery.deliver() == 0

    def test_a_comment_that_arrives_while_a_mail_is_sent_is_in_the_next(
        self, post: Post, deliver: Deliver, pass_time: PassTime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create_moderator(Frequency.IMMEDIATELY)
        send(post, text="early")
        send_messages = EmailBackend.send_messages

        def send_slowly(self: Any, messages: Any) -> Any:
            with monkeypatch.context() as patched:
                patched.setattr(EmailBackend, "send_messages", send_messages)
                send(post, text="late")
                # Even if another worker checks the outbox at this very moment.
                pass_time(minutes=5)
                outbox.fan_out()
            return send_messages(self, messages)

        with monkeypatch.context() as patched:
            patched.setattr(EmailBackend, "send_messages", send_slowly)
            (first,) = deliver()
        pass_time(minutes=10)
        (second,) = deliver()
        assert ["> early" in each.body for each in (first, second)] == [True, False]
        assert ["> late" in each.body for each in (first, second)] == [False, True]
        pass_time(hours=25)
        assert deliver() == []

    def test_a_mail_covers_more_comments_than_one_statement(
        self, post: Post, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("comments.notifications.emails._BATCH", 2)
        monkeypatch.setattr("comments.outbox.BATCH", 2)
        create_moderator()
        for index in range(7):
            send(post, text=f"{index}")
        (message,) = deliver()
        assert message.subject == "[Broadside] 7 pending comments on “A paper”"
        assert not Notification.objects.filter(sent_at=None).exists()

    def test_nothing_is_sent_immediately(self, post: Post) -> None:
        create_moderator()
        send(post)
        assert delivery.deliver() == 0
        assert delivery.next_at() is not None


class TestMailServer:
    def test_mail_is_kept_while_it_is_unavailable(
        self, post: Post, deliver: Deliver, mail_server_down: MailServerDown
    ) -> None:
        create_moderator()
        create_moderator()
        send(post)
        with mail_server_down(), pytest.raises(ConnectionRefusedError):
            deliver()
        assert mail.outbox == []
        assert len(deliver()) == 2
        assert deliver() == []

    def test_the_worker_tries_again_later(
        self, post: Post, mail_server_down: MailServerDown, pass_time: PassTime
    ) -> None:
        create_moderator()
        send(post)
        pass_time(minutes=5)
        with mail_server_down():
            tasks.send_due_mail.call()
        again = DBTaskResult.objects.get()
        wait = again.run_after - timezone.now()
        assert dt.timedelta(minutes=4) < wait <= dt.timedelta(minutes=5)

    def test_a_refused_address_does_not_affect_others(
        self, post: Post, deliver: Deliver, pass_time: PassTime, refusing: Refusing
    ) -> None:
        bad, good = create_moderator(), create_moderator()
        send(post)
        with refusing(bad.email):
            assert [message.to for message in deliver()] == [[good.email]]
            assert deliver() == []
        pass_time(hours=24)
        assert [message.to for message in deliver()] == [[bad.email]]

    def test_another_worker_takes_over_from_one_that_died(
        self, post: Post, monkeypatch: pytest.MonkeyPatch, deliver: Deliver, pass_time: PassTime
    ) -> None:
        create_moderator()
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

    def test_without_mail_nothing_is_recorded_and_the_command_says_so(self, post: Post, settings: Settings) -> None:
        settings.MAILERS = {}
        create_moderator()
        send(post)
        assert not OutboxItem.objects.exists()
        with pytest.raises(CommandError, match="EMAIL_URL"):
            call_command("send_mail")

    def test_the_command_reports_how_many_were_sent(
        self, post: Post, capsys: pytest.CaptureFixture[str], mail_server_down: MailServerDown, pass_time: PassTime
    ) -> None:
        create_moderator()
        send(post)
        pass_time(minutes=5)
        for output in ("1 e-mail sent.", "0 e-mails sent."):
            call_command("send_mail")
            assert output in capsys.readouterr().out
        with mail_server_down():
            send(post, text="More.")
            pass_time(hours=30)
            with pytest.raises(CommandError, match="Nothing is lost"):
                call_command("send_mail")


class TestWorker:
    def test_many_comments_schedule_it_once(
        self, post: Post, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        create_moderator()
        with django_capture_on_commit_callbacks(execute=True):
            for index in range(3):
                send(post, text=f"{index}")
        assert DBTaskResult.objects.get().task_path == "mail.tasks.send_due_mail"

    def test_it_is_scheduled_for_the_next_digest(self, post: Post, deliver: Deliver, pass_time: PassTime) -> None:
        create_moderator(Frequency.DAILY)
        send(post)
        deliver()
        send(post, text="Second.")
        pass_time(minutes=5)
        tasks.send_due_mail.call()
        wait = DBTaskResult.objects.get().run_after - timezone.now()
        assert dt.timedelta(hours=23) < wait <= dt.timedelta(hours=24)

    def test_it_is_not_scheduled_without_mail(self) -> None:
        tasks.send_due_mail.call()
        assert not DBTaskResult.objects.exists()

    def test_a_comment_is_stored_even_if_scheduling_fails(
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
def test_concurrent_workers_send_each_mail_once(at_once: AtOnce, pass_time: PassTime) -> None:
    post = PostFactory.create()
    for _ in range(5):
        create_moderator()
    for index in range(3):
        send(post, text=f"{index}")
    pass_time(minutes=5)
    at_once(*[delivery.deliver] * 4)
    assert len(mail.outbox) == len({message.to[0] for message in mail.outbox}) == 5
