"""Akismet is asked only where an owner has a key for it, before the transaction, and may fail."""

from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from comments.apps import check_akismet
from comments.models import Comment, CommentSettings
from comments.moderation.submission import submit
from tests.factories import PostFactory, UserFactory


class Answer:
    """Stands for Akismet: answers as told, and remembers what it was sent."""

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
def says(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Any:
    settings.BROADSIDE_AKISMET_KEY = "key"

    def says(answer: str | Exception) -> Answer:
        there, real = Answer(answer), httpx.Client
        monkeypatch.setattr(
            httpx, "Client", lambda **options: real(transport=httpx.MockTransport(there.handle), **options)
        )
        return there

    return says


def send(**words: Any) -> Comment:
    given = {"name": "Ann", "email": "ann@example.org", "text": "Hello.", **words}
    return submit(PostFactory.create(), sender="x", settings=CommentSettings(), **given)


@pytest.mark.django_db
class TestAsking:
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
    def test_its_answer_is_one_of_the_reasons_and_an_error_holds(
        self, answer: Any, status: str, checks: list[str], says: Any
    ) -> None:
        says(answer)
        comment = send()
        assert (comment.status, [reason["check"] for reason in comment.reasons]) == (status, checks)

    def test_it_is_sent_what_the_form_says_and_no_address_of_the_network(self, says: Any) -> None:
        there = says("false")
        send(website="https://ann.example")
        (sent,) = there.sent
        for part in ("comment_author=Ann", "ann%40example.org", "ann.example", "Hello.", "user_ip=192.0.2.1"):
            assert part in sent

    def test_nothing_is_sent_of_people_with_an_account(self, says: Any) -> None:
        there = says("true")
        assert send(user=UserFactory.create()).status == "pending"
        assert there.sent == []

    def test_nor_without_a_key(self, says: Any, settings: Settings) -> None:
        there = says("true")
        settings.BROADSIDE_AKISMET_KEY = ""
        send()
        assert there.sent == []


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_in_a_transaction_for_it(says: Any) -> None:
    there = says("false")
    send()
    assert there.sent
    assert not there.in_transaction


@pytest.mark.django_db
class TestNotice:
    @pytest.mark.parametrize(("key", "there"), [("", False), ("key", True)])
    def test_the_form_says_what_is_sent_where_it_is_sent(
        self, key: str, there: bool, client: Client, settings: Settings
    ) -> None:
        settings.BROADSIDE_AKISMET_KEY = key
        page = client.get(PostFactory.create().get_absolute_url())
        assert ("are sent to Akismet" in page.content.decode()) is there


def test_a_key_without_the_client_is_an_error_at_the_start(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    assert check_akismet(None) == []
    settings.BROADSIDE_AKISMET_KEY = "key"
    assert check_akismet(None) == []
    monkeypatch.setattr("comments.apps.find_spec", lambda name: None)
    assert [error.id for error in check_akismet(None)] == ["comments.E001"]
