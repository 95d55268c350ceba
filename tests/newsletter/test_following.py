"""Following the blog by e-mail: requesting, confirming, changing and ending subscriptions."""

import datetime as dt
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from blog.curation import merge as merge_categories
from comments.models import Follower, RateCount
from core import memory
from newsletter import emails, subscriptions, tasks
from newsletter.models import Frequency, NewsletterSettings, Subscriber, Subscription, SubscriptionRequest
from tags.curation import merge as merge_tags
from tests.factories import CategoryFactory, PostFactory, TagFactory, UserFactory
from tests.factories.newsletter import subscribe
from tests.factories.responses import find, links, one, read
from tests.factories.types import AtOnce, Deliver

pytestmark = pytest.mark.django_db

ADDRESS = "amina@example.org"
FOLLOW = "/follow-by-email/"


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


def request_follow(client: Client, path: str = FOLLOW, **values: Any) -> Any:
    headers = values.pop("headers", None)
    return client.post(path, {"email": ADDRESS, **values}, headers=headers)


def topic_links(client: Client, path: str) -> list[str]:
    """Return the links on a page for following its topic."""
    hrefs = [link.get("href") for link in find(read(client.get(path)), "a")]
    return [href for href in hrefs if href.startswith(FOLLOW) and href != FOLLOW]


def confirm_link(mailed: Deliver) -> str:
    (message,) = mailed()
    (link,) = [link for link in links(message) if "/confirm/" in link]
    return link


