"""Sitemaps with pictures and languages, the news sitemap, and entries that are hidden from search engines."""

import datetime as dt
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from blog.editing import translations
from blog.models import Status
from core.models import SiteSettings
from media.models import Picture
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory, at
from tests.factories.metadata import IMAGE, NEWS, SITEMAP, XHTML, check_urlset, links, meta
from tests.factories.responses import read_xml

pytestmark = pytest.mark.django_db

SITE = "http://testserver"


def entries(client: Client, section: str = "posts") -> dict[str, ET.Element]:
    """Return the elements of a valid sitemap by path."""
    root = read_xml(client, f"/sitemap-{section}.xml")
    check_urlset(root)
    return {(url.findtext(f"{SITEMAP}loc") or "").removeprefix(SITE): url for url in root}


def pictures(url: ET.Element) -> list[str]:
    return [location.text or "" for location in url.iterfind(f"{IMAGE}image/{IMAGE}loc")]


def alternates(url: ET.Element) -> dict[str, str]:
    return {link.get("hreflang", ""): link.get("href", "") for link in url.iterfind(f"{XHTML}link")}


def store(name: str, **fields: Any) -> Picture:
    picture: Picture = Picture.objects.create(file=f"pictures/{name}", width=900, height=600, **fields)
    return picture


def linked(*languages: str, **fields: Any) -> list[Any]:
    editor = UserFactory(role="Editor")
    posts = [PostFactory(language=each, slug=each, published_at=at(2020, 1, 1), **fields) for each in languages]
    for post in posts[1:]:
        translations.link(post, posts[0], editor)
    return posts


