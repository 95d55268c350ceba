"""Quotations of entries that other sites embed (oEmbed)."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html
from pytest_django import Settings

from accounts.models import User
from blog.models import Post, Status
from core.models import SiteSettings
from media.models import Picture
from tests.factories import PageFactory, PostFactory, UserFactory, at
from tests.factories.metadata import links

pytestmark = pytest.mark.django_db

HOSTILE = '</a><script>alert(1)</script>" onclick="x" \'<img src=x onerror=x>&amp;'
URL = "http://testserver/2020/01/02/a-post/"


def get(client: Client, url: str = URL, **parameters: Any) -> Any:
    return client.get("/oembed/", query_params={"url": url, **parameters})


@pytest.fixture
def post() -> Post:
    post: Post = PostFactory(
        title="A post",
        source="The beginning. " + "Words and more words. " * 40,
        published_at=at(2020, 1, 2),
        author=UserFactory(username="account", display_name="Pen Name", slug="pen"),
        language="ar",
    )
    return post


class TestCard:
    def test_quotes_a_post(self, client: Client, post: Post) -> None:
        SiteSettings.objects.update(title="Site", show_author=True)
        response = get(client)
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["X-Robots-Tag"] == "noindex"
        card = response.json()
        html = card.pop("html")
        assert card == {
            "version": "1.0",
            "type": "rich",
            "provider_name": "Site",
            "provider_url": "http://testserver/",
            "title": "A post",
            "author_name": "Pen Name",
            "author_url": "http://testserver/author/pen/",
            "cache_age": 3600,
            "width": 600,
            "height": 200,
        }
        element = lxml_html.fragment_fromstring(html)
        assert (element.tag, element.get("cite"), element.get("lang"), element.get("dir")) == (
            *("blockquote", URL, "ar", "rtl"),
        )
        assert [each.get("href") for each in element.iterfind(".//a")] == [URL]
        assert "The beginning." in html
        assert html.count("words") < 20
        assert "Site" in html
        # Nothing that an embedding page would load or run.
        assert not re.search("script|style|src|<img|class", html)

    def test_names_no_author_if_the_site_shows_none(self, client: Client, post: Post) -> None:
        assert "pen" not in get(client).text.lower()

    def test_quotes_a_page_without_an_author(self, client: Client) -> None:
        page = PageFactory(title="About", source="About us.")
        card = get(client, f"http://testserver{page.get_absolute_url()}").json()
        assert card["title"] == "About"
        assert "author_name" not in card
        assert "<time" not in card["html"]

    def test_has_a_thumbnail_if_it_fits(self, client: Client, post: Post) -> None:
        post.featured_picture = Picture.objects.create(file="pictures/lamp.jpg", width=1200, height=800)
        post.save()
        card = get(client).json()
        assert card["thumbnail_url"] == "http://testserver/media/pictures/lamp.jpg"
        assert (card["thumbnail_width"], card["thumbnail_height"]) == (1200, 800)
        assert "thumbnail_url" not in get(client, maxwidth=1199).json()
        assert "thumbnail_url" not in get(client, maxheight=799).json()

    @pytest.mark.parametrize(
        ("asked", "size"),
        [
            ({"maxwidth": "400", "maxheight": "100"}, (400, 100)),
            ({"maxwidth": "9999", "maxheight": "9999"}, (600, 200)),
            ({"maxwidth": "0", "maxheight": "-5"}, (600, 200)),
            ({"maxwidth": "1" * 5000, "maxheight": "٣"}, (600, 200)),
        ],
    )
    def test_is_no_larger_than_requested(
        self, client: Client, post: Post, asked: dict[str, str], size: tuple[int, int]
    ) -> None:
        card = get(client, **asked).json()
        assert (card["width"], card["height"]) == size

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(title=st.text(max_size=60), name=st.text(max_size=60))
    @example(title=HOSTILE, name=HOSTILE)
    def test_shows_text_as_text(self, post: Post, title: str, name: str) -> None:
        title, name = (re.sub("[\x00\ud800-\udfff]", "", text) for text in (title, name))
        SiteSettings.objects.update(show_author=True)
        Post.objects.update(title=title)
        User.objects.update(display_name=name)
        post = Post.objects.get()
        card = get(Client()).json()
        assert card["title"] == str(post)
        assert card["author_name"] == str(post.author)
        # Parsed as if assigned to innerHTML.
        element = lxml_html.fragment_fromstring(re.sub("[\x01-\x08\x0b\x0c\x0e-\x1f]", "", card["html"]))
        tags = {each.tag for each in element.iter()}
        assert tags == {"blockquote", "p", "a", "strong", "footer", "bdi", "time"}
        assert {name for each in element.iter() for name in each.attrib} <= {"cite", "lang", "dir", "href", "datetime"}


class TestDiscovery:
    @pytest.mark.parametrize("slug", ["a-post", "سلام", "würde"])
    def test_a_page_names_the_url_of_its_card(self, client: Client, slug: str) -> None:
        post = PostFactory(title="Here", slug=slug, published_at=at(2020, 1, 2))
        found = [
            href for _rel, kind, href in links(client, post.get_absolute_url()) if kind == "application/json+oembed"
        ]
        (href,) = found
        assert href.startswith("http://testserver/oembed/?url=http")
        assert client.get(href.removeprefix("http://testserver")).json()["title"] == "Here"

    @pytest.mark.parametrize("hidden", [{"password": "x"}, {"noindex": True}])
    def test_pages_that_cannot_be_quoted_name_none(self, client: Client, hidden: dict[str, Any]) -> None:
        post = PostFactory(**hidden)
        assert "oembed" not in client.get(post.get_absolute_url()).text


class TestErrors:
    @pytest.mark.parametrize("kind", ["xml", "yaml", ""])
    def test_there_is_no_other_format(
        self, client: Client, post: Post, caplog: pytest.LogCaptureFixture, kind: str
    ) -> None:
        assert get(client, format=kind).status_code == 501
        # Anyone can send such requests.
        assert not caplog.records
        assert get(client, format="json").status_code == 200

    def test_the_url_is_required(self, client: Client) -> None:
        assert client.get("/oembed/").status_code == 400

    @pytest.mark.parametrize(
        "url",
        [
            "https://other.example/2020/01/02/a-post/",
            "http://testserver@other.example/2020/01/02/a-post/",
            "//testserver/2020/01/02/a-post/",
            "/2020/01/02/a-post/",
            "http://testserver/",
            "http://testserver/2020/",
            "http://testserver/2020/99/99/a-post/",
            "http://testserver/2020/01/02/other/",
            "http://testserver/2020/01/02/a-post/feed/",
            "http://testserver/admin/",
            "http://testserver/author/pen/",
            "http://testserver:99999/2020/01/02/a-post/",
            "http://[testserver/",
            "http://testserver/%00/",
            "http://testserver/%ff/",
            "javascript:alert(1)",
            "x" * 5000,
        ],
    )
    def test_nothing_else_is_quoted(self, client: Client, post: Post, url: str) -> None:
        assert get(client, url).status_code == 404

    @pytest.mark.parametrize(
        "hidden", [{"password": "x"}, {"noindex": True}, {"status": Status.DRAFT}, {"published_at": at(2099, 1, 1)}]
    )
    @pytest.mark.parametrize("factory", [PostFactory, PageFactory])
    def test_hidden_entries_are_not_quoted(self, client: Client, factory: Any, hidden: dict[str, Any]) -> None:
        entry = factory(title="Zanzibar", **hidden)
        response = get(client, f"http://testserver{entry.get_absolute_url()}")
        assert response.status_code == 404
        assert "anzibar" not in response.text

    def test_urls_on_a_former_host_are_accepted(self, client: Client, post: Post, settings: Settings) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["old.example.org"]
        assert get(client, "https://old.example.org/2020/01/02/a-post").json()["title"] == "A post"

    def test_it_takes_one_query_for_the_post(self, client: Client, post: Post) -> None:
        get(client)
        with CaptureQueriesContext(connection) as queries:
            assert get(client).status_code == 200
        # And one for the content version.
        assert len(queries) == 2
