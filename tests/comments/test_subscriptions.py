"""Readers follow a discussion by e-mail: requested, confirmed, and ended with one click."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import policy
from threading import Event
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from blog.models import Page, Post
from blog.models import Status as EntryStatus
from comments import outbox
from comments.models import Comment, CommentKind, CommentPolicy, CommentSettings, Follower, Notification, RateCount
from comments.models import CommentStatus as Status
from comments.moderation.decisions import approve, mark_spam, undo
from comments.moderation.submission import submit
from comments.notifications import subscriptions
from mail import delivery
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.responses import find, links, one, read
from tests.factories.types import AtOnce, Deliver, MailServerDown, PassTime, Refusing

pytestmark = pytest.mark.django_db

ADDRESS = "amina@example.org"


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def post() -> Any:
    return PostFactory.create(title="A paper")


def request_follow(client: Client, entry: Post | Page, email: str = ADDRESS, **more: Any) -> Any:
    return client.post(f"/comments/follow/{entry._meta.model_name}/{entry.pk}/", {"email": email}, **more)


def create_follower(entry: Post | Page, email: str = ADDRESS) -> Follower:
    """Create a follower who has confirmed."""
    now = timezone.now()
    return Follower.objects.create(email=email, invited_at=now, confirmed_at=now, entry=entry)


def send(entry: Post | Page, **fields: Any) -> Comment:
    settings = CommentSettings(comment_policy=CommentPolicy.OPEN, proof_of_work=False)
    return submit(entry, settings=settings, **{"name": "Ann", "email": "ann@example.org", "text": "Hello.", **fields})


class TestRequesting:
    @pytest.mark.parametrize("kind", [PostFactory, PageFactory])
    def test_it_is_confirmed_by_mail_and_a_button(self, client: Client, kind: Any, deliver: Deliver) -> None:
        entry = kind.create(title="A paper")
        assert request_follow(client, entry).status_code == 200
        (message,) = deliver()
        assert message.to == [ADDRESS]
        (confirm,) = [link for link in links(message) if "/confirm/" in link]
        assert client.get(confirm).status_code == 200
        assert Follower.objects.get().confirmed_at is None
        assert client.post(confirm).status_code == 302
        assert Follower.objects.get().confirmed_at is not None
        send(entry)
        assert [each.to for each in deliver()] == [[ADDRESS]]

    def test_the_confirmation_mail_contains_nothing_that_a_stranger_wrote(
        self, client: Client, post: Post, deliver: Deliver
    ) -> None:
        data = {"name": "Buy-Now", "email": ADDRESS, "website": "https://spam.example/", "text": "Cheap!"}
        client.post(f"/comments/on/post/{post.pk}/", {**data, "follow": "on"})
        (message,) = deliver()
        full_text = str(message.message()) + message.body
        for part in ("Buy-Now", "spam.example", "Cheap!"):
            assert part not in full_text
        assert "A paper" in message.body

    def test_the_checkbox_of_the_comment_form_is_off_by_default(self, client: Client, post: Post) -> None:
        box = one(read(client.get(post.get_absolute_url())), "[name=follow]")
        assert box.get("checked") is None
        data = {"name": "Amina", "email": ADDRESS, "text": "Hello."}
        client.post(f"/comments/on/post/{post.pk}/", data)
        assert not Follower.objects.exists()
        client.post(f"/comments/on/post/{post.pk}/", {**data, "text": "More.", "follow": "on"})
        assert Follower.objects.get().email == ADDRESS

    def test_spam_sends_no_mail(self, client: Client, post: Post) -> None:
        data = {"name": "Amina", "email": ADDRESS, "text": "Hello.", "follow": "on", "subject": "x"}
        client.post(f"/comments/on/post/{post.pk}/", data)
        assert Comment.objects.get().status == Status.SPAM
        assert not Follower.objects.exists()

    def test_the_response_does_not_reveal_who_follows(self, client: Client, post: Post, deliver: Deliver) -> None:
        first = request_follow(client, post)
        again = request_follow(client, post)
        Follower.objects.update(confirmed_at=timezone.now(), invited_at=timezone.now())
        follows = request_follow(client, post, ADDRESS.upper())
        assert first.content == again.content == follows.content
        # Each response has its own random ID.
        ids = {response.headers.pop("X-Request-ID") for response in (first, follows)}
        assert len(ids) == 2
        assert first.headers == follows.headers
        assert not first.cookies
        assert deliver() == []

    def test_an_invalid_address_is_refused_and_kept_in_the_form(self, client: Client, post: Post) -> None:
        response = request_follow(client, post, "amina@")
        assert response.status_code == 400
        assert one(read(response), "#follow-email").get("value") == "amina@"
        assert not Follower.objects.exists()

    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
    def test_other_sites_cannot_send_requests(self, client: Client, post: Post, headers: dict[str, str]) -> None:
        assert request_follow(client, post, headers=headers).status_code == 403
        assert not Follower.objects.exists()

    @pytest.mark.parametrize("status", [each for each in EntryStatus if each != EntryStatus.PUBLISHED])
    def test_hidden_entries_cannot_be_followed(self, client: Client, status: EntryStatus) -> None:
        assert request_follow(client, PostFactory.create(status=status)).status_code == 404

    def test_it_is_not_offered_without_a_mail_server(self, client: Client, post: Post, settings: Settings) -> None:
        settings.MAILERS = {}
        page = read(client.get(post.get_absolute_url()))
        assert find(page, "[name=follow]") == find(page, ".follow-form") == []
        assert request_follow(client, post).status_code == 404

    def test_it_is_not_offered_if_the_site_turns_it_off(self, client: Client, post: Post) -> None:
        CommentSettings.objects.update(follow_by_mail=False)
        page = read(client.get(post.get_absolute_url()))
        assert find(page, "[name=follow]") == find(page, ".follow-form") == []
        assert request_follow(client, post).status_code == 404
        data = {"name": "Amina", "email": ADDRESS, "text": "Hello.", "follow": "on"}
        assert client.post(f"/comments/on/post/{post.pk}/", data).status_code == 302
        assert not Follower.objects.exists()

    def test_once_turned_off_followers_get_no_mail_and_can_still_unsubscribe(
        self, client: Client, post: Post, deliver: Deliver
    ) -> None:
        request_follow(client, PostFactory.create())
        subscriber = create_follower(post)
        send(post)
        CommentSettings.objects.update(follow_by_mail=False)
        assert deliver() == []
        assert delivery.next_at() is None
        CommentSettings.objects.update(follow_by_mail=True)
        (message,) = deliver()
        assert "/confirm/" in message.body
        assert client.post(subscriptions.unsubscribe_url(subscriber)).status_code == 200
        assert not Follower.objects.filter(pk=subscriber.pk).exists()

    def test_public_pages_do_not_depend_on_followers(self, client: Client, post: Post) -> None:
        before = client.get(post.get_absolute_url())
        create_follower(post)
        request_follow(client, post)
        after = client.get(post.get_absolute_url())
        assert before.content == after.content
        assert not after.cookies


class TestLimits:
    def test_an_address_gets_one_request_per_entry_and_day(
        self, client: Client, post: Post, deliver: Deliver, pass_time: PassTime
    ) -> None:
        for _ in range(2):
            request_follow(client, post)
            RateCount.objects.all().delete()
        assert len(deliver()) == 1
        request_follow(client, post)
        assert deliver() == []
        pass_time(hours=25)
        RateCount.objects.all().delete()
        request_follow(client, post)
        assert len(deliver()) == 1

    def test_an_address_gets_at_most_three_unconfirmed_requests(self, client: Client, deliver: Deliver) -> None:
        for post in PostFactory.create_batch(6):
            request_follow(client, post)
            RateCount.objects.all().delete()
        assert len(deliver()) == subscriptions.MAX_UNCONFIRMED == 3

    def test_one_sender_cannot_make_many_requests(self, client: Client, post: Post, deliver: Deliver) -> None:
        for index in range(15):
            request_follow(client, post, f"a{index}@example.org")
        assert len(deliver()) == 10

    def test_rate_limits_store_no_addresses(self, client: Client, post: Post) -> None:
        request_follow(client, post)
        senders = " ".join(RateCount.objects.values_list("sender", flat=True))
        assert senders
        assert ADDRESS not in senders
        assert "127.0.0.1" not in senders


class TestConfirming:
    def test_after_a_week_it_is_too_late_and_the_address_is_deleted(
        self, client: Client, post: Post, deliver: Deliver, pass_time: PassTime
    ) -> None:
        request_follow(client, post)
        (message,) = deliver()
        (confirm,) = [link for link in links(message) if "/confirm/" in link]
        pass_time(hours=24 * 7 + 1)
        assert client.get(confirm).status_code == client.post(confirm).status_code == 410
        assert Follower.objects.get().confirmed_at is None
        call_command("tidy_comments", verbosity=0)
        assert not Follower.objects.exists()
        assert client.get(confirm).status_code == 410

    def test_confirmed_followers_are_kept(self, post: Post, pass_time: PassTime) -> None:
        create_follower(post)
        pass_time(hours=24 * 100)
        call_command("tidy_comments", verbosity=0)
        assert Follower.objects.exists()

    def test_a_forged_link_confirms_nothing(self, client: Client, post: Post) -> None:
        request_follow(client, post)
        subscriber = Follower.objects.get()
        stop = subscriptions.unsubscribe_url(subscriber).replace("/unsubscribe/", "/confirm/")
        for forged in (stop, f"/comments/confirm/{subscriber.pk}/", subscriptions.confirm_url(subscriber)[:-3] + "/"):
            assert client.post(forged).status_code == 404
        assert Follower.objects.get().confirmed_at is None

    def test_secret_pages_send_no_referrer_and_are_not_cached(self, client: Client, post: Post) -> None:
        subscriber = create_follower(post)
        for url in (subscriptions.confirm_url(subscriber), subscriptions.unsubscribe_url(subscriber)):
            response = client.get(url)
            assert response["Cache-Control"] == "private, no-store"
            assert response["Referrer-Policy"] == "no-referrer"
            assert not response.cookies


class TestNotifications:
    def test_they_contain_the_text_of_new_comments_and_an_unsubscribe_link(self, post: Post, deliver: Deliver) -> None:
        create_follower(post)
        comment = send(post, text="One\n\nTwo")
        (message,) = deliver()
        assert message.subject == "[Broadside] 1 new comment on “A paper”"
        assert message.body.startswith("New comments on “\u2068A paper\u2069”\n")
        assert "> One\n> \n> Two" in message.body
        assert f"#comment-{comment.pk}" in message.body
        assert "ann@example.org" not in message.body
        headers = message.message()
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        sent = message.message(policy=policy.SMTP).as_bytes().partition(b"\r\n\r\n")[0].split(b"\r\n")
        # Programs don't decode URLs in headers.
        assert [line for line in sent if b"=?" in line and not line.startswith(b"Subject: ")] == []
        assert (
            headers["List-Unsubscribe"] == f"<http://testserver{subscriptions.unsubscribe_url(Follower.objects.get())}>"
        )

    @pytest.mark.parametrize("status", list(Status))
    @pytest.mark.parametrize("entry", list(EntryStatus))
    @pytest.mark.parametrize("confirmed", [True, False])
    def test_only_confirmed_followers_are_notified_of_public_comments_only(
        self, post: Post, status: Status, entry: EntryStatus, confirmed: bool, deliver: Deliver
    ) -> None:
        subscriber = create_follower(post)
        if not confirmed:
            Follower.objects.update(confirmed_at=None)
        comment = send(post, text="Zanzibar")
        Comment.objects.filter(pk=comment.pk).update(status=status)
        Post.objects.filter(pk=post.pk).update(status=entry)
        sent = deliver()
        expected = status == Status.APPROVED and entry == EntryStatus.PUBLISHED and confirmed
        assert [message.to for message in sent] == ([[subscriber.email]] if expected else [])

    def test_comments_hidden_before_sending_are_left_out(
        self, post: Post, deliver: Deliver, pass_time: PassTime
    ) -> None:
        create_follower(post)
        send(post, text="First.")
        deliver()
        second = send(post, text="Second.")
        assert deliver() == []
        mark_spam([second], UserFactory.create())
        pass_time(hours=1)
        assert deliver() == []
        assert not Notification.objects.filter(sent_at=None).exists()

    def test_held_comments_are_sent_once_approved(self, post: Post, deliver: Deliver) -> None:
        create_follower(post)
        comment = send(post, trapped=True)
        assert deliver() == []
        approve([comment], UserFactory.create())
        assert len(deliver()) == 1

    def test_approving_a_comment_twice_notifies_once(self, post: Post, deliver: Deliver, pass_time: PassTime) -> None:
        create_follower(post)
        comment = send(post)
        deliver()
        moderator = UserFactory.create()
        mark_spam([comment], moderator)
        approve([comment], moderator)
        pass_time(hours=1)
        assert deliver() == []

    def test_followers_are_not_notified_of_their_own_comments(self, post: Post, deliver: Deliver) -> None:
        create_follower(post, "ann@example.org")
        send(post, email="Ann@Example.org")
        assert deliver() == []

    def test_imported_comments_are_left_out(self, post: Post, deliver: Deliver) -> None:
        create_follower(post)
        approve([CommentFactory.create(entry=post, status=Status.PENDING, is_imported=True)], UserFactory.create())
        assert deliver() == []

    @pytest.mark.parametrize("shown", [True, False])
    def test_pingbacks_are_sent_only_if_readers_see_them(self, shown: bool, post: Post, deliver: Deliver) -> None:
        CommentSettings.objects.update_or_create(defaults={"show_pingbacks": shown})
        create_follower(post)
        pingback = CommentFactory.create(entry=post, kind=CommentKind.PINGBACK, status=Status.PENDING)
        approve([pingback], UserFactory.create())
        assert len(deliver()) == shown

    def test_comments_on_other_entries_are_left_out(self, post: Post, deliver: Deliver) -> None:
        create_follower(PostFactory.create())
        create_follower(PageFactory.create())
        send(post)
        assert deliver() == []

    def test_many_comments_are_batched_into_one_mail_per_hour(
        self, post: Post, deliver: Deliver, pass_time: PassTime
    ) -> None:
        create_follower(post)
        for index in range(30):
            send(post, text=f"{index}")
        (message,) = deliver()
        assert "30 new comments" in message.subject
        assert "There are 10 more on the site" in message.body
        send(post, text="Later.")
        assert deliver() == []
        pass_time(hours=1)
        assert len(deliver()) == 1

    def test_mails_about_many_comments_to_many_followers_are_never_all_in_memory(
        self, post: Post, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbox, "BATCH", 2)
        sizes = []
        store = Notification.objects.bulk_create

        def bulk_create(notifications: Any, **options: Any) -> Any:
            sizes.append(len(notifications))
            return store(notifications, **options)

        monkeypatch.setattr(Notification.objects, "bulk_create", bulk_create)
        followers = [create_follower(post, f"{name}@example.org") for name in "abc"]
        send(post, text="One.")
        send(post, text="Two.")
        assert len(deliver()) == len(followers)
        assert sizes == [2, 2, 2]

    def test_nothing_is_lost_while_the_mail_server_is_unavailable(
        self, client: Client, post: Post, deliver: Deliver, mail_server_down: MailServerDown
    ) -> None:
        request_follow(client, post)
        create_follower(post, "b@example.org")
        send(post)
        with mail_server_down(), pytest.raises(ConnectionRefusedError):
            deliver()
        assert sorted(message.to[0] for message in deliver()) == [ADDRESS, "b@example.org"]

    def test_an_address_that_is_always_refused_is_deleted(
        self, post: Post, deliver: Deliver, pass_time: PassTime, refusing: Refusing
    ) -> None:
        create_follower(post)
        send(post)
        with refusing(ADDRESS):
            for _ in range(8):
                deliver()
                pass_time(hours=24)
        assert not Follower.objects.exists()


class TestUnsubscribing:
    def test_it_does_not_promise_that_the_address_is_gone_where_it_is_needed(self, client: Client, post: Any) -> None:
        create_follower(PostFactory.create())
        url = subscriptions.unsubscribe_url(create_follower(post))
        assert "no longer follow anything here, your address is deleted" in client.get(url).content.decode()
        client.post(url)
        assert Follower.objects.get().email == ADDRESS

    def test_mail_programs_unsubscribe_with_one_post(self, client: Client, post: Post) -> None:
        """RFC 8058: without a cookie or opening the page first."""
        stop = subscriptions.unsubscribe_url(create_follower(post))
        response = client.post(stop, {"List-Unsubscribe": "One-Click"})
        assert response.status_code == 200
        assert not response.cookies
        assert not Follower.objects.exists()

    @pytest.mark.parametrize("is_public", [True, False])
    def test_it_leads_back_to_the_post_if_readers_can_see_it(self, client: Client, post: Post, is_public: bool) -> None:
        stop = subscriptions.unsubscribe_url(create_follower(post))
        if not is_public:
            Post.objects.update(status=EntryStatus.DRAFT)
        assert (f'href="{post.get_absolute_url()}"' in client.post(stop).content.decode()) is is_public

    def test_the_link_to_confirm_says_that_it_has_ended(self, client: Client, post: Post) -> None:
        follower = create_follower(post)
        confirm = subscriptions.confirm_url(follower)
        client.post(subscriptions.unsubscribe_url(follower))
        response = client.get(confirm)
        assert response.status_code == 410
        assert "until you unsubscribed" in response.content.decode()

    def test_get_requests_change_nothing(self, client: Client, post: Post) -> None:
        assert client.get(subscriptions.unsubscribe_url(create_follower(post))).status_code == 200
        assert Follower.objects.exists()

    def test_one_subscription_or_all_of_them(self, client: Client, post: Post) -> None:
        stop = subscriptions.unsubscribe_url(create_follower(post))
        other = create_follower(PostFactory.create())
        stranger = create_follower(post, "b@example.org")
        client.post(stop)
        assert set(Follower.objects.all()) == {other, stranger}
        response = client.post(subscriptions.unsubscribe_url(other), {"everything": "1"})
        assert "You no longer follow any discussion" in response.content.decode()
        again = create_follower(post)
        create_follower(PageFactory.create())
        client.post(subscriptions.unsubscribe_url(again), {"everything": "1"})
        assert set(Follower.objects.all()) == {stranger}

    def test_a_second_click_is_not_an_error(self, client: Client, post: Post) -> None:
        stop = subscriptions.unsubscribe_url(create_follower(post))
        for _ in range(2):
            assert "You are unsubscribed" in client.post(stop).content.decode()

    def test_links_never_expire(self, client: Client, post: Post, pass_time: PassTime) -> None:
        stop = subscriptions.unsubscribe_url(create_follower(post))
        pass_time(hours=24 * 3_000)
        client.post(stop)
        assert not Follower.objects.exists()

    def test_a_forged_link_changes_nothing(self, client: Client, post: Post) -> None:
        subscriber = create_follower(post)
        for forged in (f"/comments/unsubscribe/{subscriber.pk}/", subscriptions.unsubscribe_url(subscriber)[:-3] + "/"):
            assert client.post(forged).status_code == 404
        assert Follower.objects.exists()


@contextmanager
def just_before(statement: str, act: Callable[[], object]) -> Iterator[None]:
    """Call `act` once, before the first SQL statement of the block that contains this."""
    waiting = [act]

    def execute(call: Callable[..., Any], sql: str, *args: Any) -> Any:
        if waiting and statement in sql:
            waiting.pop()()
        return call(sql, *args)

    with connection.execute_wrapper(execute):
        yield


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    def test_unsubscribing_works_while_the_follower_is_notified(self, post: Post) -> None:
        follower, comment = create_follower(post), CommentFactory.create(entry=post)
        with just_before(
            'DELETE FROM "comments_follower"',
            lambda: Notification.objects.create(comment=comment, event="approved", follower=follower),
        ):
            subscriptions.end(follower)
        assert not Follower.objects.exists()

    def test_unsubscribing_keeps_no_one_else_from_being_notified(self, post: Post, pass_time: PassTime) -> None:
        leaving, staying = create_follower(post), create_follower(post, "b@example.org")
        send(post)
        pass_time(minutes=6)
        with just_before('INTO "comments_notification"', lambda: Follower.objects.filter(pk=leaving.pk).delete()):
            outbox.fan_out()
        assert Notification.objects.filter(follower=staying).exists()

    def test_a_comment_that_is_approved_again_while_others_are_fanned_out_is_notified_of(
        self, post: Post, pass_time: PassTime, at_once: AtOnce
    ) -> None:
        create_follower(post)
        comment, moderator = CommentFactory.create(entry=post, status=Status.PENDING), UserFactory.create()
        undo(approve([comment], moderator).batch, moderator)
        pass_time(minutes=6)
        is_approved, has_ended = Event(), Event()

        def approve_again() -> None:
            with transaction.atomic():
                approve([comment], moderator)
                is_approved.set()
                # It waits for this transaction.
                assert not has_ended.wait(0.3)

        def fan_out() -> None:
            is_approved.wait()
            outbox.fan_out()
            has_ended.set()

        at_once(approve_again, fan_out)
        assert Notification.objects.filter(comment=comment).exists()


def test_old_notifications_are_deleted_after_their_links_expire() -> None:
    now = timezone.now()
    subscriber = create_follower(PostFactory.create())
    comments = CommentFactory.create_batch(2, entry=subscriber.entry)
    for comment, days in zip(comments, (7.5, 8.5), strict=True):
        Notification.objects.create(
            comment=comment, event="approved", follower=subscriber, sent_at=now - dt.timedelta(days=days)
        )
    call_command("tidy_comments", verbosity=0)
    assert Notification.objects.get().comment == comments[0]


def test_emails_and_the_pages_they_lead_to_are_in_the_language_of_the_text(client: Client, deliver: Deliver) -> None:
    entry = PostFactory(title="Un papier", language="fr")
    assert 'lang="fr"' in request_follow(client, entry).content.decode()
    (message,) = deliver()
    assert "Please confirm" not in message.subject
    follower = Follower.objects.get()
    for url in (subscriptions.confirm_url(follower), subscriptions.unsubscribe_url(follower)):
        assert 'lang="fr"' in client.get(url).content.decode()
