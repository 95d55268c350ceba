"""Feeds of comments: of the whole site, of a post and of a page."""

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from blog.models import Post, Status
from comments.models import Comment, CommentSettings
from comments.models import CommentKind as Kind
from core.models import SiteSettings
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, TagFactory, UserFactory
from tests.factories.feeds import read_feed, show_feed, show_items
from tests.factories.responses import ATOM, read_xml

pytestmark = pytest.mark.django_db

CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"


def titles(client: Client, path: str) -> list[str | None]:
    return [item.findtext("title") for item in read_xml(client, path).iter("item")]


@pytest.fixture
def post() -> Any:
    return PostFactory.create(
        title="Truth & so on",
        guid="https://old.example/?p=7",
        published_at=timezone.make_aware(dt.datetime(2019, 10, 22, 12)),
    )


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL knows how large its tables are.")
def test_the_newest_comments_are_found_without_reading_all_posts() -> None:
    plan = Comment.objects.public().order_by("-created_at", "-pk")[:10].explain()
    assert "comment_queue" in plan
    assert "SCAN" not in plan


class TestUrls:
    def test_they_are_the_same_as_in_wordpress(self, post: Post) -> None:
        page = PageFactory.create(title="About")
        child = PageFactory.create(title="More", parent=page)
        assert reverse("comments:site_feed") == "/comments/feed/"
        assert reverse("comments:site_atom") == "/comments/feed/atom/"
        assert reverse("comments:post_feed", args=["2019", "10", "22", post.slug]) == f"{post.get_absolute_url()}feed/"
        assert reverse("comments:page_feed", args=[child.path]) == "/about/more/feed/"
        assert reverse("comments:page_atom", args=[page.path]) == "/about/feed/atom/"

    def test_a_post_offers_them_after_the_feed_of_the_site(self, client: Client, post: Post) -> None:
        page = client.get(post.get_absolute_url()).content.decode()
        (first, second) = re.findall(r'<link rel="alternate" type="application/rss\+xml" href="([^"]*)"', page)
        assert (first, second) == ("/feed/", f"{post.get_absolute_url()}feed/")

    def test_feeds_of_listings_are_not_mistaken_for_feeds_of_pages(self, client: Client, post: Post) -> None:
        category, tag = CategoryFactory.create(name="Books"), TagFactory.create(name="NGOs")
        post.categories.add(category)
        post.tags.add(tag)
        for path in ("/feed/", "/category/books/feed/", "/tag/ngos/feed/", f"/author/{post.author.slug}/feed/"):
            assert titles(client, path) == ["Truth & so on"]

    @pytest.mark.parametrize(
        "path",
        ["/2019/10/22/other/feed/", "/2019/13/32/x/feed/", "/other/feed/", "/other/page/feed/atom/"],
    )
    def test_missing_entries_have_no_feed(self, path: str, client: Client, post: Post) -> None:
        assert client.get(path).status_code == 404

    @pytest.mark.parametrize("status", [Status.DRAFT, Status.PENDING, Status.PRIVATE, Status.TRASH])
    def test_hidden_entries_have_no_feed(self, status: Status, client: Client, post: Post) -> None:
        page = PageFactory.create(title="About", status=status)
        Post.objects.update(status=status)
        assert client.get(f"{post.get_absolute_url()}feed/").status_code == 404
        assert client.get(f"{page.get_absolute_url()}feed/").status_code == 404


