"""Delivery sends the mail that is due without knowing the apps that register it."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from accounts.models import User
from comments.models import Follower
from mail import delivery
from mail.delivery import Mailing, Preparation
from mail.models import Recipient, RecipientQuerySet
from tests.factories import PostFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery.mailings, "data", {})
    monkeypatch.setattr(delivery.preparations, "data", {})


def test_without_registrations_there_is_nothing_to_do() -> None:
    assert delivery.deliver() == 0
    assert delivery.next_at() is None


def test_next_at_is_the_earliest_time() -> None:
    now = timezone.now()
    times: list[Any] = [now + dt.timedelta(hours=2), None, now + dt.timedelta(hours=1)]
    for index, time in enumerate(times):
        delivery.preparations.register(f"{index}", Preparation(lambda: None, lambda time=time: time))  # type: ignore[misc]  # the default binds the value
    assert delivery.next_at() == times[2]
    follower = Follower.objects.create(entry=PostFactory.create(), email="a@example.org")
    delivery.mailings.register("followers", Mailing(Follower.objects.all(), lambda follower: iter(())))
    assert delivery.next_at() == follower.not_before


def test_every_preparation_is_run() -> None:
    done: list[str] = []
    delivery.preparations.register("a", Preparation(lambda: done.append("a"), lambda: None))
    delivery.preparations.register("b", Preparation(lambda: done.append("b"), lambda: None))
    delivery.deliver()
    assert done == ["a", "b"]


def test_mail_that_another_worker_sends_in_the_meantime_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    Follower.objects.create(entry=PostFactory.create(), email="a@example.org")
    sent: list[str] = []

    def emails(follower: Follower) -> Iterator[EmailMessage]:
        yield EmailMessage(to=[follower.email])
        sent.append(follower.email)
        Follower.objects.update(invited_at=timezone.now())

    delivery.mailings.register("followers", Mailing(Follower.objects.all(), emails))
    monkeypatch.setattr(Follower, "min_interval", dt.timedelta())
    claim = RecipientQuerySet.claim
    with monkeypatch.context() as patched:

        def claim_late(self: RecipientQuerySet[Any], recipient: Recipient, until: dt.datetime) -> bool:
            patched.setattr(RecipientQuerySet, "claim", claim)
            assert delivery.deliver() == 1
            return self.claim(recipient, until)

        patched.setattr(RecipientQuerySet, "claim", claim_late)
        assert delivery.deliver() == 0
    assert sent == ["a@example.org"]


def test_a_worker_that_takes_too_long_leaves_alone_what_another_has_claimed_since() -> None:
    Follower.objects.create(entry=PostFactory.create(), email="a@example.org")
    claimed_until = timezone.now() + 2 * delivery.LEASE

    def emails(follower: Follower) -> Iterator[EmailMessage]:
        yield EmailMessage(to=[follower.email])
        Follower.objects.update(invited_at=timezone.now(), not_before=claimed_until)

    delivery.mailings.register("followers", Mailing(Follower.objects.all(), emails))
    assert delivery.deliver() == 1
    assert Follower.objects.get().not_before == claimed_until


def test_the_system_check_reports_models_that_are_not_recipients() -> None:
    mailing: Any = Mailing(User.objects.all(), lambda user: iter(()))
    assert list(delivery.mailings.find_problems("people", mailing)) == ["User is not a Recipient."]
    assert list(delivery.mailings.find_problems("f", Mailing(Follower.objects.all(), lambda follower: iter(())))) == []