class TestRequesting:
    def test_a_subscription_is_confirmed_by_email_and_a_button(self, client: Client, mailed: Deliver) -> None:
        assert request_follow(client).status_code == 200
        link = confirm_link(mailed)
        page = read(client.get(link))
        assert len(find(page, "button")) == 1
        assert "All posts</a> (immediately)" in client.get(link).content.decode()
        assert not Subscription.objects.exists()
        assert client.post(link).status_code == 302
        subscription = Subscription.objects.get()
        assert subscription.subscriber.email == ADDRESS
        assert subscription.frequency == Frequency.IMMEDIATELY
        assert "/manage/" in client.get(link).content.decode()

    def test_every_page_names_the_site(self, client: Client, mailed: Deliver) -> None:
        site = NewsletterSettings.current().site
        site.title = "Bread & Roses"
        site.save()
        name = '<a href="/" rel="home"><bdi>Bread &amp; Roses</bdi></a>'
        assert name in client.get(FOLLOW).content.decode()
        assert name in request_follow(client).content.decode()
        assert name in client.get(confirm_link(mailed)).content.decode()
        assert name in client.get(f"{FOLLOW}confirm/").content.decode()

    def test_each_kind_of_topic_can_be_followed(self, client: Client, mailed: Deliver) -> None:
        category, tag = CategoryFactory.create(name="Art"), TagFactory.create(name="Peace")
        author = UserFactory.create(username="ann")
        PostFactory.create(author=author, language="ar")
        site = NewsletterSettings.current().site
        site.show_author = True
        site.save()
        for path, topic, name in (
            (f"{FOLLOW}category/art/", {"category": category}, "Posts in the category “\u2068Art\u2069”"),
            (f"{FOLLOW}tag/peace/", {"tag": tag}, "Posts tagged “\u2068Peace\u2069”"),
            (f"{FOLLOW}author/ann/", {"author": author}, "Posts by \u2068"),
            (f"{FOLLOW}language/ar/", {"language": "ar"}, "\u2068العربيّة\u2069"),
        ):
            RateCount.objects.all().delete()
            SubscriptionRequest.objects.all().delete()
            assert name in client.get(path).content.decode()
            request_follow(client, path, frequency="weekly")
            client.post(confirm_link(mailed))
            assert Subscription.objects.filter(frequency="weekly", **topic).count() == 1
        assert Subscriber.objects.count() == 1

    def test_a_language_without_a_list_cannot_be_followed(self, client: Client) -> None:
        PostFactory.create(language="pt-BR")
        assert client.get(f"{FOLLOW}language/pt-BR/").status_code == 404

    def test_a_language_can_be_chosen_if_there_are_several(self, client: Client) -> None:
        PostFactory.create(language="en")
        assert not find(read(client.get(FOLLOW)), "[name=language]")
        PostFactory.create(language="ar")
        assert find(read(client.get(FOLLOW)), "[name=language]")
        request_follow(client, language="ar")
        assert SubscriptionRequest.objects.get().language == "ar"
        assert request_follow(client, language="xx").status_code == 400

    @pytest.mark.parametrize("path", ["category/none/", "tag/none/", "author/ann/", "language/de/", "tag/a\0b/"])
    def test_topics_that_readers_cannot_see_cannot_be_followed(self, client: Client, path: str) -> None:
        UserFactory.create(username="ann")
        assert client.get(FOLLOW + path).status_code == 404
        assert request_follow(client, FOLLOW + path).status_code == 404

    def test_authors_cannot_be_followed_on_a_site_that_does_not_show_them(self, client: Client) -> None:
        PostFactory.create(author=UserFactory.create(username="ann"))
        assert client.get(f"{FOLLOW}author/ann/").status_code == 404

    def test_every_link_to_follow_a_list_leads_to_a_form(self, client: Client) -> None:
        author = UserFactory.create(username="ann")
        # The slug of an imported tag may contain the character that joins combined tags.
        TagFactory.create(name="C++", slug="c++")
        PostFactory.create(author=author, language="ar", tags=["Peace", "War", "C++"])
        lists = {"/tag/peace/": True, "/tag/c++/": True, "/tag/peace+war/": False, "/author/ann/": False}
        for path, has_link in lists.items():
            assert bool(topic_links(client, path)) == has_link, path
        site = NewsletterSettings.current().site
        site.show_author = True
        site.save()
        for path in ("/tag/peace/", "/tag/c++/", "/author/ann/", "/language/ar/"):
            (link,) = topic_links(client, path)
            assert client.get(link).status_code == 200

    def test_the_response_and_the_work_do_not_reveal_who_follows(self, client: Client) -> None:
        subscribe(ADDRESS)
        bodies, statements = set(), []
        # Fills the caches of the process.
        client.get(FOLLOW)
        for email in (ADDRESS, ADDRESS.upper(), "stranger@example.org"):
            # As if it were the first request of the day, so that each one wakes the worker.
            RateCount.objects.all().delete()
            with CaptureQueriesContext(connection) as queries:
                response = request_follow(client, email=email)
            found = [query["sql"].partition(" (")[0] for query in queries.captured_queries]
            # The names of savepoints differ.
            statements.append([sql.partition(" ")[0] if "SAVEPOINT" in sql else sql for sql in found])
            bodies.add(response.content)
            assert not response.cookies
        assert len(bodies) == 1
        assert statements[0] == statements[1] == statements[2]
        assert any("INSERT" in statement for statement in statements[0])
        assert SubscriptionRequest.objects.count() == 3

    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
    def test_other_sites_cannot_send_requests(self, client: Client, headers: dict[str, str]) -> None:
        assert request_follow(client, headers=headers).status_code == 403
        assert not SubscriptionRequest.objects.exists()

    def test_bots_that_fill_in_every_field_get_the_usual_response(self, client: Client) -> None:
        honest, bot = request_follow(client), request_follow(client, email="b@example.org", subject="x")
        assert bot.content == honest.content
        assert SubscriptionRequest.objects.get().email == ADDRESS

    def test_an_invalid_address_is_refused_and_kept_in_the_form(self, client: Client) -> None:
        response = request_follow(client, email="amina@")
        assert response.status_code == 400
        assert one(read(response), "#follow-email").get("value") == "amina@"

    def test_the_email_contains_nothing_that_a_stranger_chose(self, client: Client, mailed: Deliver) -> None:
        request_follow(client, email='"buy now"@example.org')
        for message in mailed():
            assert "buy now" not in message.body + str(message.subject)

    @pytest.mark.parametrize("how", ["off", "no mail server"])
    def test_following_is_not_offered_unless_it_is_possible(self, client: Client, how: str, settings: Settings) -> None:
        post = PostFactory.create(tags=["Peace"])
        pages = [post.get_absolute_url(), "/tag/peace/", "/"]
        assert all("follow-by-email" in client.get(page).content.decode() for page in pages)
        if how == "off":
            NewsletterSettings.objects.update(is_on=False)
        else:
            settings.MAILERS = {}
            # As if the process were started without a mail server.
            memory.forget()
        assert not any("follow-by-email" in client.get(page).content.decode() for page in pages)
        assert client.get(FOLLOW).status_code == 404
        assert request_follow(client).status_code == 404


