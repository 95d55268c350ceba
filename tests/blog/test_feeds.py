"""Feeds, sitemaps and robots.txt."""

from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from pytest_django import Settings

from core.models import SiteSettings
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory, at
from tests.factories.feeds import show_feed, show_items
from tests.factories.responses import ATOM, read_xml

pytestmark = pytest.mark.django_db

CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
COMMENTS = "{http://purl.org/rss/1.0/modules/slash/}comments"
COMMENT_FEED = "{http://wellformedweb.org/CommentAPI/}commentRss"


class TestRss:
    @pytest.fixture
    def item(self, client: Client) -> ET.Element:
        PostFactory(
            title="A paper & a half",
            source="First [words](/2019/01/01/other/).<!--more-->\n\nThe rest.",
            author=UserFactory(display_name="Hans"),
            published_at=at(2019, 10, 22),
            categories=[CategoryFactory(name="books")],
            tags=["NGOs"],
            guid="https://old.example.org/?p=7",
            comment_count=3,
        )
        item = read_xml(client, "/feed/").find("channel/item")
        assert item is not None
        return item

    def test_an_item_has_the_whole_text_and_a_plain_excerpt(self, item: ET.Element) -> None:
        assert "The rest." in (item.findtext(CONTENT) or "")
        assert item.findtext("description") == "First words. The rest."

    def test_urls_in_the_text_are_absolute(self, item: ET.Element) -> None:
        assert 'href="http://testserver/2019/01/01/other/"' in (item.findtext(CONTENT) or "")

    def test_an_item_has_its_author_date_and_terms(self, item: ET.Element) -> None:
        assert item.findtext("title") == "A paper & a half"
        assert item.findtext("link") == "http://testserver/2019/10/22/a-paper-a-half/"
        assert [category.text for category in item.findall("category")] == ["books", "NGOs"]
        assert item.findtext(CREATOR) == "Hans"
        assert item.findtext("pubDate") == "Tue, 22 Oct 2019 12:00:00 +0000"

    def test_an_item_keeps_its_guid_which_is_not_a_permalink(self, item: ET.Element) -> None:
        guid = item.find("guid")
        assert guid is not None
        assert (guid.text, guid.get("isPermaLink")) == ("https://old.example.org/?p=7", "false")

    def test_an_item_has_the_count_and_the_urls_of_its_comments(self, item: ET.Element) -> None:
        assert item.findtext(COMMENTS) == "3"
        assert item.findtext(COMMENT_FEED) == "http://testserver/2019/10/22/a-paper-a-half/feed/"
        assert item.findtext("comments") == "http://testserver/2019/10/22/a-paper-a-half/#comments"

    def test_the_content_type_is_rss(self, client: Client) -> None:
        assert client.get("/feed/")["Content-Type"] == "application/rss+xml; charset=utf-8"

    def test_characters_that_xml_does_not_allow_are_left_out(self, client: Client) -> None:
        PostFactory(title="bad\x0bletter", tags=["a\x02b"])
        assert read_xml(client, "/feed/").findtext("channel/item/title") == "badletter"

    def test_the_number_of_items_is_a_setting(self, client: Client) -> None:
        SiteSettings.objects.update(entries_per_feed=2)
        PostFactory.create_batch(3)
        assert len(read_xml(client, "/feed/").findall("channel/item")) == 2


class TestListings:
    @pytest.mark.parametrize("subject", ["/", "/tag/t/", "/category/top/", "/category/top/below/", "/author/a/"])
    @pytest.mark.parametrize("suffix", ["feed/", "feed/rss2/"])
    def test_each_listing_has_a_feed(self, client: Client, subject: str, suffix: str) -> None:
        below = CategoryFactory(name="below", parent=CategoryFactory(name="top"))
        PostFactory(title="In", tags=["t"], categories=[below], author=UserFactory(username="a"))
        feed = read_xml(client, f"{subject}{suffix}")
        assert [title.text for title in feed.findall("channel/item/title")] == ["In"]

    @pytest.mark.parametrize("subject", ["tag/t/", "category/c/", "author/a/"])
    def test_a_feed_contains_only_the_posts_of_its_listing(self, client: Client, subject: str) -> None:
        PostFactory(title="In", tags=["t"], categories=[CategoryFactory(name="c")], author=UserFactory(username="a"))
        PostFactory(title="Out")
        feed = read_xml(client, f"/{subject}feed/")
        assert [title.text for title in feed.findall("channel/item/title")] == ["In"]

    def test_a_listing_links_to_its_feed(self, client: Client) -> None:
        PostFactory(tags=["t"])
        page = client.get("/tag/t/").content.decode()
        assert 'type="application/rss+xml"' in page
        assert 'href="/tag/t/feed/"' in page or 'href="http://testserver/tag/t/feed/"' in page


