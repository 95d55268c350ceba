"""Counting what comes in: exact, for minutes, and without knowing anybody."""

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
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Move the clock, and stop it there."""

    def move(**by: int) -> None:
        now = timezone.now() + dt.timedelta(**by)
        monkeypatch.setattr("django.utils.timezone.now", lambda: now)

    return move


class TestSender:
    def test_it_is_a_hash_that_holds_no_address(self) -> None:
        assert len(from_address("192.0.2.7")) == 64
        assert "192.0.2.7" not in from_address("192.0.2.7")

    def test_one_address_is_one_sender_for_a_day(self, later: Any) -> None:
        today = from_address("192.0.2.7")
        assert from_address("192.0.2.7") == today != from_address("192.0.2.8")
        later(days=1)
        assert from_address("192.0.2.7") != today

    def test_nobody_can_compute_it_without_the_key(self, settings: Settings) -> None:
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
    def test_of_ipv6_the_network_counts(self, one: str, other: str, same: bool) -> None:
        assert (from_address(one) == from_address(other)) is same

    @pytest.mark.parametrize("address", ["", "unix:", "not an address"])
    def test_who_cannot_be_told_is_nobody(self, address: str) -> None:
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
    def test_behind_proxies_only_what_they_have_seen_counts(
        self, proxies: int, forwarded: str | None, seen: str, settings: Settings
    ) -> None:
        expected = from_address(seen)
        settings.BROADSIDE_TRUSTED_PROXIES = proxies
        assert from_address("192.0.2.7", forwarded) == expected

    def test_the_header_may_have_another_name(self, settings: Settings) -> None:
        expected = from_address("198.51.100.1")
        settings.BROADSIDE_TRUSTED_PROXIES, settings.BROADSIDE_CLIENT_ADDRESS_HEADER = 1, "X-Real-IP"
        request = RequestFactory(headers={"X-Real-IP": "198.51.100.1"}).get("/", REMOTE_ADDR="192.0.2.7")
        assert sender(request) == expected


@pytest.mark.django_db
class TestCounting:
    def test_by_sender_and_for_the_whole_site(self, later: Any) -> None:
        later(seconds=0)
        assert [count("a"), count("a"), count("b"), count("")] == [Count(1, 1), Count(2, 2), Count(1, 3), Count(0, 4)]

    def test_the_next_period_begins_anew_and_forgets_the_last(self, later: Any) -> None:
        count("a")
        later(seconds=PERIOD)
        assert count("b") == Count(1, 1)
        assert not RateCount.objects.filter(sender="a").exists()

    def test_a_comment_that_comes_in_is_counted_and_its_address_is_nowhere(
        self, client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        CommentSettings.objects.update(comments_per_sender=2)
        post = PostFactory.create()
        url = reverse("comments:add", args=["post", post.pk])
        with caplog.at_level(logging.DEBUG):
            for number in range(3):
                data = {"name": "Ann", "email": "a@example.org", "text": f"Words {number}"}
                assert client.post(url, data, REMOTE_ADDR="198.51.100.77").status_code == 302
        reasons = [comment.reasons for comment in Comment.objects.order_by("pk")]
        assert reasons[:2] == [[], []]
        assert [reason["check"] for reason in reasons[2]] == ["flood"]
        assert "198.51.100.77" not in caplog.text
        for model in (Comment, RateCount):
            assert "198.51.100.77" not in str(list(model.objects.values()))


@pytest.mark.django_db(transaction=True)
def test_several_at_once_are_counted_exactly(at_once: AtOnce) -> None:
    seen: list[Count] = []
    at_once(*[lambda name=name: seen.extend(count(name) for _ in range(10)) for name in "aabb"])
    period = set(RateCount.objects.values_list("period", flat=True))
    if len(period) == 1:
        assert sorted(one.on_site for one in seen) == list(range(1, 41))
        assert sorted(one.from_sender for one in seen) == sorted([*range(1, 21)] * 2)
