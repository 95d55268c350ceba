"""Readers follow a discussion by e-mail: asked for, confirmed, ended by one click; nobody is bothered otherwise."""

import datetime as dt
from email import policy
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from blog.models import Page, Post
from blog.models import Status as EntryStatus
from comments.models import Comment, CommentKind, CommentPolicy, CommentSettings, Follower, Notification, RateCount
from comments.models import CommentStatus as Status
from comments.moderation.decisions import approve, mark_spam
from comments.moderation.submission import submit
from comments.notifications import subscriptions
from mail import outbox
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.responses import find, links, one, read
from tests.factories.types import Deliver, MailServerAway, PassTime, Refusing

pytestmark = pytest.mark.django_db

ADDRESS = "amina@example.org"


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def post() -> Any:
    return PostFactory.create(title="A paper")


def wish(client: Client, entry: Post | Page, email: str = ADDRESS, **more: Any) -> Any:
    return client.post(f"/comments/follow/{entry._meta.model_name}/{entry.pk}/", {"email": email}, **more)


def follower(entry: Post | Page, email: str = ADDRESS) -> Follower:
    """Somebody who has confirmed."""
    where = {"entry": entry}
    now = timezone.now()
    return Follower.objects.create(email=email, invited_at=now, confirmed_at=now, **where)


def send(entry: Post | Page, **words: Any) -> Comment:
    settings = CommentSettings(comment_policy=CommentPolicy.OPEN, proof_of_work=False)
    return submit(entry, settings=settings, **{"name": "Ann", "email": "ann@example.org", "text": "Hello.", **words})


class TestAsking:
    @pytest.mark.parametrize("kind", [PostFactory, PageFactory])
    def test_it_takes_a_mail_and_a_button(self, client: Client, kind: Any, deliver: Deliver) -> None:
        entry = kind.create(title="A paper")
        assert wish(client, entry).status_code == 200
        (message,) = deliver()
        assert message.to == [ADDRESS]
        (confirm,) = [link for link in links(message) if "/confirm/" in link]
        assert client.get(confirm).status_code == 200
        assert Follower.objects.get().confirmed_at is None
        assert client.post(confirm).status_code == 302
        assert Follower.objects.get().confirmed_at is not None
        send(entry)
        assert [each.to for each in deliver()] == [[ADDRESS]]

    def test_the_mail_that_asks_holds_nothing_that_a_stranger_wrote(
        self, client: Client, post: Post, deliver: Deliver
    ) -> None:
        words = {"name": "Buy-Now", "email": ADDRESS, "website": "https://spam.example/", "text": "Cheap!"}
        client.post(f"/comments/on/post/{post.pk}/", {**words, "follow": "on"})
        (message,) = deliver()
        whole = str(message.message()) + message.body
        for word in ("Buy-Now", "spam.example", "Cheap!"):
            assert word not in whole
        assert "A paper" in message.body

    def test_the_box_below_a_comment_is_off_unless_ticked(self, client: Client, post: Post) -> None:
        box = one(read(client.get(post.get_absolute_url())), "[name=follow]")
        assert box.get("checked") is None
        words = {"name": "Amina", "email": ADDRESS, "text": "Hello."}
        client.post(f"/comments/on/post/{post.pk}/", words)
        assert not Follower.objects.exists()
        client.post(f"/comments/on/post/{post.pk}/", {**words, "text": "More.", "follow": "on"})
        assert Follower.objects.get().email == ADDRESS

    def test_spam_has_no_mail_sent(self, client: Client, post: Post) -> None:
        words = {"name": "Amina", "email": ADDRESS, "text": "Hello.", "follow": "on", "subject": "x"}
        client.post(f"/comments/on/post/{post.pk}/", words)
        assert Comment.objects.get().status == Status.SPAM
        assert not Follower.objects.exists()

    def test_the_answer_tells_nobody_who_follows(self, client: Client, post: Post, deliver: Deliver) -> None:
        first = wish(client, post)
        again = wish(client, post)
        Follower.objects.update(confirmed_at=timezone.now(), invited_at=timezone.now())
        follows = wish(client, post, ADDRESS.upper())
        assert first.content == again.content == follows.content
        assert first.headers == follows.headers
        assert not first.cookies
        assert deliver() == []

    def test_what_is_no_address_is_refused_and_kept(self, client: Client, post: Post) -> None:
        response = wish(client, post, "amina@")
        assert response.status_code == 400
        assert one(read(response), "#follow-email").get("value") == "amina@"
        assert not Follower.objects.exists()

    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
    def test_the_page_of_another_site_cannot_ask(self, client: Client, post: Post, headers: dict[str, str]) -> None:
        assert wish(client, post, headers=headers).status_code == 403
        assert not Follower.objects.exists()

    @pytest.mark.parametrize("status", [each for each in EntryStatus if each != EntryStatus.PUBLISHED])
    def test_hidden_entries_have_no_followers(self, client: Client, status: EntryStatus) -> None:
        assert wish(client, PostFactory.create(status=status)).status_code == 404

    def test_without_a_mail_server_nothing_is_offered(self, client: Client, post: Post, settings: Settings) -> None:
        settings.MAILERS = {}
        page = read(client.get(post.get_absolute_url()))
        assert find(page, "[name=follow]") == find(page, ".follow-form") == []
        assert wish(client, post).status_code == 404

    def test_nor_if_the_site_does_not_want_it(self, client: Client, post: Post) -> None:
        CommentSettings.objects.update(follow_by_mail=False)
        page = read(client.get(post.get_absolute_url()))
        assert find(page, "[name=follow]") == find(page, ".follow-form") == []
        assert wish(client, post).status_code == 404
        words = {"name": "Amina", "email": ADDRESS, "text": "Hello.", "follow": "on"}
        assert client.post(f"/comments/on/post/{post.pk}/", words).status_code == 302
        assert not Follower.objects.exists()

    def test_then_those_who_follow_get_no_mail_and_can_still_end_it(
        self, client: Client, post: Post, deliver: Deliver
    ) -> None:
        wish(client, PostFactory.create())
        found = follower(post)
        send(post)
        CommentSettings.objects.update(follow_by_mail=False)
        assert deliver() == []
        assert outbox.next_at() is None
        CommentSettings.objects.update(follow_by_mail=True)
        (asked,) = deliver()
        assert "/confirm/" in asked.body
        assert client.post(subscriptions.unsubscribe_url(found)).status_code == 200
        assert not Follower.objects.filter(pk=found.pk).exists()

    def test_public_pages_stay_the_same_for_all(self, client: Client, post: Post) -> None:
        before = client.get(post.get_absolute_url())
        follower(post)
        wish(client, post)
        after = client.get(post.get_absolute_url())
        assert before.content == after.content
        assert not after.cookies