class TestRss:
    def test_items_of_a_posts_feed_name_the_author(self, client: Client, post: Post) -> None:
        comment = CommentFactory.create(
            entry=post, name="Zoë", text="Well <said>\n\nhttp://a.example", created_at="2020-02-02T10:00Z"
        )
        channel = read_xml(client, f"{post.get_absolute_url()}feed/").find("channel")
        assert channel is not None
        assert channel.findtext("title") == "Comments on: Truth & so on"
        assert channel.findtext("link") == f"http://testserver{post.get_absolute_url()}"
        (item,) = channel.iter("item")
        assert item.findtext("title") == "By: Zoë"
        assert item.findtext("link") == f"http://testserver{comment.get_absolute_url()}"
        assert item.findtext(CREATOR) == "Zoë"
        assert item.findtext("pubDate") == "Sun, 02 Feb 2020 10:00:00 +0000"
        assert item.findtext("description") == "Well &lt;said&gt; http://a.example"
        assert item.findtext(CONTENT) == comment.html
        guid = item.find("guid")
        assert guid is not None
        assert guid.text == f"https://old.example/?p=7#comment-{comment.pk}"
        assert guid.get("isPermaLink") == "false"

    def test_items_of_the_sites_feed_name_the_entry(self, client: Client, post: Post) -> None:
        page = PageFactory.create(title="About")
        CommentFactory.create(entry=post, name="Ann")
        CommentFactory.create(entry=page, name="Bo")
        SiteSettings.objects.update(title="The Blog")
        assert read_xml(client, "/comments/feed/").findtext("channel/title") == "Comments for The Blog"
        assert titles(client, "/comments/feed/") == ["Comment on About by Bo", "Comment on Truth & so on by Ann"]

    def test_pages_have_their_own_feed(self, client: Client, post: Post) -> None:
        page = PageFactory.create(title="About")
        CommentFactory.create(entry=post)
        CommentFactory.create(entry=page, name="Bo")
        assert titles(client, "/about/feed/") == ["By: Bo"]

    def test_pages_below_the_folder_of_files_have_one_too(self, client: Client) -> None:
        page = PageFactory.create(title="Media")
        child = PageFactory.create(title="Press releases", parent=page)
        CommentFactory.create(entry=page, name="Bo")
        CommentFactory.create(entry=child, name="Cy")
        assert titles(client, "/media/feed/") == ["By: Bo"]
        assert titles(client, "/media/press-releases/feed/") == ["By: Cy"]

    def test_newest_first_and_limited_by_the_settings(self, client: Client, post: Post) -> None:
        SiteSettings.objects.update(entries_per_feed=2)
        for name in "ABC":
            CommentFactory.create(entry=post, name=name)
        assert titles(client, f"{post.get_absolute_url()}feed/") == ["By: C", "By: B"]
        assert len(titles(client, "/comments/feed/")) == 2

    def test_pingbacks_are_left_out_if_the_site_hides_them(self, client: Client, post: Post) -> None:
        CommentFactory.create(entry=post, kind=Kind.PINGBACK)
        CommentSettings.objects.update(show_pingbacks=False)
        assert titles(client, "/comments/feed/") == []

    def test_pingbacks_are_included_if_the_site_shows_them(self, client: Client, post: Post) -> None:
        CommentFactory.create(entry=post, kind=Kind.TRACKBACK)
        assert len(titles(client, "/comments/feed/")) == 1

    def test_characters_that_xml_forbids_are_removed(self, client: Client, post: Post) -> None:
        CommentFactory.create(entry=post, name="A\x08nn", text="a\x0bb\x1f")
        assert titles(client, "/comments/feed/") == ["Comment on Truth & so on by Ann"]

    def test_urls_are_absolute(self, client: Client, post: Post) -> None:
        CommentFactory.create(entry=post, text='<a href="/about/">x</a>', is_html=True)
        assert 'href="http://testserver/about/"' in (
            read_xml(client, "/comments/feed/").findtext(f".//{CONTENT}") or ""
        )


