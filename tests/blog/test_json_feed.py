"""JSON Feed 1.1, and the requirements of validators for every kind of feed."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from blog.feeds.formats import FORMATS
from blog.models import Enclosure, Post
from core.models import SiteSettings
from media.models import Picture
from tests.factories import CategoryFactory, CommentFactory, PostFactory, UserFactory, at
from tests.factories.metadata import check_feed, check_json_feed, links
from tests.factories.responses import ATOM, read_xml

pytestmark = pytest.mark.django_db

# The listings that have feeds, and entries with comments.
SUBJECTS = ["/", "/tag/t/", "/category/c/", "/author/zoe/", "/comments/", "/2020/03/07/a-post/", "/search/beginning/"]
HOSTILE = '<b>&amp; " </script> \u2028'


@pytest.fixture
def post() -> Post:
    picture = Picture.objects.create(file="pictures/lamp.jpg", width=1200, height=800)
    post: Post = PostFactory(
        title="A post",
        source="The [beginning](/about/).\n\n<!--more-->\n\nThe rest.",
        author=UserFactory(username="zoe", display_name="Zoë"),
        published_at=at(2020, 3, 7),
        language="fr",
        tags=["t"],
        categories=[CategoryFactory(name="c")],
        featured_picture=picture,
    )
    Enclosure.objects.create(post=post, url="https://a.example/1.mp3", media_type="audio/mpeg", length=111)
    CommentFactory(entry=post, name="Ann", text="Well said.")
    return post


class TestJsonFeed:
    def test_has_the_whole_text_and_all_details_of_each_post(self, client: Client, post: Post) -> None:
        SiteSettings.objects.update(title="Site & co.", tagline="About people")
        response = client.get("/feed/json/")
        assert response.headers["Content-Type"] == "application/feed+json; charset=utf-8"
        feed = response.json()
        assert (feed["title"], feed["description"]) == ("Site & co.", "About people")
        assert feed["home_page_url"] == "http://testserver/"
        assert feed["feed_url"] == "http://testserver/feed/json/"
        (item,) = feed["items"]
        content = item.pop("content_html")
        assert 'href="http://testserver/about/"' in content
        assert "The rest." in content
        assert item | {"date_modified": ""} == {
            "id": post.guid,
            "url": "http://testserver/2020/03/07/a-post/",
            "title": "A post",
            "summary": "The beginning. The rest.",
            "image": "http://testserver/media/pictures/lamp.jpg",
            "date_published": "2020-03-07T12:00:00+00:00",
            "date_modified": "",
            "authors": [{"name": "Zoë", "url": "http://testserver/author/zoe/"}],
            "tags": ["c", "t"],
            "language": "fr",
            "attachments": [{"url": "https://a.example/1.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 111}],
        }

    def test_has_plain_texts_as_they_are(self, client: Client) -> None:
        SiteSettings.objects.update(title=HOSTILE)
        # The spaces in names of tags are collapsed.
        tag = HOSTILE.removesuffix(" \u2028")
        PostFactory(title=HOSTILE, tags=[tag], author=UserFactory(display_name=HOSTILE))
        feed = client.get("/feed/json/").json()
        (item,) = feed["items"]
        assert [feed["title"], item["title"], item["authors"][0]["name"]] == [HOSTILE] * 3
        assert item["tags"] == [tag]

    def test_shows_neither_the_content_of_a_post_with_a_password_nor_its_form(self, client: Client) -> None:
        picture = Picture.objects.create(file="pictures/secret.jpg", width=1200, height=800)
        PostFactory(title="Guarded", source="Secret", password="x", featured_picture=picture)
        (item,) = client.get("/feed/json/").json()["items"]
        assert item["title"] == "Protected: Guarded"
        assert item["content_html"] == "<p>There is no excerpt because this is a protected post.</p>"
        assert "ecret" not in json.dumps(item)

    def test_takes_one_query_for_all_featured_images(self, client: Client, post: Post) -> None:
        counts = []
        for _more in range(2):
            with CaptureQueriesContext(connection) as queries:
                assert client.get("/feed/json/", headers={"cache-control": "no-store"}).status_code == 200
            counts.append(len(queries))
            PostFactory.create_batch(3, featured_picture=post.featured_picture, tags=["t"])
        # The first request also reads the settings.
        assert counts[1] <= counts[0]

    @given(st.lists(st.text(), max_size=3), st.text(), st.text())
    def test_is_well_formed_whatever_it_contains(self, tags: list[str], title: str, html: str) -> None:
        feed = FORMATS["json"](title=title, description=title, url="/")
        times = {"pubdate": at(2020, 1, 1), "updateddate": at(2020, 1, 1)}
        link = "http://testserver/x/"
        feed.add(
            title=title,
            description=title,
            author=title or "A",
            guid="x",
            content=html,
            categories=tags,
            link=link,
            **times,
        )
        check_json_feed(json.loads(feed.response().content))


class TestEveryFeed:
    @pytest.mark.parametrize("subject", SUBJECTS)
    def test_is_valid(self, client: Client, post: Post, subject: str) -> None:
        for suffix in ("feed/", "feed/atom/"):
            check_feed(client.get(f"{subject}{suffix}").content)
        feed: Any = client.get(f"{subject}feed/json/").json()
        check_json_feed(feed)
        assert feed["items"]

    @pytest.mark.parametrize("subject", SUBJECTS[:4])
    def test_is_named_in_all_its_formats_by_its_page(self, client: Client, post: Post, subject: str) -> None:
        found = {(kind, href) for rel, kind, href in links(client, subject) if rel == "alternate"}
        assert {
            ("application/rss+xml", f"{subject}feed/"),
            ("application/atom+xml", f"{subject}feed/atom/"),
            ("application/feed+json", f"{subject}feed/json/"),
        } <= found

    def test_of_comments_is_named_by_the_entry_with_the_comments(self, client: Client, post: Post) -> None:
        hrefs = [href for _rel, _kind, href in links(client, post.get_absolute_url())]
        assert {"/2020/03/07/a-post/feed/", "/2020/03/07/a-post/feed/atom/"} <= set(hrefs)
        assert "/comments/feed/" in [href for _rel, _kind, href in links(client, "/")]

    def test_in_json_redirects_to_a_former_url(self, client: Client, post: Post) -> None:
        post.slug = "renamed"
        post.save()
        response = client.get("/2020/03/07/a-post/feed/json/")
        assert (response.status_code, response.headers["Location"]) == (301, "/2020/03/07/renamed/feed/json/")


class TestHub:
    HUB = "https://hub.example/"

    def test_is_named_by_every_feed(self, client: Client, settings: Settings, post: Post) -> None:
        settings.BROADSIDE_WEBSUB_HUB = self.HUB
        rss = read_xml(client, "/feed/").findall(f"channel/{ATOM}link")
        atom = read_xml(client, "/tag/t/feed/atom/").findall(f"{ATOM}link")
        for found in (rss, atom):
            assert [link.get("href") for link in found if link.get("rel") == "hub"] == [self.HUB]
        feed = client.get("/feed/json/").json()
        assert feed["hubs"] == [{"type": "WebSub", "url": self.HUB}]
        check_json_feed(feed)

    def test_is_not_named_without_the_setting(self, client: Client, post: Post) -> None:
        for path in ("/feed/", "/feed/atom/", "/feed/json/"):
            assert b"hub" not in client.get(path).content
