"""Users who are refused by a busy server are told so and get back what they sent. These tests use no database."""

import logging
from typing import Any

import pytest
from django.test import Client

from config.lanes import NEW_PAGES, lane_of
from core.serving.busy import IS_REFUSED
from tests.factories.responses import find, one, read, text

COMMENT = "A comment\n\nof <several> lines & “signs”, which took a while to write."


@pytest.fixture
def client() -> Client:
    """A client whose requests are refused."""
    environ: Any = {IS_REFUSED: True}
    return Client(**environ)


@pytest.mark.parametrize("path", ["/", "/2015/03/08/no-such-page/", "/?s=freedom", "/admin/", "/media/a.jpg"])
def test_a_reader_gets_a_page_in_the_design_of_the_site(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 503
    assert text(one(read(response), "h1")) == "The site is very busy"
    assert "Please try again in a few seconds." in text(one(read(response), "main"))
    assert find(read(response), "link[rel=stylesheet]")
    assert not find(read(response), "form")


def test_a_refused_comment_is_returned(client: Client) -> None:
    response = client.post("/2015/03/08/post/comment/", {"content": COMMENT, "name": "Ann"})
    assert response.status_code == 503
    assert "Nothing was changed." in text(one(read(response), "main"))
    form = one(read(response), "form")
    assert form.get("action") == "/2015/03/08/post/comment/"
    assert one(form, "textarea").text.removeprefix("\n").replace("\r\n", "\n") == COMMENT
    assert one(form, "input[name=name]").get("value") == "Ann"


def test_a_form_from_another_site_is_not_returned(client: Client) -> None:
    response = client.post("/", {"content": COMMENT}, headers={"sec-fetch-site": "cross-site"})
    assert not find(read(response), "form")


def test_a_program_gets_the_message_as_json(client: Client) -> None:
    response = client.post("/admin/blog/entry/1/draft/", headers={"accept": "application/json"})
    assert response.status_code == 503
    assert response.json() == {"error": "Nothing was changed. Please try again in a few seconds."}


def test_the_response_has_security_headers_and_is_never_cached(client: Client) -> None:
    headers = client.get("/").headers
    assert headers["Retry-After"] == "5"
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_refusals_are_not_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        client.get("/")
    assert not caplog.records


def test_clients_cannot_mark_a_request_as_refused() -> None:
    """The mark's key in the WSGI environment can't come from a header, so only the server sets it."""
    assert not IS_REFUSED.startswith("HTTP_")
    assert lane_of({"PATH_INFO": "/", "REQUEST_METHOD": "GET"}) is NEW_PAGES
