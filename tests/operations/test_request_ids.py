"""Each request and each task has an ID, which is logged and sent with the response."""

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
    def test_a_private_response_has_an_id(self, client: Client) -> None:
        ids = {client.get("/admin/login/").headers["X-Request-ID"] for _attempt in range(2)}
        assert len(ids) == 2
        assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)

    def test_public_pages_have_no_id(self, client: Client) -> None:
        for path in ("/", PostFactory().get_absolute_url(), "/no-such-page/", "/feed/"):
            assert "X-Request-ID" not in client.get(path).headers

    def test_the_id_from_a_trusted_proxy_is_used(self, client: Client, settings: Settings) -> None:
        settings.BROADSIDE_TRUSTED_PROXIES = 1
        assert client.get("/admin/login/", headers={"X-Request-ID": GIVEN}).headers["X-Request-ID"] == GIVEN

    @pytest.mark.parametrize(
        ("proxies", "given"), [(0, GIVEN), (1, "short"), (1, "x" * 32), (1, f"{GIVEN}\nforged"), (1, GIVEN * 2)]
    )
    def test_an_id_from_a_stranger_or_in_another_form_is_not_used(
        self, proxies: int, given: str, client: Client, settings: Settings
    ) -> None:
        settings.BROADSIDE_TRUSTED_PROXIES = proxies
        assert client.get("/admin/login/", headers={"X-Request-ID": given}).headers["X-Request-ID"] != given

    def test_the_id_is_cleared_afterwards(self, client: Client) -> None:
        client.get("/admin/login/")
        assert current_id() == ""
        with working_on("a"), working_on("b"):
            assert current_id() == "b"
        assert current_id() == ""

    def test_the_error_page_shows_the_id(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("blog.views.listing_response", lambda *args, **options: 1 / 0)
        client.raise_request_exception = False
        response = client.get("/")
        assert response.status_code == 500
        assert f">{response.headers['X-Request-ID']}</code>" in response.text

    pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_a_task_runs_with_its_own_id(work: Work) -> None:
    result = look.enqueue()
    work()
    assert [each.replace("-", "") for each in seen] == [result.id.replace("-", "")]
    assert current_id() == ""


@pytest.mark.django_db(transaction=True)
def test_the_id_is_cleared_after_a_task_that_will_be_retried(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "is_worth_another_attempt", lambda row, error: True)
    monkeypatch.setattr("tests.operations.test_request_ids.seen", None)
    look.enqueue()
    work()
    assert current_id() == ""
