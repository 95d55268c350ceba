"""The rate limit: exact counts, kept for minutes, of anonymous senders."""

import datetime as dt
import logging
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from comments.models import Comment, CommentSettings, RateCount
from comments.rules import rate_limit
from comments.rules.rate_limit import PERIOD, Count, count
from tests.factories import PostFactory
from tests.factories.types import AtOnce


@pytest.fixture
def move_clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that moves the clock forward and stops it there."""

    def move(**by: int) -> None:
        now = timezone.now() + dt.timedelta(**by)
        monkeypatch.setattr("django.utils.timezone.now", lambda: now)

    return move


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

    def test_requests_over_the_limit_of_a_sender_leave_room_for_others(
        self, move_clock: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rate_limit, "REQUESTS_PER_SENDER", 2)
        monkeypatch.setattr(rate_limit, "REQUESTS_PER_SITE", 3)
        move_clock(seconds=0)
        refused = [rate_limit.requests_too_often(sender, f"{n}@a.example") for n, sender in enumerate("aaaaabb")]
        assert refused == [False, False, True, True, True, False, True]

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


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL would need a setting of the session")
@pytest.mark.django_db(transaction=True)
def test_a_count_does_not_wait_for_the_disk() -> None:
    with CaptureQueriesContext(connection) as queries:
        count("a")
    (counting,) = (number for number, query in enumerate(queries) if "INSERT" in query["sql"])
    settings = {number: query["sql"] for number, query in enumerate(queries) if "synchronous" in query["sql"]}
    before, after = (number for number in settings if "=" in settings[number])
    assert before < counting < after
    assert "NORMAL" in settings[before]
