"""The data with which other sites show previews of links: Open Graph, and the picture of an entry."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blog.models import Post
from blog.page_metadata.open_graph import locale
from core.models import SiteSettings
from media.models import Picture
from tests.factories import CategoryFactory, PageFactory, PostFactory, at
from tests.factories.metadata import links, meta
from tests.factories.responses import read

pytestmark = pytest.mark.django_db


def store(name: str = "lamp.jpg", width: int = 1200, height: int = 800, **fields: Any) -> Picture:
    picture: Picture = Picture.objects.create(file=f"pictures/{name}", width=width, height=height, **fields)
    return picture


def shown(client: Client, post: Post) -> list[str]:
    """Return the URL, dimensions and alternative text of the picture in a preview."""
    found = meta(client, post.get_absolute_url())
    names = ("og:image", "og:image:width", "og:image:height", "og:image:alt")
    return [value for name in names for value in found.get(name, [])]


class TestArticles:
    def test_have_dates_tags_and_a_section(self, client: Client) -> None:
        categories = [CategoryFactory(name="Books"), CategoryFactory(name="Art")]
        post = PostFactory(tags=["b", "a"], categories=categories, published_at=at(2020, 1, 2))
        found = meta(client, post.get_absolute_url())
        assert found["og:type"] == ["article"]
        assert found["article:published_time"] == ["2020-01-02T12:00:00+00:00"]
        assert len(found["article:modified_time"]) == 1
        assert found["article:section"] == ["Art"]
        assert found["article:tag"] == ["a", "b"]

    def test_reveal_nothing_that_needs_a_password(self, client: Client) -> None:
        post = PostFactory(password="x", tags=["secret"], featured_picture=store(alt="Secret"))
        found = meta(client, post.get_absolute_url())
        assert not [name for name in found if name.startswith(("article:", "og:image"))]

    @pytest.mark.parametrize(
        ("language", "expected"),
        [
            *(("fr", "fr_FR"), ("ar", "ar_AR"), ("uk", "uk_UA"), ("en", "en_US"), ("pt-br", "pt_BR")),
            *(("en-gb", "en_GB"), ("zh-hans", "zh_CN"), ("zh-hant", "zh_TW"), ("ckb", "ckb")),
        ],
    )
    def test_state_their_language_with_a_territory(self, language: str, expected: str) -> None:
        assert locale(language) == expected

    def test_are_in_the_language_of_the_site_if_they_have_none(self, client: Client, settings: Settings) -> None:
        paths = [PostFactory(language="fa").get_absolute_url(), PostFactory().get_absolute_url(), "/"]
        settings.LANGUAGE_CODE = "ru"
        assert [meta(client, path)["og:locale"] for path in paths] == [["fa_IR"], ["ru_RU"], ["ru_RU"]]


class TestPictures:
    def test_the_featured_image_comes_first(self, client: Client) -> None:
        in_text = store("other.jpg")
        post = PostFactory(source=f"![Other]({in_text.file.url})", featured_picture=store(alt="A lamp"))
        assert shown(client, post) == ["http://testserver/media/pictures/lamp.jpg", "1200", "800", "A lamp"]

    def test_otherwise_the_first_in_the_text_that_is_not_an_icon(self, client: Client) -> None:
        icon, first, second = store("icon.png", 32, 32), store("first.jpg", 640, 480), store("second.jpg")
        source = "\n\n".join(f"![{picture.file.name}]({picture.file.url})" for picture in (icon, first, second))
        post = PostFactory(source=source)
        url = "http://testserver/media/pictures/first.jpg"
        assert shown(client, post) == [url, "640", "480", "pictures/first.jpg"]

    def test_a_picture_of_another_site_is_not_shown(self, client: Client) -> None:
        assert shown(client, PostFactory(source="![x](https://other.example/x.jpg)")) == []

    @pytest.mark.parametrize(
        ("name", "width", "expected"),
        [("a.jpg", 1600, "a.jpg"), ("a.jpg", 4000, "a-1600.webp"), ("a.avif", 1200, "a-1600.webp")],
    )
    def test_a_very_large_one_is_shown_smaller_in_a_format_that_programs_support(
        self, client: Client, name: str, width: int, expected: str
    ) -> None:
        rows = [[f"pictures/a-{size}.{kind}", size] for kind in ("avif", "webp") for size in (480, 1600)]
        post = PostFactory(featured_picture=store(name, width, width // 2, rendition_rows=rows))
        url, *size = shown(client, post)
        assert url.endswith(f"/{expected}")
        wide = 1600 if expected != name else width
        assert size == [str(wide), str(wide // 2)]

    def test_one_that_was_merged_is_replaced_by_its_target(self, client: Client) -> None:
        target = store("target.jpg")
        source = store("source.jpg", merged_into=target, deleted_at=at(2020, 1, 1))
        post = PostFactory(source=f"![x]({source.file.url})")
        assert shown(client, post)[0] == "http://testserver/media/pictures/target.jpg"

    @pytest.mark.parametrize(("width", "card"), [(1200, "summary_large_image"), (300, "summary")])
    def test_a_large_one_gets_a_large_card(self, client: Client, width: int, card: str) -> None:
        post = PostFactory(featured_picture=store(width=width, height=300))
        assert meta(client, post.get_absolute_url())["twitter:card"] == [card]

    def test_the_first_in_the_text_takes_no_additional_query(self, client: Client) -> None:
        picture = store()
        post = PostFactory(source=f"![x]({picture.file.url})")
        client.get(post.get_absolute_url())
        with CaptureQueriesContext(connection) as queries:
            client.get(post.get_absolute_url())
        assert len([query for query in queries if '"blog_entry_pictures"' in query["sql"]]) == 1


def neighbours(client: Client, path: str) -> dict[str, str]:
    """Return the URLs of the pages before and after the one at `path`, by the relation of the links to them.

    These links are not in the head, from where Firefox would load the next page in advance.
    """
    page = read(client.get(path))
    adjacent = '[@rel="prev" or @rel="next"]'
    assert page.xpath(f"//head/link{adjacent}") == []
    return {link.get("rel"): link.get("href") for link in page.xpath(f"//a{adjacent}")}


class TestPages:
    def test_of_a_list_lead_to_each_other(self, client: Client) -> None:
        SiteSettings.objects.update(entries_per_page=1)
        PostFactory.create_batch(3)
        assert neighbours(client, "/page/2/") == {"prev": "/", "next": "/page/3/"}
        assert "prev" not in neighbours(client, "/")
        assert "next" not in neighbours(client, "/page/3/")

    def test_of_a_text_lead_to_each_other(self, client: Client) -> None:
        url = PageFactory(title="Long", source="1\n\n<!--nextpage-->\n\n2\n\n<!--nextpage-->\n\n3").get_absolute_url()
        assert neighbours(client, f"{url}2/") == {"prev": url, "next": f"{url}3/"}
        canonical = [href for rel, _type, href in links(client, f"{url}2/") if rel == "canonical"]
        assert canonical == [f"http://testserver{url}2/"]