class TestLimits:
    def test_an_address_is_invited_once_a_day_for_the_same_topic(self, client: Client, mailed: Deliver) -> None:
        for _ in range(3):
            request_follow(client)
            RateCount.objects.all().delete()
        assert len(mailed()) == 1
        earlier = timezone.now() - dt.timedelta(hours=25)
        SubscriptionRequest.objects.update(invited_at=earlier)
        request_follow(client)
        assert len(mailed()) == 1

    def test_an_address_is_invited_at_most_three_times_a_day(self, client: Client, mailed: Deliver) -> None:
        for tag in TagFactory.create_batch(5):
            request_follow(client, f"{FOLLOW}tag/{tag.slug}/")
            RateCount.objects.all().delete()
        assert len(mailed()) == subscriptions.MAX_INVITATIONS == 3

    def test_an_address_is_asked_once_by_several_workers(self, client: Client) -> None:
        for _click in range(2):
            request_follow(client)
        first, second = SubscriptionRequest.objects.order_by("pk")
        sending = emails.for_request(first)
        assert next(sending).to == [ADDRESS]
        assert list(emails.for_request(second)) == []
        assert list(sending) == []
        assert SubscriptionRequest.objects.get().invited_at

    def test_one_sender_cannot_make_many_requests(self, client: Client) -> None:
        for index in range(15):
            assert request_follow(client, email=f"a{index}@example.org").status_code == 200
        assert SubscriptionRequest.objects.count() == 10

    def test_an_address_that_complained_is_never_invited_again(self, client: Client, mailed: Deliver) -> None:
        subscribe(ADDRESS)
        Subscriber.objects.update(suppression="complained", suppressed_at=timezone.now() - dt.timedelta(days=999))
        request_follow(client)
        assert mailed() == []

    def test_a_request_for_an_address_that_does_not_exist_is_deleted(
        self, client: Client, mailed: Deliver, refusing_with: Any
    ) -> None:
        request_follow(client)
        with refusing_with(ADDRESS, 550, b"5.1.1 no such user"):
            assert mailed() == []
        assert not SubscriptionRequest.objects.exists()

    def test_an_address_that_was_refused_is_not_invited_again_for_a_month(
        self, client: Client, mailed: Deliver
    ) -> None:
        subscribe(ADDRESS)
        Subscriber.objects.update(suppression="refused", suppressed_at=timezone.now() - dt.timedelta(days=29))
        request_follow(client)
        assert mailed() == []
        Subscriber.objects.update(suppressed_at=timezone.now() - dt.timedelta(days=31))
        request_follow(client)
        client.post(confirm_link(mailed))
        assert Subscriber.objects.get().suppression == ""


class TestConfirming:
    def test_a_request_expires_after_a_week_and_its_address_is_deleted(self, client: Client, mailed: Deliver) -> None:
        request_follow(client)
        link = confirm_link(mailed)
        SubscriptionRequest.objects.update(requested_at=timezone.now() - dt.timedelta(days=7, minutes=1))
        assert client.post(link).status_code == 410
        tasks.tidy_newsletter.func()
        assert not SubscriptionRequest.objects.exists()
        assert not Subscriber.objects.exists()

    def test_links_cannot_be_forged(self, client: Client) -> None:
        SubscriptionRequest.objects.create(email=ADDRESS, frequency="daily")
        subscriber = subscribe("b@example.org").subscriber
        for path in ("confirm/1:x/", "confirm/1/", f"manage/{subscriber.pk}/", f"unsubscribe/{subscriber.pk}:a/"):
            assert client.get(FOLLOW + path).status_code == 404
            assert client.post(FOLLOW + path).status_code == 404
        # A token for one page is not valid for another.
        token = subscriber.token
        assert client.get(f"{FOLLOW}confirm/{token}/").status_code == 404

    def test_confirming_again_changes_the_frequency(self, client: Client, mailed: Deliver) -> None:
        subscribe(ADDRESS, "weekly")
        request_follow(client, frequency="daily")
        client.post(confirm_link(mailed))
        assert Subscription.objects.get().frequency == "daily"

    def test_secret_pages_are_not_cached_indexed_or_sent_as_a_referrer(self, client: Client) -> None:
        subscription = subscribe()
        for path in (FOLLOW, subscriptions.manage_url(subscription.subscriber)):
            headers = client.get(path).headers
            assert headers["Cache-Control"] == "private, no-store"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["X-Robots-Tag"] == "noindex"