class TestNobodyIsBombed:
    def test_one_address_is_asked_once_a_day_about_an_entry(
        self, client: Client, post: Post, deliver: Deliver, pass_time: PassTime
    ) -> None:
        for _ in range(2):
            wish(client, post)
            RateCount.objects.all().delete()
        assert len(deliver()) == 1
        wish(client, post)
        assert deliver() == []
        pass_time(hours=25)
        RateCount.objects.all().delete()
        wish(client, post)
        assert len(deliver()) == 1

    def test_and_about_no_more_than_three_while_none_is_confirmed(self, client: Client, deliver: Deliver) -> None:
        for post in PostFactory.create_batch(6):
            wish(client, post)
            RateCount.objects.all().delete()
        assert len(deliver()) == subscriptions.MAX_UNCONFIRMED == 3

    def test_one_sender_cannot_have_many_asked(self, client: Client, post: Post, deliver: Deliver) -> None:
        for number in range(15):
            wish(client, post, f"a{number}@example.org")
        assert len(deliver()) == 10

    def test_no_address_is_kept_to_count_it(self, client: Client, post: Post) -> None:
        wish(client, post)
        kept = " ".join(RateCount.objects.values_list("sender", flat=True))
        assert kept
        assert ADDRESS not in kept
        assert "127.0.0.1" not in kept


