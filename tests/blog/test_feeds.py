"""Feeds, sitemaps and robots.txt, as the programs that read them need them."""

from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from blog.models import SiteSettings
from tests.blog.test_listings import at
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db

CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
COMMENTS = "{http://purl.org/rss/1.0/modules/slash/}comments"
COMMENT_FEED = "{http://wellformedweb.org/CommentAPI/}commentRss"
ATOM = "{http://www.w3.org/2005/Atom}"


def read(client: Client, path: str) -> ET.Element:
    response = client.get(path)
    assert response.status_code == 200, path
    return ET.fromstring(response.content)


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
        item = read(client, "/feed/").find("channel/item")
        assert item is not None
        return item

    def test_item_holds_the_whole_text_and_a_plain_extract(self, item: ET.Element) -> None:
        assert "The rest." in (item.findtext(CONTENT) or "")
        assert item.findtext("description") == "First words. The rest."

    def test_addresses_in_the_text_are_absolute(self, item: ET.Element) -> None:
        assert 'href="http://testserver/2019/01/01/other/"' in (item.findtext(CONTENT) or "")

    def test_item_has_what_aggregators_file_it_by(self, item: ET.Element) -> None:
        assert item.findtext("title") == "A paper & a half"
        assert item.findtext("link") == "http://testserver/2019/10/22/a-paper-a-half/"
        assert [category.text for category in item.findall("category")] == ["books", "NGOs"]
        assert item.findtext(CREATOR) == "Hans"
        assert item.findtext("pubDate") == "Tue, 22 Oct 2019 12:00:00 +0000"

    def test_guid_is_kept_and_no_permalink(self, item: ET.Element) -> None:
        guid = item.find("guid")
        assert guid is not None
        assert (guid.text, guid.get("isPermaLink")) == ("https://old.example.org/?p=7", "false")

    def test_item_tells_of_its_comments(self, item: ET.Element) -> None:
        assert item.findtext(COMMENTS) == "3"
        assert item.findtext(COMMENT_FEED) == "http://testserver/2019/10/22/a-paper-a-half/feed/"
        assert item.findtext("comments") == "http://testserver/2019/10/22/a-paper-a-half/#comments"

    def test_is_served_as_rss(self, client: Client) -> None:
        assert client.get("/feed/")["Content-Type"] == "application/rss+xml; charset=utf-8"

    def test_survives_letters_that_xml_cannot_hold(self, client: Client) -> None:
        PostFactory(title="bad\x0bletter", tags=["a\x02b"])
        assert read(client, "/feed/").findtext("channel/item/title") == "badletter"

    def test_holds_as_many_as_the_settings_say(self, client: Client) -> None:
        SiteSettings.objects.update(entries_per_feed=2)
        PostFactory.create_batch(3)
        assert len(read(client, "/feed/").findall("channel/item")) == 2


class TestSubjects:
    @pytest.mark.parametrize("subject", ["/", "/tag/t/", "/category/top/", "/category/top/below/", "/author/a/"])
    @pytest.mark.parametrize("ending", ["feed/", "feed/rss2/"])
    def test_each_listing_has_its_own(self, client: Client, subject: str, ending: str) -> None:
        below = CategoryFactory(name="below", parent=CategoryFactory(name="top"))
        PostFactory(title="In", tags=["t"], categories=[below], author=UserFactory(username="a"))
        feed = read(client, f"{subject}{ending}")
        assert [title.text for title in feed.findall("channel/item/title")] == ["In"]

    @pytest.mark.parametrize("subject", ["tag/t/", "category/c/", "author/a/"])
    def test_holds_only_its_own_posts(self, client: Client, subject: str) -> None:
        PostFactory(title="In", tags=["t"], categories=[CategoryFactory(name="c")], author=UserFactory(username="a"))
        PostFactory(title="Out")
        feed = read(client, f"/{subject}feed/")
        assert [title.text for title in feed.findall("channel/item/title")] == ["In"]

    def test_listing_names_its_feed_in_its_head(self, client: Client) -> None:
        PostFactory(tags=["t"])
        page = client.get("/tag/t/").content.decode()
        assert 'type="application/rss+xml"' in page
        assert 'href="/tag/t/feed/"' in page or 'href="http://testserver/tag/t/feed/"' in page


class TestAtom:
    def test_entry_holds_summary_and_text(self, client: Client) -> None:
        post = PostFactory(title="A paper", source="All *words*.")
        entry = read(client, "/feed/atom/").find(f"{ATOM}entry")
        assert entry is not None
        assert entry.findtext(f"{ATOM}id") == post.guid
        assert "<em>words</em>" in (entry.findtext(f"{ATOM}content") or "")
        assert entry.findtext(f"{ATOM}summary") == "All words."

    def test_feed_says_where_it_is(self, client: Client) -> None:
        PostFactory(tags=["t"])
        feed = read(client, "/tag/t/feed/atom/")
        own = [link.get("href") for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self"]
        assert own == ["http://testserver/tag/t/feed/atom/"]


class TestSearchEngines:
    def test_sitemap_names_all_that_is_public(self, client: Client) -> None:
        PostFactory(title="News", published_at=at(2020, 1, 2), tags=["t"], categories=[CategoryFactory(name="c")])
        PageFactory(title="About")
        index = read(client, "/sitemap.xml")
        sections = [location.text or "" for location in index.iter() if location.tag.endswith("loc")]
        found = set()
        for section in sections:
            found |= {
                location.text
                for location in read(client, section.replace("http://testserver", "")).iter()
                if location.tag.endswith("loc")
            }
        assert found == {
            "http://testserver/2020/01/02/news/",
            "http://testserver/about/",
            "http://testserver/tag/t/",
            "http://testserver/category/c/",
        }

    def test_robots_are_shown_the_sitemap(self, client: Client) -> None:
        assert "Sitemap: http://testserver/sitemap.xml" in client.get("/robots.txt").content.decode()

    def test_robots_are_asked_to_stay_away_when_the_owner_wants(self, client: Client) -> None:
        SiteSettings.objects.update(search_engines_welcome=False)
        assert "Disallow: /\n" in client.get("/robots.txt").content.decode()
