"""The rate limit: exact counts, kept for minutes, of anonymous senders."""

import datetime as dt
import logging
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from comments.models import Comment, CommentSettings, RateCount
from comments.rules.rate_limit import PERIOD, Count, count, sender
from tests.factories import PostFactory
from tests.factories.types import AtOnce


def from_address(address: str, forwarded: str | None = None) -> str:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return sender(RequestFactory(headers=headers).get("/", REMOTE_ADDR=address))


@pytest.fixture
def move_clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that moves the clock forward and stops it there."""

    def move(**by: int) -> None:
        now = timezone.now() + dt.timedelta(**by)
        monkeypatch.setattr("django.utils.timezone.now", lambda: now)

    return move


class TestSender:
    def test_it_is_a_hash_without_the_address(self) -> None:
        assert len(from_address("192.0.2.7")) == 64
        assert "192.0.2.7" not in from_address("192.0.2.7")

    def test_an_address_is_the_same_sender_for_a_day(self, move_clock: Any) -> None:
        today = from_address("192.0.2.7")
        assert from_address("192.0.2.7") == today != from_address("192.0.2.8")
        move_clock(days=1)
        assert from_address("192.0.2.7") != today

    def test_it_depends_on_the_secret_key(self, settings: Settings) -> None:
        before = from_address("192.0.2.7")
        settings.SECRET_KEY = "another"
        assert from_address("192.0.2.7") != before

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("2001:db8::1", "2001:db8::ffff", True),
            ("2001:db8::1", "2001:db8:0:1::1", False),
            ("::ffff:192.0.2.7", "192.0.2.7", True),
        ],
    )
    def test_ipv6_addresses_count_by_network(self, one: str, other: str, same: bool) -> None:
        assert (from_address(one) == from_address(other)) is same

    @pytest.mark.parametrize("address", ["", "unix:", "not an address"])
    def test_an_unknown_address_has_no_sender(self, address: str) -> None:
        assert from_address(address) == ""

    @pytest.mark.parametrize(
        ("proxies", "forwarded", "seen"),
        [
            (0, "198.51.100.1", "192.0.2.7"),
            (1, "198.51.100.1", "198.51.100.1"),
            (1, "203.0.113.9, 198.51.100.1", "198.51.100.1"),
            (2, "1.2.3.4, 203.0.113.9, 198.51.100.1", "203.0.113.9"),
            (1, None, "192.0.2.7"),
            (2, "198.51.100.1", "192.0.2.7"),
        ],
    )
    def test_behind_proxies_only_addresses_they_saw_count(
        self, proxies: int, forwarded: str | None, seen: str, settings: Settings
    ) -> None:
        expected = from_address(seen)
        settings.BROADSIDE_TRUSTED_PROXIES = proxies
        assert from_address("192.0.2.7", forwarded) == expected

    def test_the_header_can_be_configured(self, settings: Settings) -> None:
        expected = from_address("198.51.100.1")
        settings.BROADSIDE_TRUSTED_PROXIES, settings.BROADSIDE_CLIENT_ADDRESS_HEADER = 1, "X-Real-IP"
        request = RequestFactory(headers={"X-Real-IP": "198.51.100.1"}).get("/", REMOTE_ADDR="192.0.2.7")
        assert sender(request) == expected


@pytest.mark.django_db
class TestCounting:
    def test_comments_are_counted_by_sender_and_on_the_whole_site(self, move_clock: Any) -> None:
        move_clock(seconds=0)
        assert [count("a"), count("a"), count("b"), count("")] == [Count(1, 1), Count(2, 2), Count(1, 3), Count(0, 4)]

    def test_a_new_period_starts_at_zero_and_deletes_the_last(self, move_clock: Any) -> None:
        count("a")
        move_clock(seconds=PERIOD)
        assert count("b") == Count(1, 1)
        assert not RateCount.objects.filter(sender="a").exists()

    def test_submitted_comments_are_counted_and_their_ip_address_is_not_stored(
        self, client: Client, caplog: pytest.LogCaptureFixture, move_clock: Any
    ) -> None:
        # All in the same period.
        move_clock(seconds=0)
        CommentSettings.objects.update(comments_per_sender=2)
        post = PostFactory.create()
        url = reverse("comments:add", args=["post", post.pk])
        with caplog.at_level(logging.DEBUG):
            for index in range(3):
                data = {"name": "Ann", "email": "a@example.org", "text": f"Text {index}"}
                assert client.post(url, data, REMOTE_ADDR="198.51.100.77").status_code == 302
        reasons = [comment.reasons for comment in Comment.objects.order_by("pk")]
        assert reasons[:2] == [[], []]
        assert [reason["check"] for reason in reasons[2]] == ["flood"]
        assert "198.51.100.77" not in caplog.text
        for model in (Comment, RateCount):
            assert "198.51.100.77" not in str(list(model.objects.values()))


@pytest.mark.django_db(transaction=True)
def test_concurrent_comments_are_counted_exactly(at_once: AtOnce) -> None:
    seen: list[Count] = []
    at_once(*[lambda name=name: seen.extend(count(name) for _ in range(10)) for name in "aabb"])
    period = set(RateCount.objects.values_list("period", flat=True))
    if len(period) == 1:
        assert sorted(one.on_site for one in seen) == list(range(1, 41))
        assert sorted(one.from_sender for one in seen) == sorted([*range(1, 21)] * 2)
