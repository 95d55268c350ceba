"""The sending of Webmentions works with the receiving of them, over HTTP."""

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from comments.models import Comment, CommentSettings
from comments.webmentions import pages
from core.http import HTTPClient
from tests.factories import PostFactory
from tests.factories.servers import StubServer
from tests.factories.types import Work

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_link_from_one_site_waits_on_the_other(
    live_server: LiveServer, web_server: StubServer, work: Work, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SITE_URL = live_server.url
    monkeypatch.setattr(pages, "CLIENT", HTTPClient(allow_private=True, timeout=20, deadline=60))
    CommentSettings.objects.update(receive_webmentions=True)
    post = PostFactory(slug="مرحبا")
    target = f"{live_server.url}{post.get_absolute_url()}"
    source = web_server.url("/a")
    web_server.answer(
        "/a", body=f'<title>Théâtre</title><p>See <a href="{target}">it</a>'.encode(), Content_Type="text/html"
    )
    web_server.answer("/a", 410)

    endpoint = pages.find_endpoint(pages.fetch(target))
    assert endpoint == f"{live_server.url}/comments/webmention/"
    for status in ("pending", "trash"):
        pages.send(endpoint, source, target)
        work()
        assert list(Comment.objects.values_list("name", "text", "status")) == [
            (f"Théâtre ({web_server.host})", "[…] See it […]", status)
        ]