class TestAtom:
    def test_an_entry_has_a_summary_and_the_whole_text(self, client: Client) -> None:
        post = PostFactory(title="A paper", source="All *words*.")
        entry = read_xml(client, "/feed/atom/").find(f"{ATOM}entry")
        assert entry is not None
        assert entry.findtext(f"{ATOM}id") == post.guid
        assert "<em>words</em>" in (entry.findtext(f"{ATOM}content") or "")
        assert entry.findtext(f"{ATOM}summary") == "All words."

    def test_has_no_attribute_that_the_format_does_not_know(self, client: Client) -> None:
        PostFactory(language="ar")
        for element in read_xml(client, "/feed/atom/").iter():
            assert "dir" not in element.attrib

    @pytest.mark.parametrize("path", ["/feed/", "/feed/atom/"])
    def test_links_within_a_text_lead_to_its_page(self, client: Client, path: str) -> None:
        post = PostFactory(source="Text.[^1]\n\n[^1]: Note.")
        content = read_xml(client, path)
        texts = " ".join(element.text or "" for element in content.iter())
        assert f'href="http://testserver{post.get_absolute_url()}#fn1"' in texts
        assert 'href="#' not in texts

    def test_all_urls_in_a_text_are_absolute_but_code_stays_as_it_is(self, client: Client) -> None:
        video = '<video src="/media/a.mp4" poster="/media/a.jpg"><track kind="captions" src="/media/a.vtt"></video>'
        PostFactory(markup="html", source=f'{video}<p><code>&lt;a href="/about/"&gt;</code> <i>and</i></p>')
        text = read_xml(client, "/feed/atom/").findtext(f"{ATOM}entry/{ATOM}content") or ""
        for name in ("a.mp4", "a.jpg", "a.vtt"):
            assert f'="http://testserver/media/{name}"' in text
        assert '&lt;a href="/about/"&gt;' in text

    def test_a_feed_names_its_own_url(self, client: Client) -> None:
        PostFactory(tags=["t"])
        feed = read_xml(client, "/tag/t/feed/atom/")
        own = [link.get("href") for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self"]
        assert own == ["http://testserver/tag/t/feed/atom/"]


class TestFeedsWithoutItems:
    @pytest.mark.parametrize("path", ["/feed/atom/", "/comments/feed/atom/"])
    def test_do_not_change_as_time_passes(self, client: Client, path: str) -> None:
        assert read_xml(client, path).findtext(f"{ATOM}updated") == "1970-01-01T00:00:00+00:00"

    @pytest.mark.parametrize("path", ["/feed/", "/comments/feed/"])
    def test_do_not_change_as_time_passes_in_rss(self, client: Client, path: str) -> None:
        assert read_xml(client, path).findtext("channel/lastBuildDate") == "Thu, 01 Jan 1970 00:00:00 +0000"


class TestInFeedReaders:
    """Feed readers treat titles and descriptions as HTML, in which plain text must look the same."""

    @pytest.mark.parametrize("name", ["feed/", "feed/atom/"])
    def test_markup_in_plain_text_stays_text(self, client: Client, name: str) -> None:
        attack = "<img src=x onerror=alert(1)>"
        SiteSettings.objects.update(title=f"Site {attack}", tagline=f"About {attack}")
        PostFactory(
            title=f"Beware of {attack} &amp; co.",
            source=f"In code: `{attack} &amp; co.`",
            author=UserFactory(display_name=attack),
            tags=[attack],
        )
        (item,) = show_items(client, f"/{name}")
        assert item.texts == {
            "title": f"Beware of {attack} &amp; co.",
            "author": attack,
            "description": f"In code: {attack} &amp; co.",
            "content": f"In code: {attack} &amp; co.",
            **{field: attack for field in item.texts if field.startswith("category ")},
        }
        assert set().union(*item.elements.values()) == {"p", "code"}
        feed = show_feed(client, f"/{name}")
        assert feed.texts["title"] == f"Site {attack}"
        assert not feed.elements["title"]
        assert not feed.elements["description"]


class TestLanguages:
    def test_a_feed_has_the_language_of_the_site(self, client: Client, settings: Settings) -> None:
        settings.LANGUAGE_CODE = "ar"
        atom, rss = read_xml(client, "/feed/atom/"), read_xml(client, "/feed/")
        assert atom.get(LANG) == "ar"
        assert rss.get(LANG) == "ar"

    def test_an_item_has_the_language_and_direction_of_its_post(self, client: Client) -> None:
        PostFactory(language="fa", source="سلام")
        atom, rss = read_xml(client, "/feed/atom/").find(f"{ATOM}entry"), read_xml(client, "/feed/").find(".//item")
        assert atom is not None
        assert rss is not None
        assert atom.get(LANG) == "fa"
        assert rss.get(LANG) == "fa"
        for content in (atom.findtext(f"{ATOM}content"), rss.findtext(CONTENT)):
            assert (content or "").replace("\n", "") == '<div lang="fa" dir="rtl"><p>سلام</p></div>'

    def test_the_blocks_of_an_item_without_a_language_have_their_own_direction(self, client: Client) -> None:
        PostFactory(source="سلام")
        assert (read_xml(client, "/feed/").findtext(f".//{CONTENT}") or "").strip() == '<p dir="auto">سلام</p>'


class TestSearchEngines:
    def test_the_sitemap_lists_everything_that_is_public(self, client: Client) -> None:
        PostFactory(title="News", published_at=at(2020, 1, 2), tags=["t"], categories=[CategoryFactory(name="c")])
        PageFactory(title="About")
        index = read_xml(client, "/sitemap.xml")
        sections = [location.text or "" for location in index.iter() if location.tag.endswith("loc")]
        found = set()
        for section in sections:
            found |= {
                location.text
                for location in read_xml(client, section.replace("http://testserver", "")).iter()
                if location.tag.endswith("loc")
            }
        assert found == {
            "http://testserver/2020/01/02/news/",
            "http://testserver/about/",
            "http://testserver/tag/t/",
            "http://testserver/category/c/",
            "http://testserver/archive/",
        }

    def test_robots_txt_links_to_the_sitemap(self, client: Client) -> None:
        assert "Sitemap: http://testserver/sitemap.xml" in client.get("/robots.txt").content.decode()

    def test_robots_txt_can_keep_search_engines_away(self, client: Client) -> None:
        SiteSettings.objects.update(search_engines_welcome=False)
        assert "Disallow: /\n" in client.get("/robots.txt").content.decode()