class TestConfirming:
    def test_after_a_week_it_is_too_late_and_the_address_is_forgotten(
        self, client: Client, post: Post, deliver: Deliver, pass_time: PassTime
    ) -> None:
        wish(client, post)
        (message,) = deliver()
        (confirm,) = [link for link in links(message) if "/confirm/" in link]
        pass_time(hours=24 * 7 + 1)
        assert client.get(confirm).status_code == client.post(confirm).status_code == 410
        assert Follower.objects.get().confirmed_at is None
        call_command("tidy_comments", verbosity=0)
        assert not Follower.objects.exists()
        assert client.get(confirm).status_code == 410

    def test_those_who_have_confirmed_stay(self, post: Post, pass_time: PassTime) -> None:
        follower(post)
        pass_time(hours=24 * 100)
        call_command("tidy_comments", verbosity=0)
        assert Follower.objects.exists()

    def test_a_forged_link_confirms_nothing(self, client: Client, post: Post) -> None:
        wish(client, post)
        found = Follower.objects.get()
        stop = subscriptions.unsubscribe_url(found).replace("/unsubscribe/", "/confirm/")
        for forged in (stop, f"/comments/confirm/{found.pk}/", subscriptions.confirm_url(found)[:-3] + "/"):
            assert client.post(forged).status_code == 404
        assert Follower.objects.get().confirmed_at is None

    def test_pages_with_a_key_send_no_referrer_and_are_not_kept(self, client: Client, post: Post) -> None:
        found = follower(post)
        for address in (subscriptions.confirm_url(found), subscriptions.unsubscribe_url(found)):
            response = client.get(address)
            assert response["Cache-Control"] == "private, no-store"
            assert response["Referrer-Policy"] == "no-referrer"
            assert not response.cookies


class TestWhatIsSent:
    def test_new_comments_with_their_text_and_a_way_out(self, post: Post, deliver: Deliver) -> None:
        follower(post)
        comment = send(post, text="One\n\nTwo")
        (message,) = deliver()
        assert message.subject == "[Broadside] 1 new comment on A paper"
        assert "> One\n> \n> Two" in message.body
        assert f"#comment-{comment.pk}" in message.body
        assert "ann@example.org" not in message.body
        headers = message.message()
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert b"=?" not in message.message(policy=policy.SMTP).as_bytes().partition(b"\r\n\r\n")[0]
        assert (
            headers["List-Unsubscribe"] == f"<http://testserver{subscriptions.unsubscribe_url(Follower.objects.get())}>"
        )

    @pytest.mark.parametrize("status", list(Status))
    @pytest.mark.parametrize("entry", list(EntryStatus))
    @pytest.mark.parametrize("confirmed", [True, False])
    def test_only_what_every_reader_may_see_and_only_to_who_confirmed(
        self, post: Post, status: Status, entry: EntryStatus, confirmed: bool, deliver: Deliver
    ) -> None:
        found = follower(post)
        if not confirmed:
            Follower.objects.update(confirmed_at=None)
        comment = send(post, text="Zanzibar")
        Comment.objects.filter(pk=comment.pk).update(status=status)
        Post.objects.filter(pk=post.pk).update(status=entry)
        sent = deliver()
        told = status == Status.APPROVED and entry == EntryStatus.PUBLISHED and confirmed
        assert [message.to for message in sent] == ([[found.email]] if told else [])

    def test_what_is_hidden_between_noting_and_sending_is_not_sent(
        self, post: Post, deliver: Deliver, pass_time: PassTime
    ) -> None:
        follower(post)
        send(post, text="First.")
        deliver()
        second = send(post, text="Second.")
        assert deliver() == []
        mark_spam([second], UserFactory.create())
        pass_time(hours=1)
        assert deliver() == []
        assert not Notification.objects.filter(sent_at=None).exists()

    def test_when_a_moderator_approves_it_not_before(self, post: Post, deliver: Deliver) -> None:
        follower(post)
        comment = send(post, trapped=True)
        assert deliver() == []
        approve([comment], UserFactory.create())
        assert len(deliver()) == 1

    def test_approving_it_twice_tells_of_it_once(self, post: Post, deliver: Deliver, pass_time: PassTime) -> None:
        follower(post)
        comment = send(post)
        deliver()
        moderator = UserFactory.create()
        mark_spam([comment], moderator)
        approve([comment], moderator)
        pass_time(hours=1)
        assert deliver() == []

    def test_not_their_own_comments(self, post: Post, deliver: Deliver) -> None:
        follower(post, "ann@example.org")
        send(post, email="Ann@Example.org")
        assert deliver() == []

    def test_not_imported_ones(self, post: Post, deliver: Deliver) -> None:
        follower(post)
        approve([CommentFactory.create(entry=post, status=Status.PENDING, is_imported=True)], UserFactory.create())
        assert deliver() == []

    @pytest.mark.parametrize("shown", [True, False])
    def test_pingbacks_only_if_readers_see_them(self, shown: bool, post: Post, deliver: Deliver) -> None:
        CommentSettings.objects.update_or_create(defaults={"show_pingbacks": shown})
        follower(post)
        pingback = CommentFactory.create(entry=post, kind=CommentKind.PINGBACK, status=Status.PENDING)
        approve([pingback], UserFactory.create())
        assert len(deliver()) == shown

    def test_not_those_on_other_entries(self, post: Post, deliver: Deliver) -> None:
        follower(PostFactory.create())
        follower(PageFactory.create())
        send(post)
        assert deliver() == []

    def test_many_are_one_mail_and_then_one_an_hour(self, post: Post, deliver: Deliver, pass_time: PassTime) -> None:
        follower(post)
        for number in range(30):
            send(post, text=f"{number}")
        (message,) = deliver()
        assert "30 new comments" in message.subject
        assert "There are 10 more on the site" in message.body
        send(post, text="Later.")
        assert deliver() == []
        pass_time(hours=1)
        assert len(deliver()) == 1

    def test_while_the_mail_server_is_away_nothing_is_lost(
        self, client: Client, post: Post, deliver: Deliver, mail_server_away: MailServerAway
    ) -> None:
        wish(client, post)
        follower(post, "b@example.org")
        send(post)
        with mail_server_away(), pytest.raises(ConnectionRefusedError):
            deliver()
        assert sorted(message.to[0] for message in deliver()) == [ADDRESS, "b@example.org"]

    def test_an_address_that_is_always_refused_is_given_up(
        self, post: Post, deliver: Deliver, pass_time: PassTime, refusing: Refusing
    ) -> None:
        follower(post)
        send(post)
        with refusing(ADDRESS):
            for _ in range(8):
                deliver()
                pass_time(hours=24)
        assert not Follower.objects.exists()


