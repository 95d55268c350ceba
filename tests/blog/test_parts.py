"""Texts in parts as readers meet them: addresses, the table of parts, feeds."""

import datetime as dt

import pytest
from django.test import Client

from blog.models import Page, Post, Status
from tests.factories import PageFactory, PostFactory

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


class TestParts:
    def test_the_post_shows_its_first_part_and_the_table_of_all(self, client: Client, post: Post) -> None:
        html = client.get("/2014/02/10/long/").content.decode()
        assert "first" in html
        assert "<p>second</p>" not in html
        assert '<span aria-current="page">1</span>' in html
        assert '<a href="/2014/02/10/long/2/">2</a>' in html
        assert '<a href="/2014/02/10/long/3/">3</a>' in html

    def test_each_part_has_its_address_and_says_so(self, client: Client, post: Post) -> None:
        html = client.get("/2014/02/10/long/2/").content.decode()
        assert "<p>second</p>" in html
        assert "third</p>" not in html
        assert '<link rel="canonical" href="http://testserver/2014/02/10/long/2/">' in html
        assert '<a href="/2014/02/10/long/">1</a>' in html

    def test_a_link_into_another_part_leads_there(self, client: Client, post: Post) -> None:
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
    def test_other_forms_lead_to_the_one_address(
        self, client: Client, post: Post, page: Page, path: str, leads_to: str
    ) -> None:
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (301, leads_to)

    @pytest.mark.parametrize("number", [0, 4])
    def test_past_the_last_part_a_post_is_all_there_is(self, client: Client, post: Post, number: int) -> None:
        answer = client.get(f"/2014/02/10/long/{number}/")
        assert (answer.status_code, answer.headers["Location"]) == (301, "/2014/02/10/long/")

    def test_past_the_last_of_a_page_leads_to_the_page(self, client: Client, page: Page) -> None:
        answer = client.get("/about/4/")
        assert (answer.status_code, answer.headers["Location"]) == (301, "/about/")

    def test_there_are_no_parts_of_nothing(self, client: Client, post: Post, page: Page) -> None:
        assert client.get("/nothing/2/").status_code == 404

    def test_a_text_in_one_part_has_no_table(self, client: Client) -> None:
        post = PostFactory(source="words")
        assert 'class="parts"' not in client.get(post.get_absolute_url()).content.decode()
        assert client.get(post.get_absolute_url() + "2/").headers["Location"] == post.get_absolute_url()

    def test_pages_have_parts_too(self, client: Client, page: Page) -> None:
        assert "<p>second</p>" in client.get("/about/2/").content.decode()

    def test_a_child_page_with_a_number_for_a_slug_comes_first(self, client: Client, page: Page) -> None:
        PageFactory(slug="2", parent=page, source="the child")
        assert "the child" in client.get("/about/2/").content.decode()

    def test_parts_of_what_is_not_public_are_not_there(self, client: Client) -> None:
        PageFactory(slug="secret", source=SOURCE, markup="html", status=Status.DRAFT)
        assert client.get("/secret/2/").status_code == 404

    def test_feeds_hold_the_whole(self, client: Client, post: Post) -> None:
        feed = client.get("/feed/").content.decode()
        assert all(word in feed for word in ("first", "second", "third"))
        assert "nextpage" not in feed

    def test_listings_show_the_first_part_and_lead_to_the_rest(self, client: Client, post: Post) -> None:
        html = client.get("/").content.decode()
        assert "first" in html
        assert "<p>second</p>" not in html
        assert f'href="/2014/02/10/long/#more-{post.pk}"' in html
