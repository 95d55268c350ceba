"""Smaller pages for returning readers: a browser fetches the dictionary and decodes pages with it."""

from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from blog.caching.application import PageCache
from tests.factories import PostFactory, at
from tests.factories.types import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)


def test_later_pages_take_fewer_bytes_and_are_decoded_correctly(
    open_page: OpenPage, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Any = live_server.thread.httpd
    monkeypatch.setattr(server, "application", PageCache(server.application))
    text = " ".join(f"Sentence {number} of a text." for number in range(200))
    posts = [PostFactory(title=f"Post {day}", source=text, published_at=at(2020, 5, day)) for day in (1, 2, 3)]
    page = open_page("/robots.txt")
    with page.expect_event("requestfinished", lambda request: request.url.endswith("/dictionary.txt")):
        page.goto("/")
    # The browser stores the dictionary only after it has arrived.
    page.wait_for_timeout(500)
    for post in posts:
        response = page.goto(post.get_absolute_url())
        assert response is not None
        assert response.headers["content-encoding"] == "dcz"
        assert int(response.headers["content-length"]) < 2_000
        assert page.locator("h1").inner_text() == post.title
        assert page.get_by_text("Sentence 199 of a text.").is_visible()