class TestManaging:
    def test_frequencies_can_be_changed_and_subscriptions_ended(self, client: Client) -> None:
        first, second = subscribe(), subscribe(frequency="daily", tag=TagFactory.create(name="Peace"))
        url = subscriptions.manage_url(first.subscriber)
        page = read(client.get(url))
        assert "Peace" in page.text_content()
        response = client.post(url, {str(first.pk): "weekly", str(second.pk): ""}, follow=True)
        assert "Your changes were saved." in response.content.decode()
        assert [(each.pk, each.frequency) for each in Subscription.objects.all()] == [(first.pk, "weekly")]

    def test_a_subscriber_without_subscriptions_is_deleted(self, client: Client) -> None:
        subscription = subscribe()
        url = subscriptions.manage_url(subscription.subscriber)
        client.post(url, {str(subscription.pk): ""})
        assert not Subscriber.objects.exists()
        assert "unsubscribed" in client.get(url).content.decode()

    def test_an_empty_request_changes_nothing(self, client: Client) -> None:
        url = subscriptions.manage_url(subscribe().subscriber)
        client.post(url)
        client.get(url)
        assert Subscription.objects.count() == 1

    def test_subscriptions_of_others_cannot_be_changed(self, client: Client) -> None:
        own, other = subscribe(), subscribe("b@example.org")
        client.post(subscriptions.manage_url(own.subscriber), {str(own.pk): "daily", str(other.pk): ""})
        other.refresh_from_db()
        assert other.frequency == "immediately"

    def test_an_unknown_frequency_is_refused(self, client: Client) -> None:
        subscription = subscribe()
        response = client.post(subscriptions.manage_url(subscription.subscriber), {str(subscription.pk): "hourly"})
        assert response.status_code == 400


class TestUnsubscribing:
    def test_a_get_changes_nothing_and_one_post_ends_everything(self, client: Client) -> None:
        subscriber = subscribe().subscriber
        subscribe(tag=TagFactory.create())
        url = subscriptions.unsubscribe_url(subscriber)
        assert client.get(url).status_code == 200
        assert Subscriber.objects.count() == 1
        # What mail programs send (RFC 8058).
        response = client.post(url, {"List-Unsubscribe": "One-Click"}, headers={"Sec-Fetch-Site": "cross-site"})
        assert response.status_code == 200
        assert not Subscriber.objects.exists()
        assert not Subscription.objects.exists()
        assert client.post(url).status_code == 200

    def test_it_says_if_the_address_is_kept_for_another_purpose(self, client: Client) -> None:
        subscriber = subscribe(ADDRESS).subscriber
        Follower.objects.create(email=ADDRESS, entry=PostFactory.create(), confirmed_at=timezone.now())
        url = subscriptions.unsubscribe_url(subscriber)
        for page in (url, subscriptions.manage_url(subscriber)):
            assert "no longer follow anything here, your address is deleted" in client.get(page).content.decode()
        answer = client.post(url).content.decode()
        assert "deleted from the list. If you commented here or follow discussions, it is kept for that." in answer
        assert Follower.objects.get().email == ADDRESS

    def test_it_works_while_the_newsletter_is_turned_off(self, client: Client) -> None:
        url = subscriptions.unsubscribe_url(subscribe().subscriber)
        NewsletterSettings.objects.update(is_on=False)
        client.post(url)
        assert not Subscriber.objects.exists()


