"""Smaller pages for returning readers: a browser fetches the dictionary and decodes pages with it."""

import itertools
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from blog.caching.application import PageCache
from blog.models import Post
from tests.factories import PostFactory, at
from tests.factories.types import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)


def test_later_pages_take_fewer_bytes_and_are_decoded_correctly(
    open_page: OpenPage, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Any = live_server.thread.httpd
    monkeypatch.setattr(server, "application", PageCache(server.application))
    text = " ".join(f"Sentence {number} of a text." for number in range(200))
    posts = iter(
        [PostFactory(title=f"Post {n}", source=text, published_at=at(2020, 5 + n // 28, n % 28 + 1)) for n in range(60)]
    )
    page = open_page("/robots.txt")

    def encoding_of(post: Post) -> str:
        response = page.goto(post.get_absolute_url())
        assert response is not None
        return response.headers["content-encoding"]

    with page.expect_event("requestfinished", lambda request: request.url.endswith("/dictionary.txt")):
        page.goto("/")
    # The browser stores the dictionary some time after it has arrived.
    while encoding_of(next(posts)) != "dcz":
        page.wait_for_timeout(100)
    for post in itertools.islice(posts, 3):
        response = page.goto(post.get_absolute_url())
        assert response is not None
        assert response.headers["content-encoding"] == "dcz"
        assert int(response.headers["content-length"]) < 2_000
        assert page.locator("h1").inner_text() == post.title
        assert page.get_by_text("Sentence 199 of a text.").is_visible()