class TestAtom:
    def test_it_has_the_same_content(self, client: Client, post: Post) -> None:
        comment = CommentFactory.create(entry=post, name="Zoë")
        feed = read_xml(client, f"{post.get_absolute_url()}feed/atom/")
        assert feed.findtext(f"{ATOM}title") == "Comments on: Truth & so on"
        assert feed.findtext(f"{ATOM}entry/{ATOM}title") == "By: Zoë"
        assert feed.findtext(f"{ATOM}entry/{ATOM}content") == comment.html
        assert feed.findtext(f"{ATOM}entry/{ATOM}id") == f"https://old.example/?p=7#comment-{comment.pk}"
        own = [link.get("href") for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self"]
        assert own == [f"http://testserver{post.get_absolute_url()}feed/atom/"]


class TestInFeedReaders:
    """Feed readers treat titles and descriptions as HTML, in which plain text must look the same."""

    @pytest.mark.parametrize("name", ["feed/", "feed/atom/"])
    def test_markup_that_a_comment_shows_as_text_stays_text(self, name: str, client: Client) -> None:
        attack = "<img src=x onerror=alert(1)>"
        post = PostFactory.create(title=f"Beware of {attack} & &lt;b&gt;")
        CommentFactory.create(entry=post, name=f"Ann {attack}", text=f"It says {attack} &amp; &lt;i&gt;.")
        for path in (f"/comments/{name}", f"{post.get_absolute_url()}{name}"):
            (item,) = show_items(client, path)
            assert item.texts["author"] == f"Ann {attack}"
            assert item.texts["title"].endswith(f"y: Ann {attack}" if "2020" in path else f"by Ann {attack}")
            assert item.texts["description"] == item.texts["content"] == f"It says {attack} &amp; &lt;i&gt;."
            elements = [item.elements[field] for field in ("title", "author", "description", "content")]
            assert elements == [set(), set(), set(), {"p"}]
        feed = show_feed(client, f"{post.get_absolute_url()}{name}")
        assert feed.texts["title"] == f"Comments on: Beware of {attack} & &lt;b&gt;"
        assert feed.elements["title"] == set()

    @pytest.mark.parametrize("name", ["feed/", "feed/atom/"])
    def test_text_without_markup_reads_the_same_in_readers_that_expect_plain_text(
        self, name: str, client: Client, post: Post
    ) -> None:
        CommentFactory.create(entry=post, name="R&D", text="AT&T & me > you")
        (item,) = read_feed(client, f"/comments/{name}").entries
        assert (item.title, item.author) == ("Comment on Truth & so on by R&D", "R&D")
        assert item.summary == "AT&T & me > you"


class TestIds:
    """The IDs of an Atom feed are IRIs and differ from each other (RFC 4287, 4.2.6)."""

    def test_no_two_feeds_have_the_same_id(self, client: Client, post: Post) -> None:
        CommentFactory.create(entry=post)
        paths = ["/feed/atom/", "/comments/feed/atom/", f"{post.get_absolute_url()}feed/atom/"]
        assert [read_feed(client, path).feed.id for path in paths] == [f"http://testserver{path}" for path in paths]

    UUID = "urn:uuid:8e0b2d1c-0000-4000-8000-000000000000"

    @pytest.mark.parametrize(
        ("guid", "suffix"),
        [("https://old.example/?p=7", "feed/"), ("https://old.example/?p=7", "feed/atom/"), (UUID, "feed/")],
    )
    def test_the_id_of_a_comment_is_derived_from_its_entry(self, guid: str, suffix: str, client: Client) -> None:
        comment = CommentFactory.create(entry__guid=guid)
        assert read_feed(client, f"/comments/{suffix}").entries[0].id == f"{guid}#comment-{comment.pk}"

    @pytest.mark.parametrize(
        "guid", ["https://old.example/?p=7#a", "not an IRI", "http://a b/", "7", "https://a/%zz", UUID]
    )
    def test_an_id_that_is_not_an_iri_always_has_the_same_replacement_in_atom(self, guid: str, client: Client) -> None:
        CommentFactory.create(entry__guid=guid)
        (item,) = read_feed(client, "/comments/feed/atom/").entries
        assert item.id.startswith("urn:uuid:")
        assert item.id == read_feed(client, "/comments/feed/atom/").entries[0].id
        assert read_feed(client, "/comments/feed/").entries[0].id.startswith(f"{guid}#comment-")


class TestQueries:
    def test_their_number_does_not_grow_with_the_comments(
        self, client: Client, post: Post, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for entry in [{"entry": post}, {"entry": PostFactory.create()}, {"entry": PageFactory.create()}] * 3:
            CommentFactory.create(**entry, user=UserFactory.create(), name="")
        with django_assert_num_queries(2):  # the settings and the comments
            assert len(titles(client, "/comments/feed/")) == 9
        with django_assert_num_queries(3):  # the content version, the comments and the post
            assert len(titles(client, f"{post.get_absolute_url()}feed/")) == 3