class TestPersonalData:
    def test_erasing_a_person_covers_subscriptions_and_requests(self, client: Client, mailed: Deliver) -> None:
        request_follow(client)
        client.post(confirm_link(mailed))
        call_command("commenter", "erase", ADDRESS, "--delete-text")
        assert not Subscriber.objects.exists()
        assert not SubscriptionRequest.objects.exists()

    def test_the_privacy_page_says_what_is_stored(self, client: Client) -> None:
        sentence = "which posts you follow and how often"
        assert sentence in client.get("/privacy/").content.decode()
        NewsletterSettings.objects.update(is_on=False)
        assert sentence not in client.get("/privacy/").content.decode()


class TestCuration:
    def test_subscriptions_to_merged_tags_move_to_the_target(self) -> None:
        old, older, target = TagFactory.create_batch(3)
        editor = UserFactory.create(role="Editor")
        subscribe("a@example.org", tag=old)
        subscribe("a@example.org", "daily", tag=older)
        subscribe("b@example.org", tag=old)
        subscribe("b@example.org", "weekly", tag=target)
        merge_tags([old.pk, older.pk], target.pk, editor)
        found = Subscription.objects.order_by("subscriber__email").values_list("subscriber__email", "tag", "frequency")
        assert list(found) == [("a@example.org", target.pk, "immediately"), ("b@example.org", target.pk, "weekly")]

    def test_subscriptions_to_merged_categories_move_to_the_target(self) -> None:
        old, target = CategoryFactory.create_batch(2)
        subscribe(category=old)
        merge_categories([old.pk], target.pk, UserFactory.create(role="Editor"), keep=False)
        assert Subscription.objects.get().category == target

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("index", [0, 1])
    def test_what_is_confirmed_while_tags_are_merged_becomes_one_subscription_to_the_target(
        self, index: int, at_once: AtOnce
    ) -> None:
        old, target = tags = TagFactory.create_batch(2)
        subscribe(tag=old)
        subscriber = Subscriber.objects.get()
        request = SubscriptionRequest.objects.create(tag=tags[index], email=subscriber.email, frequency="daily")
        is_moving, has_ended = Event(), Event()

        def wait_for_confirmation(call: Callable[..., Any], sql: str, *args: Any) -> Any:
            if 'UPDATE "newsletter_subscription"' in sql:
                is_moving.set()
                # It waits for this transaction.
                assert not has_ended.wait(0.3)
            return call(sql, *args)

        def merge() -> None:
            with connection.execute_wrapper(wait_for_confirmation):
                merge_tags([old.pk], target.pk, UserFactory.create(role="Editor"))

        def confirm() -> None:
            is_moving.wait()
            subscriptions.confirm(request)
            has_ended.set()

        at_once(merge, confirm)
        assert Subscription.objects.get().tag == target

    def test_an_address_is_deleted_with_the_last_topic_it_followed(self) -> None:
        tag = TagFactory.create()
        subscribe(tag=tag)
        subscribe("b@example.org")
        tag.delete()
        tasks.tidy_newsletter.func()
        assert Subscriber.objects.get().email == "b@example.org"


@pytest.mark.django_db(transaction=True)
class TestConfirmingAtTheSameTime:
    """Someone confirms a request while something else deletes what they followed, and with it their address."""

    def confirm_while(self, at_once: AtOnce, other: Callable[[], object]) -> list[Subscription]:
        request = SubscriptionRequest.objects.create(email=ADDRESS, frequency="daily")
        is_confirmed, has_ended = Event(), Event()

        def confirm() -> None:
            with transaction.atomic():
                subscriptions.confirm(request)
                is_confirmed.set()
                # It waits for this transaction.
                assert not has_ended.wait(0.3)

        def delete() -> None:
            is_confirmed.wait()
            other()
            has_ended.set()

        at_once(confirm, delete)
        return list(Subscription.objects.all())

    def test_tidying_leaves_who_follows_something_again(self, at_once: AtOnce) -> None:
        Subscriber.objects.create(email=ADDRESS)
        assert self.confirm_while(at_once, tasks.tidy_newsletter.func)

    def test_ending_the_last_one_leaves_the_new_one(self, at_once: AtOnce) -> None:
        former = subscribe(tag=TagFactory.create())
        (new,) = self.confirm_while(at_once, lambda: subscriptions.change(former.subscriber, {former.pk: ""}))
        assert new.frequency == "daily"
