"""Posts and pages with page breaks: their URLs, the links between their pages, feeds and listings."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from blog.models import Page, Post, Status
from blog.rendering import render
from tests.factories import PageFactory, PostFactory
from tests.factories.newsletter import turn_on
from tests.factories.responses import find, one, read, text
from tests.factories.whole_site import PUBLIC, make_blog

pytestmark = pytest.mark.django_db
SOURCE = '<p>first <a href="#note">1</a></p><!--nextpage--><p>second</p><!--nextpage--><p id="note">third</p>'


@pytest.fixture
def post() -> Post:
    return PostFactory(
        slug="long", source=SOURCE, markup="html", published_at=dt.datetime(2014, 2, 10, 12, tzinfo=dt.UTC)
    )


@pytest.fixture
def page() -> Page:
    return PageFactory(slug="about", source=SOURCE, markup="html")


class TestEntryPages:
    def test_a_post_shows_its_first_page_and_links_to_all_pages(self, client: Client, post: Post) -> None:
        html = client.get("/2014/02/10/long/").content.decode()
        assert "first" in html
        assert "<p>second</p>" not in html
        assert '<span aria-current="page">1</span>' in html
        assert '<a href="/2014/02/10/long/2/" rel="next">2</a>' in html
        assert '<a href="/2014/02/10/long/3/">3</a>' in html

    def test_each_page_has_its_own_canonical_url(self, client: Client, post: Post) -> None:
        html = client.get("/2014/02/10/long/2/").content.decode()
        assert '<p dir="auto">second</p>' in html
        assert "third</p>" not in html
        assert '<link rel="canonical" href="http://testserver/2014/02/10/long/2/">' in html
        assert '<a href="/2014/02/10/long/" rel="prev">1</a>' in html

    def test_the_url_below_a_printed_page_can_be_typed(self, client: Client) -> None:
        document = read(client.get(PageFactory(slug="بيان", path="بيان").get_absolute_url()))
        assert text(one(document, ".address")) == "http://testserver/بيان/"
        assert one(document, "link[rel=canonical]").get("href") == "http://testserver/%D8%A8%D9%8A%D8%A7%D9%86/"

    def test_a_link_to_an_id_on_another_page_leads_to_that_page(self, client: Client, post: Post) -> None:
        assert '<a href="/2014/02/10/long/3/#note">1</a>' in client.get("/2014/02/10/long/").content.decode()

    @pytest.mark.parametrize(
        ("path", "leads_to"),
        [
            ("/2014/02/10/long/1/", "/2014/02/10/long/"),
            ("/2014/02/10/LONG/2/", "/2014/02/10/long/2/"),
            ("/about/1/", "/about/"),
            ("/ABOUT/3/", "/about/3/"),
        ],
    )
    def test_other_forms_of_the_url_redirect_to_the_canonical_one(
        self, client: Client, post: Post, page: Page, path: str, leads_to: str
    ) -> None:
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (301, leads_to)

    @pytest.mark.parametrize("number", [0, 4])
    def test_pages_past_the_last_of_a_post_redirect_to_the_post(self, client: Client, post: Post, number: int) -> None:
        answer = client.get(f"/2014/02/10/long/{number}/")
        assert (answer.status_code, answer.headers["Location"]) == (301, "/2014/02/10/long/")

    def test_pages_past_the_last_of_a_page_redirect_to_the_page(self, client: Client, page: Page) -> None:
        answer = client.get("/about/4/")
        assert (answer.status_code, answer.headers["Location"]) == (301, "/about/")

    def test_an_entry_that_does_not_exist_has_no_pages(self, client: Client, post: Post, page: Page) -> None:
        assert client.get("/nothing/2/").status_code == 404

    def test_an_entry_with_one_page_has_no_links_to_pages(self, client: Client) -> None:
        post = PostFactory(source="text")
        assert 'class="page-links"' not in client.get(post.get_absolute_url()).content.decode()
        assert client.get(post.get_absolute_url() + "2/").headers["Location"] == post.get_absolute_url()

    def test_a_page_can_have_several_pages_as_well(self, client: Client, page: Page) -> None:
        assert '<p dir="auto">second</p>' in client.get("/about/2/").content.decode()

    def test_a_page_lists_its_child_pages_in_order(self, client: Client, page: Page) -> None:
        for title, order in (("Third", 2), ("Second", 1), ("First", 1)):
            PageFactory(title=title, menu_order=order, parent=page)
        PageFactory(title="Draft", parent=page, status=Status.DRAFT)
        listed = find(read(client.get("/about/")), ".children a")
        assert [link.text_content() for link in listed] == ["First", "Second", "Third"]

    def test_a_child_page_with_a_number_as_its_slug_has_precedence(self, client: Client, page: Page) -> None:
        PageFactory(slug="2", parent=page, source="the child")
        assert "the child" in client.get("/about/2/").content.decode()

    def test_pages_of_an_entry_that_is_not_public_do_not_exist(self, client: Client) -> None:
        PageFactory(slug="secret", source=SOURCE, markup="html", status=Status.DRAFT)
        assert client.get("/secret/2/").status_code == 404

    def test_feeds_contain_all_pages(self, client: Client, post: Post) -> None:
        feed = client.get("/feed/").content.decode()
        assert all(word in feed for word in ("first", "second", "third"))
        assert "nextpage" not in feed

    def test_listings_show_the_first_page_and_link_to_the_rest(self, client: Client, post: Post) -> None:
        html = client.get("/").content.decode()
        assert "first" in html
        assert "<p>second</p>" not in html
        assert f'href="/2014/02/10/long/#more-{post.pk}"' in html


class TestIdsAroundTexts:
    """The ids of a page's own elements, to which scripts, labels, forms and links refer."""

    @pytest.fixture
    def ids(self, client: Client, publish_appearance: Callable[..., int]) -> set[str]:
        make_blog()
        turn_on()
        publish_appearance(about_author=True)
        return {name for response in self.pages(client) for name in self.own_ids(response)}

    @staticmethod
    def pages(client: Client) -> Iterator[Any]:
        yield from map(client.get, PUBLIC.values())
        (form,) = find(read(client.get(PUBLIC["post with comments"])), "form.comment-form")
        yield client.post(form.get("action"), {"text": ""})
        yield client.post(form.get("action"), {"text": "Words", "name": "A", "email": "a@example.org", "preview": "1"})
        guarded = PUBLIC["post with a password"]
        yield client.post(guarded, {"post_password": "wrong"})
        unlocked = client.post(guarded, {"post_password": "x"})
        yield unlocked
        token = find(read(unlocked), "[name=password_token]")[0].get("value")
        yield client.post(guarded, {"password_token": token, "replytocom": "1"})

    @staticmethod
    def own_ids(response: Any) -> Iterator[str]:
        page = read(response) if response.content else None
        if page is None or not find(page, "h1.entry-title"):
            # The texts in lists have ids with their own prefix.
            return
        for content in find(page, "div.e-content"):
            content.drop_tree()
        for attribute in ("id", "for", "form", "aria-labelledby", "aria-describedby", "aria-controls"):
            yield from (name for value in page.xpath(f"//@{attribute}") for name in value.split())
        yield from (url[1:] for url in page.xpath("//a/@href[starts-with(., '#')]"))

    def test_no_heading_takes_them(self, ids: set[str]) -> None:
        expected = {"about-author", "children", "comments", "content", "follow", "menu-meta", "news-email", "related"}
        assert {*expected, "reply", "respond-result", "respond-text", "responses", "search-menu", "top"} - ids == set()
        taken = [name for name in sorted(ids) if f'id="{name}"' in render(f'<h2 id="{name}">a</h2>', "html").body_html]
        assert taken == []
