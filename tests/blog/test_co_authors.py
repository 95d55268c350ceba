"""Co-authors: names that readers see after that of the author, wherever a post has its author's name."""

import json
import re
from html import escape
from typing import Any

import pytest
from django.test import Client

from blog.models import Post, Revision
from blog.revisions.describing import differences
from core.languages import override_language
from core.models import SiteSettings
from core.site import absolute_url
from tests.factories import PostFactory, UserFactory
from tests.factories.admin import admin_url, client_of, form_data

pytestmark = pytest.mark.django_db

NAMES = "Ben & <b>, Carla"
BYLINE_HTML = (
    '<a class="p-author h-card" href="/author/anna/" rel="author" dir="auto">Anna</a>, '
    '<span class="p-author h-card" dir="auto">Ben &amp; &lt;b&gt;</span> and '
    '<span class="p-author h-card" dir="auto">Carla</span>'
)


@pytest.fixture
def post() -> Post:
    SiteSettings.objects.update(show_author=True)
    return PostFactory(author=UserFactory(username="login", display_name="Anna", slug="anna"), co_authors=NAMES)


def content(client: Client, url: str) -> str:
    return client.get(url).content.decode()


class TestReadersSeeThem:
    def test_on_the_page_of_the_post_and_in_lists(self, client: Client, post: Post) -> None:
        for url in (post.get_absolute_url(), "/", "/author/anna/"):
            assert BYLINE_HTML in content(client, url)

    def test_unless_the_site_shows_no_authors(self, client: Client, post: Post) -> None:
        SiteSettings.objects.update(show_author=False)
        for url in (post.get_absolute_url(), "/"):
            assert "Carla" not in content(client, url)

    def test_in_feeds(self, client: Client, post: Post) -> None:
        assert "<dc:creator>Anna, Ben &amp;amp; &amp;lt;b&amp;gt; and Carla</dc:creator>" in content(client, "/feed/")
        assert json.loads(content(client, "/feed/json/"))["items"][0]["authors"] == [
            {"name": "Anna", "url": "http://testserver/author/anna/"},
            {"name": "Ben & <b>"},
            {"name": "Carla"},
        ]

    def test_in_what_programs_read(self, client: Client, post: Post) -> None:
        page = content(client, post.get_absolute_url())
        (data,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
        (posting,) = [node for node in json.loads(data)["@graph"] if node["@type"] == "BlogPosting"]
        assert [author["name"] for author in posting["author"]] == ["Anna", "Ben & <b>", "Carla"]
        card = json.loads(client.get("/oembed/", {"url": absolute_url(post.get_absolute_url())}).content)
        assert card["author_name"] == "Anna, Ben & <b> and Carla"

    def test_in_the_language_of_the_text_around_them(self) -> None:
        post = PostFactory.build(author=UserFactory.build(display_name="Anna"), co_authors="Ben")
        with override_language("fr"):
            assert post.byline == "Anna et Ben"


class TestEditors:
    def test_name_them_in_the_form(self, post: Post) -> None:
        client = client_of(UserFactory(role="Editor"))
        url = admin_url(post, "change")
        assert f'value="{escape(NAMES)}"' in content(client, url)
        assert client.post(url, form_data(post, co_authors=" Dora ,, ")).status_code == 302
        stored = Post.objects.get()
        assert (stored.co_author_names, stored.byline) == (["Dora"], "Anna and Dora")

    def test_see_in_revisions_how_they_changed(self, post: Post) -> None:
        client = client_of(UserFactory(role="Editor"))
        url = admin_url(post, "change")
        client.post(url, form_data(post, co_authors="Dora"))
        new, old = Revision.objects.order_by("-pk")
        found: Any = {difference.label: difference.html for difference in differences(old, new)}
        assert "Dora" in found["Co-authors"]