class TestStopping:
    def test_a_mail_program_ends_it_with_one_post(self, client: Client, post: Post) -> None:
        """RFC 8058: no cookie, no page before it, from a server of theirs."""
        stop = subscriptions.unsubscribe_url(follower(post))
        response = client.post(stop, {"List-Unsubscribe": "One-Click"})
        assert response.status_code == 200
        assert not response.cookies
        assert not Follower.objects.exists()

    def test_looking_ends_nothing(self, client: Client, post: Post) -> None:
        assert client.get(subscriptions.unsubscribe_url(follower(post))).status_code == 200
        assert Follower.objects.exists()

    def test_one_alone_or_everything(self, client: Client, post: Post) -> None:
        stop = subscriptions.unsubscribe_url(follower(post))
        other = follower(PostFactory.create())
        stranger = follower(post, "b@example.org")
        client.post(stop)
        assert set(Follower.objects.all()) == {other, stranger}
        client.post(subscriptions.unsubscribe_url(other), {"everything": "1"})
        again = follower(post)
        follower(PageFactory.create())
        client.post(subscriptions.unsubscribe_url(again), {"everything": "1"})
        assert set(Follower.objects.all()) == {stranger}

    def test_a_second_click_is_no_fault(self, client: Client, post: Post) -> None:
        stop = subscriptions.unsubscribe_url(follower(post))
        for _ in range(2):
            assert "You are unsubscribed" in client.post(stop).content.decode()

    def test_it_works_for_as_long_as_mails_lie_there(self, client: Client, post: Post, pass_time: PassTime) -> None:
        stop = subscriptions.unsubscribe_url(follower(post))
        pass_time(hours=24 * 3_000)
        client.post(stop)
        assert not Follower.objects.exists()

    def test_a_forged_link_ends_nothing(self, client: Client, post: Post) -> None:
        found = follower(post)
        for forged in (f"/comments/unsubscribe/{found.pk}/", subscriptions.unsubscribe_url(found)[:-3] + "/"):
            assert client.post(forged).status_code == 404
        assert Follower.objects.exists()


def test_old_notices_go_after_their_links() -> None:
    now = timezone.now()
    found = follower(PostFactory.create())
    comments = CommentFactory.create_batch(2, entry=found.entry)
    for comment, days in zip(comments, (7.5, 8.5), strict=True):
        Notification.objects.create(
            comment=comment, event="approved", follower=found, sent_at=now - dt.timedelta(days=days)
        )
    call_command("tidy_comments", verbosity=0)
    assert Notification.objects.get().comment == comments[0]
