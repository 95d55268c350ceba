"""The page of one post, short addresses, previews."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone

from blog.models import Status
from tests.blog.test_listings import at, text_of
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db


class TestPage:
    def test_says_when_and_where_it_was_posted(self, client: Client) -> None:
        post = PostFactory(
            title="A paper",
            published_at=timezone.make_aware(dt.datetime(2019, 10, 22, 13, 53)),
            categories=[CategoryFactory(name="Human Rights Defenders"), CategoryFactory(name="books")],
            tags=["NGOs", "donors"],
        )
        words = text_of(client.get(post.get_absolute_url()).content)
        assert (
            "This entry was posted on October 22, 2019 at 1:53 pm and is filed under books, Human Rights Defenders."
            in words
        )
        assert "Tags: donors, NGOs" in words

    def test_holds_the_whole_text_with_an_anchor_for_the_rest(self, client: Client) -> None:
        post = PostFactory(source="First.<!--more-->\n\nSecond.")
        page = client.get(post.get_absolute_url()).content.decode()
        assert f'id="more-{post.pk}"' in page
        assert "Second." in page
        assert "<!--" not in page
        assert "Read the rest" not in page

    def test_links_its_neighbours(self, client: Client) -> None:
        for day in (1, 2, 3):
            PostFactory(title=f"Day {day}", published_at=at(2020, 1, day))
        page = client.get("/2020/01/02/day-2/").content.decode()
        found = {href: text_of(words) for href, words in re.findall(r'<a[^>]*\shref="([^"]*)"[^>]*>(.*?)</a>', page)}
        assert found["/2020/01/01/day-1/"] == "« Day 1"
        assert found["/2020/01/03/day-3/"] == "Day 3 »"

    def test_document_title_names_post_and_site(self, client: Client) -> None:
        post = PostFactory(title="A paper & more")
        assert "<title>A paper &amp; more – Broadside</title>" in re.sub(
            r"\s+", " ", client.get(post.get_absolute_url()).content.decode()
        ).replace("<title> ", "<title>").replace(" </title>", "</title>")

    def test_costs_the_same_however_many_comments_it_has(
        self, client: Client, django_assert_max_num_queries: object
    ) -> None:
        post = PostFactory(tags=["a", "b"], categories=[CategoryFactory()])
        PostFactory()
        comment = CommentFactory(post=post)
        with django_assert_max_num_queries(10) as few:  # type: ignore[operator]  # a fixture without a type
            client.get(post.get_absolute_url())
        for _n in range(20):
            comment = CommentFactory(post=post, parent=comment)
        with django_assert_max_num_queries(10) as many:  # type: ignore[operator]  # a fixture without a type
            client.get(f"{post.get_absolute_url()}?fresh=1")
        assert len(many) <= len(few)


class TestStaticPage:
    def test_has_no_date_and_no_categories(self, client: Client) -> None:
        PageFactory(title="About", source="Who we are.", published_at=at(2019, 10, 22))
        words = text_of(client.get("/about/").content)
        assert "Who we are." in words
        assert "October 22, 2019" not in words
        assert "Posted in" not in words

    def test_child_stands_under_its_parent(self, client: Client) -> None:
        PageFactory(title="Team", parent=PageFactory(title="About"))
        assert client.get("/about/team/").status_code == 200
        assert client.get("/team/").headers["Location"] == "/about/team/"

    def test_missing_slash_leads_to_the_form_with_it(self, client: Client) -> None:
        PageFactory(title="About")
        response = client.get("/about")
        assert (response.status_code, response["Location"]) == (301, "/about/")


class TestShortAddress:
    def test_leads_to_the_post(self, client: Client) -> None:
        post = PostFactory()
        response = client.get(f"/?p={post.pk}")
        assert (response.status_code, response["Location"]) == (301, post.get_absolute_url())

    def test_of_a_page(self, client: Client) -> None:
        page = PageFactory()
        for name in ("p", "page_id"):
            assert client.get(f"/?{name}={page.pk}")["Location"] == page.get_absolute_url()

    @pytest.mark.parametrize("number", ["0", "-1", "x", " ", "99999999999999999999999", "1e3", "١"])
    def test_of_nothing_is_not_found(self, client: Client, number: str) -> None:
        assert client.get("/", {"p": number}).status_code == 404


class TestPreview:
    def test_staff_see_a_draft_as_readers_will(self, client: Client) -> None:
        post = PostFactory(title="Not yet", status=Status.DRAFT, published_at=None)
        client.force_login(UserFactory(role="Editor"))
        response = client.get(post.get_preview_url())
        assert response.status_code == 200
        assert "Not yet" in response.content.decode()
        assert response["Cache-Control"] == "private, no-store"

    def test_author_sees_own_drafts_only(self, client: Client) -> None:
        author = UserFactory(role="Author")
        client.force_login(author)
        own = PostFactory(status=Status.DRAFT, author=author)
        other = PostFactory(status=Status.DRAFT)
        assert client.get(own.get_preview_url()).status_code == 200
        assert client.get(other.get_preview_url()).status_code == 404

    @pytest.mark.parametrize("role", ["Moderator", ""])
    def test_others_do_not(self, client: Client, role: str) -> None:
        client.force_login(UserFactory(role=role))
        for entry in (PostFactory(status=Status.DRAFT), PageFactory(status=Status.DRAFT)):
            assert client.get(entry.get_preview_url()).status_code == 404
