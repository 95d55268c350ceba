"""Akismet is called only if the owner has a key, before the transaction, and may fail."""

from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from comments.models import Comment, CommentSettings
from comments.moderation.submission import submit
from core.registry import check_registries
from tests.factories import PostFactory, UserFactory


class FakeAkismet:
    """Akismet with a fixed answer. Records the requests."""

    def __init__(self, answer: str | Exception) -> None:
        self.answer = answer
        self.sent: list[str] = []
        self.in_transaction = False

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request.content.decode())
        self.in_transaction = connection.in_atomic_block
        if isinstance(self.answer, Exception):
            raise self.answer
        return httpx.Response(200, text=self.answer)


@pytest.fixture
def akismet(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Any:
    settings.BROADSIDE_AKISMET_KEY = "key"

    def akismet(answer: str | Exception) -> FakeAkismet:
        fake, real_client = FakeAkismet(answer), httpx.Client
        monkeypatch.setattr(
            httpx, "Client", lambda **options: real_client(transport=httpx.MockTransport(fake.handle), **options)
        )
        return fake

    return akismet


def send(**fields: Any) -> Comment:
    values = {"name": "Ann", "email": "ann@example.org", "text": "Hello.", **fields}
    return submit(PostFactory.create(), sender="x", settings=CommentSettings(), **values)


@pytest.mark.django_db
class TestCheck:
    @pytest.mark.parametrize(
        ("answer", "status", "checks"),
        [
            ("false", "pending", []),
            ("true", "spam", ["akismet"]),
            ("invalid", "pending", ["akismet"]),
            ("<html>", "pending", ["akismet"]),
            (httpx.ConnectTimeout("too slow"), "pending", ["akismet"]),
        ],
    )
    def test_the_answer_becomes_a_reason_and_an_error_holds_the_comment(
        self, answer: Any, status: str, checks: list[str], akismet: Any
    ) -> None:
        akismet(answer)
        comment = send()
        assert (comment.status, [reason["check"] for reason in comment.reasons]) == (status, checks)

    def test_it_receives_what_the_form_says_and_no_ip_address(self, akismet: Any) -> None:
        fake = akismet("false")
        send(website="https://ann.example")
        (sent,) = fake.sent
        for part in ("comment_author=Ann", "ann%40example.org", "ann.example", "Hello.", "user_ip=192.0.2.1"):
            assert part in sent

    def test_nothing_is_sent_about_people_with_an_account(self, akismet: Any) -> None:
        fake = akismet("true")
        assert send(user=UserFactory.create()).status == "pending"
        assert fake.sent == []

    def test_nothing_is_sent_without_a_key(self, akismet: Any, settings: Settings) -> None:
        fake = akismet("true")
        settings.BROADSIDE_AKISMET_KEY = ""
        send()
        assert fake.sent == []


@pytest.mark.django_db(transaction=True)
def test_it_is_called_outside_of_transactions(akismet: Any) -> None:
    fake = akismet("false")
    send()
    assert fake.sent
    assert not fake.in_transaction


@pytest.mark.django_db
class TestNotice:
    @pytest.mark.parametrize(("key", "is_disclosed"), [("", False), ("key", True)])
    def test_the_form_discloses_what_is_sent(
        self, key: str, is_disclosed: bool, client: Client, settings: Settings
    ) -> None:
        settings.BROADSIDE_AKISMET_KEY = key
        page = client.get(PostFactory.create().get_absolute_url())
        assert ("are sent to Akismet" in page.content.decode()) is is_disclosed


def test_a_key_without_the_client_fails_the_system_check(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.BROADSIDE_AKISMET_KEY = "key"
    assert check_registries() == []
    monkeypatch.setattr("core.optional_packages.find_spec", lambda name: None)
    (error,) = check_registries()
    assert "uv sync --extra akismet" in error.msg
    settings.BROADSIDE_AKISMET_KEY = ""
    assert check_registries() == []