class TestEntries:
    @pytest.mark.parametrize("section", ["posts", "pages", "categories", "tags"])
    def test_are_in_valid_sitemaps(self, client: Client, section: str) -> None:
        PostFactory(tags=["سلام"], categories=[CategoryFactory(name="Würde & <Recht>")], slug="سلام")
        PageFactory(title="About")
        assert len(entries(client, section)) == 1

    def test_include_categories_of_which_only_subcategories_have_posts(self, client: Client) -> None:
        parent = CategoryFactory(slug="parent")
        child = CategoryFactory(slug="child", parent=parent)
        CategoryFactory(slug="empty")
        PostFactory(published_at=at(2020, 1, 1), categories=[child])
        found = entries(client, "categories")
        assert [*found] == ["/category/parent/", "/category/parent/child/"]
        assert {url.findtext(f"{SITEMAP}lastmod") for url in found.values()} == {"2020-01-01T12:00:00+00:00"}

    def test_have_the_time_of_the_last_change_of_their_text(self, client: Client) -> None:
        post = PostFactory(slug="new", published_at=at(2020, 1, 1), tags=["a"], categories=[CategoryFactory()])
        PostFactory(slug="changed", published_at=at(2019, 1, 1), text_changed_at=at(2020, 1, 2))
        times = {path: url.findtext(f"{SITEMAP}lastmod") for path, url in entries(client).items()}
        assert times == {
            post.get_absolute_url(): "2020-01-01T12:00:00+00:00",
            "/2019/01/01/changed/": "2020-01-02T12:00:00+00:00",
        }
        latest = [section.findtext(f"{SITEMAP}lastmod") for section in read_xml(client, "/sitemap.xml")]
        assert latest[0] == "2020-01-02T12:00:00+00:00"
        # Those of categories and tags.
        assert latest.count("2020-01-01T12:00:00+00:00") == 2

    def test_have_their_pictures_the_featured_one_first(self, client: Client) -> None:
        first, second, target = store("1.jpg"), store("2.jpg"), store("target.jpg")
        merged = store("3.jpg", merged_into=target, deleted_at=timezone.now())
        deleted = store("4.jpg", deleted_at=timezone.now())
        source = "\n\n".join(f"![x]({each.file.url})" for each in (first, second, merged, deleted))
        PostFactory(slug="many", published_at=at(2020, 1, 1), source=source, featured_picture=second)
        PostFactory(slug="none", published_at=at(2020, 1, 1))
        found = entries(client)
        names = [f"{SITE}/media/pictures/{name}" for name in ("2.jpg", "1.jpg", "target.jpg")]
        assert pictures(found["/2020/01/01/many/"]) == names
        assert pictures(found["/2020/01/01/none/"]) == []

    def test_leave_out_the_pictures_of_entries_with_a_password(self, client: Client) -> None:
        picture = store("secret.jpg")
        PostFactory(source=f"![x]({picture.file.url})", featured_picture=picture, password="x")
        (url,) = entries(client).values()
        assert pictures(url) == []

    def test_name_their_translations_and_themselves(self, client: Client) -> None:
        linked("en", "ar", "fr")
        found = entries(client)
        each = {language: f"{SITE}/2020/01/01/{language}/" for language in ("ar", "en", "fr")}
        # For readers of other languages, the translation in the language of the site.
        each["x-default"] = each["en"]
        assert [alternates(url) for url in found.values()] == [each] * 3

    def test_name_no_translation_that_is_not_public_or_hidden(self, client: Client) -> None:
        english, arabic, french = linked("en", "ar", "fr")
        type(arabic).objects.filter(pk=arabic.pk).update(status=Status.DRAFT)
        type(french).objects.filter(pk=french.pk).update(noindex=True)
        assert {path: alternates(url) for path, url in entries(client).items()} == {english.get_absolute_url(): {}}
        page_links = [href for rel, _kind, href in links(client, english.get_absolute_url()) if rel == "alternate"]
        assert not [href for href in page_links if href.startswith(f"{SITE}/2020")]

    def test_take_the_same_number_of_queries_however_many_there_are(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        picture = store("1.jpg")
        for language in ("en", "ar", "fr", "de"):
            linked(language, f"{language}-ch", source=f"![x]({picture.file.url})", featured_picture=picture)
        client.get("/sitemap-posts.xml")
        # The version, how many posts there are, the posts, their pictures in two, and their translations.
        with django_assert_num_queries(6):
            client.get("/sitemap-posts.xml", headers={"cache-control": "no-store"})


class TestHiddenFromSearchEngines:
    @pytest.mark.parametrize(("factory", "section"), [(PostFactory, "posts"), (PageFactory, "pages")])
    def test_is_in_no_sitemap_and_says_so(self, client: Client, factory: Any, section: str) -> None:
        shown, hidden = factory(title="Shown", slug="shown"), factory(title="Hidden", slug="hidden", noindex=True)
        assert list(entries(client, section)) == [shown.get_absolute_url()]
        assert meta(client, hidden.get_absolute_url())["robots"] == ["noindex"]
        assert "robots" not in meta(client, shown.get_absolute_url())

    def test_is_still_there_for_readers(self, client: Client) -> None:
        post = PostFactory(title="Hidden", noindex=True, tags=["t"])
        for path in (post.get_absolute_url(), "/", "/tag/t/", "/feed/"):
            assert b"Hidden" in client.get(path).content

    def test_disappears_at_once(self, client: Client) -> None:
        post = PostFactory(slug="a", published_at=at(2020, 1, 1))
        PostFactory()
        assert post.get_absolute_url() in entries(client)
        post.noindex = True
        post.save()
        assert post.get_absolute_url() not in entries(client)


class TestNews:
    @pytest.fixture(autouse=True)
    def _setting(self, settings: Settings) -> None:
        settings.BROADSIDE_NEWS_SITEMAP = True

    def test_are_the_posts_of_two_days(self, client: Client) -> None:
        SiteSettings.objects.update(title="Site & co.")
        now = timezone.now()
        for age in (1, 47, 49):
            PostFactory(title=f"{age} < {age + 1}", published_at=now - dt.timedelta(hours=age), language="pt-br")
        PostFactory(title="Later", published_at=now + dt.timedelta(hours=1))
        found = [url[1] for url in entries(client, "news").values()]
        assert [news.findtext(f"{NEWS}title") for news in found] == ["1 < 2", "47 < 48"]
        publication = found[0][0]
        assert publication.findtext(f"{NEWS}name") == "Site & co."
        assert publication.findtext(f"{NEWS}language") == "pt"

    def test_leave_out_hidden_posts(self, client: Client) -> None:
        now = timezone.now()
        PostFactory(title="Shown", published_at=now)
        for hidden in ({"password": "x"}, {"noindex": True}, {"status": Status.PRIVATE}):
            PostFactory(published_at=now, **hidden)
        assert len(entries(client, "news")) == 1

    @pytest.mark.parametrize(("language", "expected"), [("zh-hans", "zh-cn"), ("zh-hant", "zh-tw"), ("", "en")])
    def test_have_the_language_codes_of_news_search(self, client: Client, language: str, expected: str) -> None:
        PostFactory(published_at=timezone.now(), language=language)
        (url,) = entries(client, "news").values()
        assert url[1][0].findtext(f"{NEWS}language") == expected

    def test_are_named_by_robots_txt(self, client: Client) -> None:
        assert f"Sitemap: {SITE}/sitemap-news.xml\n" in client.get("/robots.txt").text

    def test_can_be_turned_off(self, client: Client, settings: Settings) -> None:
        settings.BROADSIDE_NEWS_SITEMAP = False
        assert client.get("/sitemap-news.xml").status_code == 404
        assert "news" not in client.get("/robots.txt").text
