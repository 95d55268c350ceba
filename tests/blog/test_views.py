"""The page of a post, short links and previews."""

import re

import pytest
from django.test import Client

from blog.models import Status
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory, at
from tests.factories.responses import text_of

pytestmark = pytest.mark.django_db


class TestPost:
    def test_shows_its_date_and_categories(self, client: Client) -> None:
        post = PostFactory(
            title="A paper",
            published_at=at(2019, 10, 22, 13, 53),
            categories=[CategoryFactory(name="Human Rights Defenders"), CategoryFactory(name="books")],
            tags=["NGOs", "donors"],
        )
        text = text_of(client.get(post.get_absolute_url()).content)
        assert (
            "This entry was posted on October 22, 2019 at 1:53 pm and is filed under books, Human Rights Defenders."
            in text
        )
        assert "Tags: donors, NGOs" in text

    def test_shows_the_whole_text_with_an_anchor_at_the_more_marker(self, client: Client) -> None:
        post = PostFactory(source="First.<!--more-->\n\nSecond.")
        page = client.get(post.get_absolute_url()).content.decode()
        assert f'id="more-{post.pk}"' in page
        assert "Second." in page
        assert "<!--" not in page
        assert "Read the rest" not in page

    def test_links_to_the_previous_and_next_post(self, client: Client) -> None:
        for day in (1, 2, 3):
            PostFactory(title=f"Day {day}", published_at=at(2020, 1, day))
        page = client.get("/2020/01/02/day-2/").content.decode()
        links = re.findall(r'(?s)<a[^>]*\shref="([^"]*)"[^>]*>(.*?)</a>', page)
        found = {href: text_of(label).strip() for href, label in links}
        assert found["/2020/01/01/day-1/"] == "«&nbsp;Day 1"
        assert found["/2020/01/03/day-3/"] == "Day 3&nbsp;»"

    def test_has_its_own_title_and_the_sites_as_document_title(self, client: Client) -> None:
        post = PostFactory(title="A paper & more")
        assert "<title>A paper &amp; more – Broadside</title>" in re.sub(
            r"\s+", " ", client.get(post.get_absolute_url()).content.decode()
        ).replace("<title> ", "<title>").replace(" </title>", "</title>")

    def test_takes_the_same_number_of_queries_with_any_number_of_comments(
        self, client: Client, django_assert_max_num_queries: object
    ) -> None:
        post = PostFactory(tags=["a", "b"], categories=[CategoryFactory()])
        PostFactory()
        comment = CommentFactory(entry=post)
        with django_assert_max_num_queries(11) as few:  # type: ignore[operator]  # a fixture without a type
            client.get(post.get_absolute_url())
        for _n in range(20):
            comment = CommentFactory(entry=post, parent=comment)
        with django_assert_max_num_queries(11) as many:  # type: ignore[operator]  # a fixture without a type
            client.get(f"{post.get_absolute_url()}?fresh=1")
        assert len(many) <= len(few)


class TestPage:
    def test_has_no_date_and_no_categories(self, client: Client) -> None:
        PageFactory(title="About", source="Who we are.", published_at=at(2019, 10, 22))
        text = text_of(client.get("/about/").content)
        assert "Who we are." in text
        assert "October 22, 2019" not in text
        assert "Posted in" not in text

    def test_is_found_below_its_parent(self, client: Client) -> None:
        PageFactory(title="Team", parent=PageFactory(title="About"))
        assert client.get("/about/team/").status_code == 200
        assert client.get("/team/").headers["Location"] == "/about/team/"

    def test_a_missing_slash_is_added_by_a_redirect(self, client: Client) -> None:
        PageFactory(title="About")
        response = client.get("/about")
        assert (response.status_code, response["Location"]) == (301, "/about/")


class TestShortLink:
    def test_redirects_to_the_post(self, client: Client) -> None:
        post = PostFactory()
        response = client.get(f"/?p={post.pk}")
        assert (response.status_code, response["Location"]) == (301, post.get_absolute_url())

    def test_redirects_to_the_page(self, client: Client) -> None:
        page = PageFactory()
        for name in ("p", "page_id"):
            assert client.get(f"/?{name}={page.pk}")["Location"] == page.get_absolute_url()

    @pytest.mark.parametrize("entry_id", ["0", "-1", "x", " ", "99999999999999999999999", "1e3", "١"])
    def test_with_an_unknown_or_malformed_id_is_not_found(self, client: Client, entry_id: str) -> None:
        assert client.get("/", {"p": entry_id}).status_code == 404


class TestPreview:
    def test_staff_see_a_draft_as_readers_will(self, client: Client) -> None:
        post = PostFactory(title="Not yet", status=Status.DRAFT, published_at=None)
        client.force_login(UserFactory(role="Editor"))
        response = client.get(post.get_preview_url())
        assert response.status_code == 200
        assert "Not yet" in response.content.decode()
        assert response["Cache-Control"] == "private, no-store"

    def test_authors_see_only_their_own_drafts(self, client: Client) -> None:
        author = UserFactory(role="Author")
        client.force_login(author)
        own = PostFactory(status=Status.DRAFT, author=author)
        other = PostFactory(status=Status.DRAFT)
        assert client.get(own.get_preview_url()).status_code == 200
        assert client.get(other.get_preview_url()).status_code == 404

    @pytest.mark.parametrize("role", ["Moderator", ""])
    def test_others_see_no_drafts(self, client: Client, role: str) -> None:
        client.force_login(UserFactory(role=role))
        for entry in (PostFactory(status=Status.DRAFT), PageFactory(status=Status.DRAFT)):
            assert client.get(entry.get_preview_url()).status_code == 404
