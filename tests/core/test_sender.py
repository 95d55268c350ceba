"""The anonymous sender of a request."""

import datetime as dt
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings

from core.sender import sender


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
    def test_ipv6_addresses_in_one_network_are_the_same_sender(self, one: str, other: str, same: bool) -> None:
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
    def test_behind_proxies_only_addresses_added_by_trusted_ones_count(
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
