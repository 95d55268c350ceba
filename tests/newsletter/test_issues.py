"""Which posts are mailed to which subscribers, and when: each exactly once, whatever happens."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from blog.models import Status
from mail import delivery
from newsletter import issues
from newsletter.models import (
    Delivery,
    Frequency,
    Issue,
    IssueEntry,
    NewsletterSettings,
    Period,
    Subscriber,
    Subscription,
)
from newsletter.models.issues import DeliveryQuerySet
from tests.factories import CategoryFactory, PageFactory, PostFactory, TagFactory, UserFactory, at
from tests.factories.database import executed_statements
from tests.factories.newsletter import move_marks, news, subscribe, turn_on
from tests.factories.types import AtOnce, Deliver

pytestmark = pytest.mark.django_db

A_WEEK_AGO = dt.timedelta(days=8)


class KilledError(BaseException):
    """A simulated kill of the worker, which no code catches."""


class TestNews:
    def test_a_new_post_is_mailed_once(self, mailed: Deliver) -> None:
        subscribe()
        post = news(title="A paper")
        (message,) = mailed()
        assert message.to == ["amina@example.org"]
        assert "A paper" in message.subject
        assert mailed() == []
        move_marks(days=1)
        assert mailed() == []
        # Editing it changes nothing.
        post.title = "Another title"
        post.save()
        move_marks(days=1)
        assert mailed() == []

    def test_a_post_is_mailed_only_after_some_minutes(self, mailed: Deliver) -> None:
        subscribe()
        news(ago=dt.timedelta(minutes=1))
        assert mailed() == []
        due = delivery.next_at()
        assert due is not None
        assert timezone.now() + dt.timedelta(minutes=3) < due < timezone.now() + dt.timedelta(minutes=5)

    def test_a_scheduled_post_is_mailed_when_it_is_public(self, mailed: Deliver) -> None:
        subscribe()
        post = news(ago=dt.timedelta(hours=-1))
        assert mailed() == []
        assert post.published_at is not None
        assert delivery.next_at() == post.published_at + issues.SETTLE
        post.published_at = timezone.now() - dt.timedelta(minutes=6)
        post.save()
        move_marks(minutes=7)
        assert len(mailed()) == 1

    @pytest.mark.parametrize("status", [each for each in Status if each != Status.PUBLISHED])
    def test_an_unpublished_post_is_not_mailed(self, mailed: Deliver, status: Status) -> None:
        subscribe()
        news(status=status)
        assert mailed() == []
        assert not Issue.objects.exists()

    def test_a_post_with_a_password_is_not_mailed(self, mailed: Deliver) -> None:
        subscribe()
        news(password="secret")
        assert mailed() == []

    def test_posts_from_before_the_newsletter_was_turned_on_are_not_mailed(self, mailed: Deliver) -> None:
        turn_on(days=0.1)
        subscribe()
        news(ago=dt.timedelta(hours=3))
        assert mailed() == []
        assert delivery.next_at() is None

    def test_posts_from_before_it_was_turned_on_again_are_not_mailed(self, mailed: Deliver) -> None:
        subscribe()
        mailed()
        NewsletterSettings(is_on=False).save()
        news(ago=dt.timedelta(minutes=6))
        assert mailed() == []
        NewsletterSettings(is_on=True).save()
        move_marks(days=3)
        assert mailed() == []

    def test_imported_posts_are_not_mailed(self, mailed: Deliver) -> None:
        for frequency in Frequency:
            subscribe(f"{frequency}@example.org", frequency)
        mailed()
        # Some of them were published only minutes ago.
        for minutes in range(6, 60):
            news(ago=dt.timedelta(minutes=minutes))
        news(ago=A_WEEK_AGO)
        PostFactory.create_batch(5)
        assert mailed() == []
        # Nor are they in digests for the period in which they were published elsewhere.
        Period.objects.exclude(frequency=Frequency.IMMEDIATELY).update(until=timezone.now() - 2 * A_WEEK_AGO)
        assert mailed() == []

    def test_a_new_post_with_a_date_in_the_past_is_not_mailed(self, mailed: Deliver) -> None:
        subscribe()
        mailed()
        news(ago=dt.timedelta(days=1))
        assert mailed() == []

    def test_a_clock_that_was_ahead_for_a_while_keeps_no_post_from_being_mailed(self, mailed: Deliver) -> None:
        subscribe()
        mailed()
        move_marks(days=-365)
        assert mailed() == []
        move_marks(minutes=11)
        news()
        assert len(mailed()) == 1

    def test_a_clock_that_was_behind_for_a_while_has_no_older_posts_mailed(
        self, mailed: Deliver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subscribe()
        turn_on(days=300)
        mailed()
        news(ago=dt.timedelta(days=2), title="Imported")
        with monkeypatch.context() as patch:
            patch.setattr(timezone, "now", lambda: dt.datetime.now(dt.UTC) - dt.timedelta(days=365))
            assert mailed() == []
            assert mailed() == []
        assert mailed() == []
        move_marks(minutes=11)
        news()
        assert len(mailed()) == 1

    def test_after_months_without_a_worker_only_recent_posts_are_mailed(self, mailed: Deliver) -> None:
        subscribe()
        turn_on(days=300)
        mailed()
        move_marks(days=200)
        news(ago=dt.timedelta(days=100))
        news(ago=dt.timedelta(days=2), title="Recent")
        (message,) = mailed()
        assert "Recent" in message.subject

    def test_a_post_that_is_published_again_is_not_mailed_again(self, mailed: Deliver) -> None:
        subscribe()
        post = news()
        assert len(mailed()) == 1
        post.status = Status.DRAFT
        post.save()
        post.status, post.published_at = Status.PUBLISHED, timezone.now() - dt.timedelta(minutes=6)
        post.save()
        move_marks(minutes=7)
        assert mailed() == []

    def test_pages_are_not_mailed(self, mailed: Deliver) -> None:
        subscribe()
        PageFactory.create(published_at=timezone.now() - dt.timedelta(minutes=10))
        assert mailed() == []


class TestChangesBeforeSending:
    """An issue may have to wait, for example for the mail server."""

    def wait(self) -> Any:
        subscribe()
        post = news(title="A paper")
        issues.make()
        assert Delivery.objects.count() == 1
        return post

    def test_an_unpublished_post_is_left_out(self, mailed: Deliver) -> None:
        post = self.wait()
        post.status = Status.DRAFT
        post.save()
        assert mailed() == []
        assert not Delivery.objects.exists()

    def test_a_post_with_a_new_password_is_left_out(self, mailed: Deliver) -> None:
        post = self.wait()
        post.password = "secret"
        post.save()
        assert mailed() == []

    def test_a_deleted_post_is_left_out(self, mailed: Deliver) -> None:
        self.wait().delete()
        assert mailed() == []

    def test_the_email_has_the_current_text_of_the_post(self, mailed: Deliver) -> None:
        post = self.wait()
        post.source = "Without the name."
        post.save()
        (message,) = mailed()
        assert "Without the name." in message.body

    def test_subscribers_who_no_longer_follow_the_topic_get_nothing(self, mailed: Deliver) -> None:
        self.wait()
        Subscription.objects.update(tag=TagFactory.create())
        assert mailed() == []

    def test_subscribers_who_unsubscribed_get_nothing(self, mailed: Deliver) -> None:
        self.wait()
        Subscription.objects.get().subscriber.delete()
        assert mailed() == []

    def test_nothing_is_sent_once_the_newsletter_is_turned_off(self, mailed: Deliver) -> None:
        self.wait()
        NewsletterSettings.objects.update(is_on=False)
        assert mailed() == []
        assert delivery.next_at() is None


class TestFrequencies:
    def test_each_subscriber_gets_posts_with_their_own_frequency(self, mailed: Deliver) -> None:
        for frequency in Frequency:
            subscribe(f"{frequency}@example.org", frequency)
        news(ago=A_WEEK_AGO)
        assert sorted(message.to[0] for message in mailed()) == sorted(f"{each}@example.org" for each in Frequency)
        assert Issue.objects.count() == 3

    def test_who_changes_the_frequency_gets_no_post_again(self, mailed: Deliver) -> None:
        subscription = subscribe()
        news(ago=A_WEEK_AGO, title="Sent before")
        issues.make()
        assert len(mailed()) == 1
        Subscription.objects.update(frequency=Frequency.WEEKLY)
        IssueEntry.objects.exclude(frequency=Frequency.IMMEDIATELY).delete()
        move_marks(days=14)
        news(ago=A_WEEK_AGO, title="New")
        (message,) = mailed()
        assert message.to == [subscription.subscriber.email]
        assert "New" in message.body
        assert "Sent before" not in message.body

    def test_posts_of_one_period_share_an_email(self, mailed: Deliver) -> None:
        subscribe(frequency=Frequency.WEEKLY)
        for index in range(3):
            news(ago=A_WEEK_AGO + dt.timedelta(minutes=index), title=f"Number {index}")
        (message,) = mailed()
        assert "3 new posts" in message.subject
        assert [message.body.index(f"Number {index}") for index in range(3)] == sorted(
            message.body.index(f"Number {index}") for index in range(3)
        )

    def test_an_issue_has_a_limited_number_of_posts(self, mailed: Deliver, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(issues, "MAX_POSTS", 2)
        subscribe()
        for _ in range(4):
            news()
        (message,) = mailed()
        assert "2 new posts" in message.subject
        assert mailed() == []

    @pytest.mark.parametrize(
        ("frequency", "time", "last", "following"),
        [
            # Friday, 27 November 2020.
            ("immediately", at(2020, 11, 27, 12), at(2020, 11, 27, 11, 55), at(2020, 11, 27, 12, 5)),
            ("daily", at(2020, 11, 27, 12), at(2020, 11, 27, 7), at(2020, 11, 28, 7, 5)),
            ("daily", at(2020, 11, 27, 6), at(2020, 11, 26, 7), at(2020, 11, 27, 7, 5)),
            ("daily", at(2020, 11, 27, 7, 4), at(2020, 11, 26, 7), at(2020, 11, 28, 7, 5)),
            ("weekly", at(2020, 11, 27, 12), at(2020, 11, 23, 7), at(2020, 11, 30, 7, 5)),
            ("weekly", at(2020, 11, 23, 6), at(2020, 11, 16, 7), at(2020, 11, 23, 7, 5)),
        ],
    )
    def test_periods_end_at_the_hour_and_on_the_day_of_the_site(
        self, frequency: str, time: dt.datetime, last: dt.datetime, following: dt.datetime
    ) -> None:
        settings = NewsletterSettings(hour=7, weekday=0)
        assert issues._last_end(frequency, settings, time) == last
        assert issues._first_end(frequency, settings, time) == following

    def test_the_hour_is_local_time_even_when_clocks_change(self, settings: Settings) -> None:
        settings.TIME_ZONE = "Europe/Berlin"
        own = NewsletterSettings(hour=7)
        # Clocks went back on 25 October 2020, from UTC+2 to UTC+1.
        before, after = dt.datetime(2020, 10, 24, 20, tzinfo=dt.UTC), dt.datetime(2020, 10, 25, 20, tzinfo=dt.UTC)
        assert issues._last_end("daily", own, before) == dt.datetime(2020, 10, 24, 5, tzinfo=dt.UTC)
        assert issues._last_end("daily", own, after) == dt.datetime(2020, 10, 25, 6, tzinfo=dt.UTC)


class TestTopics:
    def test_subscribers_get_only_posts_of_their_topic(self, mailed: Deliver) -> None:
        above = CategoryFactory.create(name="Art")
        below = CategoryFactory.create(name="Film", parent=above)
        author, tag = UserFactory.create(), TagFactory.create(name="Peace")
        subscribe("all@example.org")
        subscribe("category@example.org", category=above)
        subscribe("tag@example.org", tag=tag)
        subscribe("author@example.org", author=author)
        subscribe("language@example.org", language="ar")
        for values, to in (
            ({}, {"all"}),
            ({"categories": [below]}, {"all", "category"}),
            ({"tags": [tag]}, {"all", "tag"}),
            ({"author": author}, {"all", "author"}),
            ({"language": "ar"}, {"all", "language"}),
            ({"language": "ar", "tags": [tag], "author": author}, {"all", "language", "tag", "author"}),
        ):
            move_marks(minutes=11)
            news(**values)
            messages = mailed()
            assert {message.to[0].partition("@")[0] for message in messages} == to
            assert len(messages) == len(to)

    def test_subscribers_of_several_topics_get_a_post_once(self, mailed: Deliver) -> None:
        tags = TagFactory.create_batch(2)
        for tag in tags:
            subscribe(tag=tag)
        subscribe()
        news(tags=tags)
        assert len(mailed()) == 1

    def test_a_digest_contains_only_posts_of_followed_topics(self, mailed: Deliver) -> None:
        tag = TagFactory.create()
        subscribe("all@example.org")
        subscribe("tag@example.org", tag=tag)
        news(title="With", tags=[tag])
        news(title="Other")
        bodies = {message.to[0]: message.body for message in mailed()}
        assert "Other" in bodies["all@example.org"]
        assert "With" in bodies["tag@example.org"]
        assert "Other" not in bodies["tag@example.org"]

    def test_a_topic_cannot_be_followed_twice(self) -> None:
        tag, category, author = TagFactory.create(), CategoryFactory.create(), UserFactory.create()
        for topic in ({}, {"tag": tag}, {"category": category}, {"author": author}, {"language": "ar"}):
            subscribe(**topic)
            with pytest.raises(IntegrityError), transaction.atomic():
                subscribe(**topic)
        with pytest.raises(IntegrityError), transaction.atomic():
            subscribe(tag=tag, category=category)


class TestCrashes:
    def test_deliveries_that_were_not_prepared_are_prepared_later(
        self, mailed: Deliver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(issues, "BATCH", 2)
        for index in range(5):
            subscribe(f"a{index}@example.org")
        news()
        with monkeypatch.context() as patched:

            def fail(issue: Issue) -> bool:
                raise KilledError

            patched.setattr(issues, "_prepare_some", fail)
            with pytest.raises(KilledError):
                issues.make()
        assert issues._prepare_some(Issue.objects.get())
        assert Delivery.objects.count() == 2
        assert delivery.next_at() is not None
        assert len(mailed()) == 5
        assert Issue.objects.get().sent_count == 5
        assert mailed() == []

    def test_an_email_whose_acceptance_was_not_stored_is_sent_again_with_the_same_id(
        self, mailed: Deliver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subscribe()
        news()
        with monkeypatch.context() as patched:

            def fail(*args: Any, **kwargs: Any) -> None:
                raise KilledError

            # Killed after the mail server has accepted the e-mail, and before that is stored.
            patched.setattr(Delivery.objects, "filter", fail)
            issues.make()
            with pytest.raises(KilledError):
                delivery.deliver()
        Delivery.objects.update(not_before=timezone.now())
        (again,) = mailed()
        sent = Delivery.objects.get()
        assert again.extra_headers["Message-ID"] == f"<newsletter-{sent.issue_id}-{sent.subscriber_id}@testserver>"
        assert mailed() == []

    @pytest.mark.django_db(transaction=True)
    def test_several_workers_send_everything_only_once(self, at_once: AtOnce) -> None:
        turn_on()
        for index in range(8):
            subscribe(f"a{index}@example.org")
        post = news()
        counts = at_once(*[delivery.deliver] * 3)
        assert sum(counts) == 8
        assert IssueEntry.objects.filter(entry=post).count() == 1
        assert Delivery.objects.filter(sent_at__isnull=False).count() == 8

    @pytest.mark.django_db(transaction=True)
    def test_who_unsubscribes_while_it_is_prepared_keeps_it_from_no_one(
        self, mailed: Deliver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        leaving = subscribe("a@example.org").subscriber
        subscribe("b@example.org")
        news()
        bulk_create = DeliveryQuerySet.bulk_create
        with monkeypatch.context() as patched:

            def delete_first(self: Any, *args: Any, **kwargs: Any) -> Any:
                patched.undo()
                Subscriber.objects.filter(pk=leaving.pk).delete()
                return bulk_create(self, *args, **kwargs)

            patched.setattr(DeliveryQuerySet, "bulk_create", delete_first)
            assert "b@example.org" in [email.to[0] for email in mailed()]

    @pytest.mark.django_db(transaction=True)
    def test_acceptance_is_stored_with_a_commit_that_does_not_wait_for_the_disk(self, mailed: Deliver) -> None:
        subscribe()
        news()
        with executed_statements() as statements:
            assert len(mailed()) == 1
        found = [sql for sql, _params in statements if "synchronous" in sql or sql.startswith("UPDATE")]
        stored = next(sql for sql in found if 'SET "sent_at"' in sql)
        assert "synchronous_commit" in stored or found[found.index(stored) - 1] == "PRAGMA synchronous=NORMAL"
