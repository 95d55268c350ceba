"""A clock that was ahead for a year leaves times in the future. Nothing waits, or is kept, until then."""

import datetime as dt
import time
from unittest import mock

import pytest
from django.conf import settings
from django.core import mail
from django.utils import timezone

from comments.models import Comment, CommentSettings, CommentStatus, Follower, OutboxItem, SentMention
from comments.tidying import tidy
from comments.webmentions import sending
from mail import delivery, pacing
from mail.models import RecipientDomain
from media import trash
from media.documents import store_document
from media.models import Document
from newsletter.models import NewsletterSettings, Subscription, SubscriptionRequest
from newsletter.subscriptions import delete_old_requests
from operations.models import Withdrawal, WithdrawalState
from operations.withdrawals import lifecycle
from operations.withdrawals.working import work as withdraw
from tests.factories import CommentFactory, PostFactory
from tests.factories.files import pdf_file
from tests.factories.newsletter import news, subscribe, turn_on
from tests.factories.reader import Reader

pytestmark = pytest.mark.django_db
YEAR = dt.timedelta(days=365)


def then() -> dt.datetime:
    return timezone.now() + YEAR


class TestMail:
    def test_is_sent_to_people_who_got_some_then(self) -> None:
        Follower.objects.create(entry=PostFactory.create(), email="ann@example.org", not_before=then())
        assert delivery.deliver() == 1

    def test_is_sent_to_domains_that_had_to_wait_then(self) -> None:
        turn_on()
        subscribe("ann@example.org")
        news()
        Subscription.objects.update(frequency="immediately")
        RecipientDomain.objects.create(name="example.org", ready_at=then(), batch_at=then(), window_ends_at=then())
        delivery.deliver()
        assert [message.to for message in mail.outbox] == [["ann@example.org"]]

    def test_that_waits_for_its_turn_goes_on_waiting(self) -> None:
        turn = timezone.now() + dt.timedelta(days=3)
        RecipientDomain.objects.create(name="example.org", batch_at=turn)
        Follower.objects.create(entry=PostFactory.create(), email="ann@example.org", not_before=turn)
        assert delivery.deliver() == 0
        assert Follower.objects.get().not_before == turn
        assert pacing.longest_wait() > dt.timedelta(days=2)

    def test_about_comments_that_were_written_then_is_sent(self) -> None:
        item = OutboxItem.objects.create(comment=CommentFactory.create(), event="pending")
        OutboxItem.objects.filter(pk=item.pk).update(created_at=then())
        delivery.deliver()
        assert OutboxItem.objects.get().created_at <= timezone.now()

    def test_about_posts_is_sent_if_that_was_turned_on_then(self) -> None:
        turn_on()
        subscribe()
        NewsletterSettings.objects.update(on_since=then())
        delivery.deliver()
        assert not mail.outbox
        news(ago=dt.timedelta())
        with mock.patch.object(timezone, "now", return_value=timezone.now() + dt.timedelta(minutes=10)):
            delivery.deliver()
        assert len(mail.outbox) == 1


def test_webmentions_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(sending, "_send", lambda mention: told.append(mention.target))
    CommentSettings.objects.update(send_webmentions=True, sending_since=then())
    sending.note_links()
    PostFactory(markup="html", source='<a href="https://other.example/">x</a>', published_at=timezone.now())
    sending.note_links()
    SentMention.objects.update(not_before=then())
    sending.send_due(then())
    assert told == ["https://other.example/"]


class TestPages:
    def test_rendered_then_are_rendered_again(self) -> None:
        with mock.patch.object(time, "time", return_value=time.time() + YEAR.total_seconds()):
            Reader().get("/")
        reader = Reader()
        reader.get("/")
        assert reader.rendered == ["/"]

    def test_show_the_next_scheduled_post_in_time(self) -> None:
        PostFactory(title="Soon", published_at=timezone.now() + dt.timedelta(seconds=90))
        reader, now = Reader(), time.time()
        with (
            mock.patch.object(time, "time", return_value=now + YEAR.total_seconds()),
            mock.patch.object(timezone, "now", return_value=then()),
        ):
            assert "Soon" in reader.get("/").text
        assert "Soon" not in reader.get("/").text
        later = timezone.now() + dt.timedelta(seconds=91)
        with (
            mock.patch.object(time, "time", return_value=now + 91),
            mock.patch.object(timezone, "now", return_value=later),
        ):
            assert "Soon" in reader.get("/").text


class TestDeleting:
    def test_spam_and_addresses_is_not_put_off(self) -> None:
        CommentFactory.create(status=CommentStatus.SPAM, status_since=then())
        follower = Follower.objects.create(entry=PostFactory.create(), email="ann@example.org", requested_at=then())
        request = SubscriptionRequest.objects.create(email="a@example.org", frequency="daily", requested_at=then())
        tidy()
        delete_old_requests()
        now = timezone.now()
        assert Comment.objects.get().status_since <= now
        assert Follower.objects.get(pk=follower.pk).requested_at <= now
        assert SubscriptionRequest.objects.get(pk=request.pk).requested_at <= now

    def test_files_is_not_put_off(self) -> None:
        stored = store_document(pdf_file())
        Document.objects.update(deleted_at=then())
        trash.remove_expired()
        deleted_at = Document.objects.get(pk=stored.pk).deleted_at
        assert deleted_at
        assert deleted_at <= timezone.now()

    def test_withdrawn_names_is_not_put_off(self) -> None:
        PostFactory(title="By Ann Lée")
        withdrawal = lifecycle.start(["Ann Lée"], "[…]", None)
        withdraw(withdrawal, seconds=60)
        lifecycle.carry_out(withdrawal)
        withdraw(withdrawal, seconds=60)
        days = dt.timedelta(days=settings.BROADSIDE_WITHDRAWAL_UNDO_DAYS)
        Withdrawal.objects.update(undo_until=then() + days)
        lifecycle.end_overdue(timezone.now())
        assert Withdrawal.objects.get().state == WithdrawalState.DONE
        lifecycle.end_overdue(timezone.now())
        assert Withdrawal.objects.get().state == WithdrawalState.FINAL
