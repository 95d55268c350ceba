"""Each request and each task has an ID, in the log and for whoever sent the request."""

import logging
import re

import pytest
from django.tasks import task
from django.test import Client
from pytest_django import Settings

from operations.request_ids import current_id, working_on
from operations.worker import queue
from tests.factories import PostFactory
from tests.factories.types import Work

_log = logging.getLogger(__name__)
GIVEN = "0123456789abcdef0123456789abcdef"
seen: list[str] = []


@task()
def look() -> None:
    seen.append(current_id())


class TestRequests:
    def test_a_response_for_one_reader_has_one(self, client: Client) -> None:
        ids = {client.get("/admin/login/").headers["X-Request-ID"] for _attempt in range(2)}
        assert len(ids) == 2
        assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)

    def test_public_pages_have_none(self, client: Client) -> None:
        for path in ("/", PostFactory().get_absolute_url(), "/no-such-page/", "/feed/"):
            assert "X-Request-ID" not in client.get(path).headers

    def test_that_of_a_proxy_is_taken_over(self, client: Client, settings: Settings) -> None:
        settings.BROADSIDE_TRUSTED_PROXIES = 1
        assert client.get("/admin/login/", headers={"X-Request-ID": GIVEN}).headers["X-Request-ID"] == GIVEN

    @pytest.mark.parametrize(
        ("proxies", "given"), [(0, GIVEN), (1, "short"), (1, "x" * 32), (1, f"{GIVEN}\nforged"), (1, GIVEN * 2)]
    )
    def test_that_of_a_stranger_is_not(self, proxies: int, given: str, client: Client, settings: Settings) -> None:
        settings.BROADSIDE_TRUSTED_PROXIES = proxies
        assert client.get("/admin/login/", headers={"X-Request-ID": given}).headers["X-Request-ID"] != given

    def test_nothing_is_left_of_it_afterwards(self, client: Client) -> None:
        client.get("/admin/login/")
        assert current_id() == ""
        with working_on("a"), working_on("b"):
            assert current_id() == "b"
        assert current_id() == ""

    def test_the_page_about_an_error_names_it(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("blog.views.listing_response", lambda *args, **options: 1 / 0)
        client.raise_request_exception = False
        response = client.get("/")
        assert response.status_code == 500
        assert f">{response.headers['X-Request-ID']}</code>" in response.text

    pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_a_task_has_its_own(work: Work) -> None:
    result = look.enqueue()
    work()
    assert [each.replace("-", "") for each in seen] == [result.id.replace("-", "")]
    assert current_id() == ""


@pytest.mark.django_db(transaction=True)
def test_nothing_is_left_of_it_when_a_task_is_run_again_later(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "is_worth_another_attempt", lambda row, error: True)
    monkeypatch.setattr("tests.operations.test_request_ids.seen", None)
    look.enqueue()
    work()
    assert current_id() == ""
