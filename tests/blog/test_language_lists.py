"""The language that pages speak, and the lists of posts by language."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from blog.models import Status
from core.models import SiteSettings
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory
from tests.factories.models import at
from tests.factories.responses import one, read, read_xml

pytestmark = pytest.mark.django_db

LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def html_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def language_of(page: str) -> tuple[str, str]:
    """Return the language and direction of a page."""
    match = re.search(r'<html lang="([^"]+)" dir="([^"]+)"', page)
    assert match
    return match[1], match[2]


class TestPagesOfTexts:
    def test_speak_the_language_of_the_text(self, client: Client) -> None:
        post = PostFactory(language="fr", published_at=at(2020, 3, 1), categories=[CategoryFactory(name="Prix")])
        CommentFactory(entry=post, name="Anne")
        page = html_of(client, post.get_absolute_url())
        assert language_of(page) == ("fr", "ltr")
        for text in ("1 mars 2020", "Laisser un commentaire", "Aller au contenu"):
            assert text in page
        for text in ("March", "Posted in", "Leave a Reply", "Skip to content"):
            assert text not in page

    def test_speak_the_language_of_the_site_if_the_texts_is_unknown_or_not_supported(
        self, client: Client, settings: Settings
    ) -> None:
        settings.LANGUAGE_CODE = "es"
        for language in ("", "de", "fa"):
            page = html_of(client, PostFactory(language=language).get_absolute_url())
            assert language_of(page) == ("es", "ltr")

    def test_of_pages_and_comments_do_so_as_well(self, client: Client) -> None:
        page = PageFactory(language="ar")
        assert language_of(html_of(client, page.get_absolute_url())) == ("ar", "rtl")

    def test_the_next_request_is_answered_in_the_language_of_the_site(self, client: Client) -> None:
        client.get(PostFactory(language="ar").get_absolute_url())
        assert language_of(html_of(client, "/")) == ("en", "ltr")
        assert language_of(client.get("/nothing/").content.decode()) == ("en", "ltr")

    def test_name_the_language_of_what_the_owner_wrote_for_all_of_them(
        self, client: Client, publish_appearance: Callable[..., int]
    ) -> None:
        block: Any = {"kind": "text", "title": "", "options": {"text": "Write to us."}}
        publish_appearance(blocks=[block], footer="Some rights reserved.")
        SiteSettings.objects.update(title="Who asks?", tagline="Notes")
        for language, expected in (("en", None), ("fr", "en"), ("ar", "en")):
            page = read(client.get(PostFactory(language=language).get_absolute_url()))
            for selector in (".site-title bdi", ".tagline bdi", ".sidebar .words", ".colophon > div"):
                assert one(page, selector).get("lang") == expected, (language, selector)

    def test_do_not_depend_on_the_browser(self, client: Client) -> None:
        path = PostFactory(language="ru").get_absolute_url()
        pages = {client.get(path, headers={"accept-language": language}).content for language in ("ar", "fr", "en")}
        assert len(pages) == 1

    def test_a_refused_comment_is_answered_in_the_language_of_the_text(self, client: Client) -> None:
        post = PostFactory(language="fr")
        url = f"/comments/on/post/{post.pk}/"
        response = client.post(url, {"text": "", "name": ""}, headers={"origin": "http://testserver"})
        assert response.status_code == 400
        assert language_of(response.content.decode()) == ("fr", "ltr")
        assert "This field is required" not in response.content.decode()


class TestListings:
    def test_describe_each_post_in_its_own_language(self, client: Client) -> None:
        category = CategoryFactory(name="News")
        for language in ("en", "fr", "ar"):
            fields: dict[str, Any] = {"language": language, "source": "One.\n\n<!--more-->\n\nTwo."}
            PostFactory(title=f"In {language}", published_at=at(2020, 3, 1), categories=[category], **fields)
        page = html_of(client, "/")
        assert language_of(page) == ("en", "ltr")
        articles = {
            match[1]: match[0] for match in re.findall(r'(<article [^>]*lang="(\w+)".*?</article>)', page, re.DOTALL)
        }
        assert "March 1, 2020" in articles["en"]
        assert "Posted in" in articles["en"]
        assert "1 mars 2020" in articles["fr"]
        assert "Posted in" not in articles["fr"] + articles["ar"]
        assert "Read the rest" not in articles["fr"] + articles["ar"]
        assert '<footer class="entry-meta" lang="ar" dir="rtl">' in articles["ar"]

    def test_each_language_has_its_own(self, client: Client) -> None:
        PostFactory(title="Bonjour", language="fr")
        PostFactory(title="Hello", language="en")
        page = html_of(client, "/language/fr/")
        assert language_of(page) == ("fr", "ltr")
        assert "Bonjour" in page
        assert "Hello" not in page
        assert '<link rel="canonical" href="http://testserver/language/fr/">' in page
        assert "/language/fr/feed/" in page

    @pytest.mark.parametrize("path", ["de/", "x/", "", "FR/", "de/feed/", "de/page/2/"])
    def test_there_is_none_without_public_posts(self, client: Client, path: str) -> None:
        PostFactory(language="de", status=Status.DRAFT)
        PostFactory(language="fr")
        assert client.get(f"/language/{path}").status_code == 404

    def test_further_pages_are_in_that_language_too(self, client: Client) -> None:
        SiteSettings.objects.update(entries_per_page=1)
        PostFactory.create_batch(2, language="ar")
        assert language_of(html_of(client, "/language/ar/page/2/")) == ("ar", "rtl")

    def test_the_sidebar_links_to_them_on_a_blog_in_several_languages(self, client: Client) -> None:
        for language in ("fr", "en", "ar"):
            PostFactory(language=language)
        page = html_of(client, "/")
        # The language of the site first, then by name.
        assert re.findall(r'href="/language/(\w+)/"', page) == ["en", "fr", "ar"]
        # Screen readers read the name of each in its own voice.
        names = read(client.get("/")).xpath("//nav[@aria-labelledby='menu-languages']//bdi")
        assert [(name.get("lang"), name.text) for name in names] == [
            ("en", "English"),
            ("fr", "français"),
            ("ar", "العربيّة"),
        ]

    @pytest.mark.parametrize("language", ["pt-BR", "pt_br", "x", "a/b"])
    def test_a_code_that_has_no_url_is_left_out(self, client: Client, language: str) -> None:
        for each in (language, "fr"):
            PostFactory(language=each)
        page = html_of(client, "/")
        assert re.findall(r'href="/language/([^"]*)/"', page) == ["fr"]

    def test_the_sidebar_has_no_such_links_on_a_blog_in_a_single_language(self, client: Client) -> None:
        PostFactory(language="en")
        PostFactory(language="")
        PostFactory(language="fr", status=Status.DRAFT)
        assert "/language/" not in html_of(client, "/")

    def test_a_page_takes_as_many_queries_as_other_listings(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        PostFactory.create_batch(5, language="fr")
        client.get("/language/fr/")
        # The version and the posts, which were listed before.
        with django_assert_num_queries(2):
            client.get("/language/fr/", headers={"cache-control": "no-store"})


class TestFeeds:
    @pytest.mark.parametrize("name", ["feed/", "feed/atom/"])
    def test_have_the_posts_in_a_language(self, client: Client, name: str) -> None:
        PostFactory(title="Hallo", language="de")
        PostFactory(title="Hello", language="en")
        feed = read_xml(client, f"/language/de/{name}")
        text = "".join(feed.itertext())
        assert "Hallo" in text
        assert "Hello" not in text
        assert "Deutsch" in text
        assert feed.get(LANG) == "de"

    def test_of_the_comments_on_a_text_speak_its_language(self, client: Client) -> None:
        post = PostFactory(title="Bonjour", language="fr")
        feed = read_xml(client, f"{post.get_absolute_url()}feed/atom/")
        assert feed.get(LANG) == "fr"
        assert "Comments on" not in "".join(feed.itertext())
