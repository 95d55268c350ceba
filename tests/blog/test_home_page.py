"""A page in place of the list of posts, and where the list moves to."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from lxml import html

from blog.appearance.documents import AppearanceForm, default_document
from blog.models import Page, Status
from core.models import SiteSettings
from core.site import absolute_url
from tests.factories import PageFactory, PostFactory, at

pytestmark = pytest.mark.django_db

type Publish = Callable[..., int]


def tree_of(page: Any) -> Any:
    return html.document_fromstring(page)


@pytest.fixture
def pages(publish_appearance: Publish) -> tuple[Page, Page]:
    """A site with a home page and a page for posts, with one post per page."""
    SiteSettings.objects.update(entries_per_page=1)
    home, posts = (
        PageFactory(title="Welcome", slug="welcome", source="Come in."),
        PageFactory(title="News", slug="news"),
    )
    PostFactory(title="Old post", published_at=at(2020, 1, 1))
    PostFactory(title="New post", published_at=at(2020, 1, 2))
    publish_appearance(home=home.pk, posts_page=posts.pk)
    return home, posts


def get(path: str) -> Any:
    return Client().get(path)


def canonical(path: str) -> list[str]:
    found: list[str] = tree_of(get(path).content).xpath('//link[@rel="canonical"]/@href')
    return found


@pytest.mark.usefixtures("pages")
class TestAHomePage:
    def test_is_at_the_root_of_the_site(self) -> None:
        page = get("/").content.decode()
        assert "Come in." in page
        assert "New post" not in tree_of(page).xpath("string(//main)")
        assert canonical("/") == [absolute_url("/")]

    def test_has_no_other_url(self) -> None:
        response = get("/welcome/")
        assert (response.status_code, response.headers["Location"]) == (301, "/")
        assert get("/?page_id=1").status_code in {301, 404}

    def test_leaves_the_list_to_the_page_of_posts(self) -> None:
        first, second = get("/news/").content.decode(), get("/news/page/2/").content.decode()
        assert "New post" in tree_of(first).xpath("string(//main)")
        assert "Old post" in tree_of(second).xpath("string(//main)")
        assert tree_of(first).xpath("string(//main//h1)") == "News"
        assert canonical("/news/page/2/")[0].endswith("/news/page/2/")
        assert tree_of(first).xpath('//a[@rel="next"]/@href') == ["/news/page/2/"] * 2

    def test_redirects_the_old_pages_of_the_list_to_the_new_ones(self) -> None:
        response = get("/page/2/")
        assert (response.status_code, response.headers["Location"]) == (301, "/news/page/2/")
        assert get("/news/page/1/").headers["Location"] == "/news/"
        # As for every page number that never existed.
        assert get("/news/page/9/").headers["Location"] == "/news/"

    def test_leaves_feeds_and_search_as_they_are(self) -> None:
        assert b"New post" in get("/feed/").content
        assert b"Come in." not in get("/?s=new").content

    def test_is_in_the_sitemap_with_its_url(self) -> None:
        sitemap = get("/sitemap-pages.xml").content.decode()
        assert "/welcome/" not in sitemap
        assert "/news/</loc>" in sitemap

    def test_that_is_unpublished_makes_room_for_the_list(self, django_capture_on_commit_callbacks: Any) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            Page.objects.filter(slug="welcome").update(status=Status.DRAFT)
        assert b"New post" in get("/").content
        # A page of posts belongs to a home page.
        assert b"New post" not in tree_of(get("/news/").content).xpath("string(//main)").encode()


def test_without_a_page_of_posts_the_list_is_nowhere(publish_appearance: Publish) -> None:
    publish_appearance(home=PageFactory(slug="welcome").pk)
    assert get("/page/2/").status_code == 404


@pytest.mark.parametrize("name", ["home", "posts_page"])
@pytest.mark.parametrize("values", [{"status": Status.DRAFT}, {"status": Status.TRASH}, {"password": "x"}])
def test_pages_have_to_be_public(name: str, values: dict[str, str]) -> None:
    form = AppearanceForm({**default_document(), name: PageFactory(**values).pk})
    assert form.errors == {name: ["Choose a page that readers can see without a password."]}


def test_the_home_page_is_not_the_page_of_posts() -> None:
    page = PageFactory()
    form = AppearanceForm({**default_document(), "home": page.pk, "posts_page": page.pk})
    assert form.errors == {"posts_page": ["The home page can't also be the posts page."]}
