"""The data about pages in the vocabulary of schema.org, as JSON-LD."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.utils.safestring import SafeString
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from blog.models import Status
from blog.page_metadata.structured_data import json_ld as as_element
from comments.moderation.counting import recount_all
from core.models import SiteSettings
from media.models import Picture
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory, at
from tests.factories.metadata import json_ld
from tests.factories.responses import find, read

pytestmark = pytest.mark.django_db

HOSTILE = "</script><script>alert(1)</script><!--<script> & \u2028\u2029 ]]> \\ \" '"


@pytest.fixture
def picture() -> Picture:
    picture: Picture = Picture.objects.create(file="pictures/2020/01/lamp.jpg", alt="A lamp", width=1200, height=800)
    return picture


class TestPosts:
    def test_are_blog_postings(self, client: Client, picture: Picture) -> None:
        SiteSettings.objects.update(show_author=True)
        author = UserFactory(
            username="account", first_name="Real", last_name="Name", display_name="Pen Name", slug="pen"
        )
        post = PostFactory(
            title="A paper & a half",
            language="fr",
            author=author,
            tags=["peace", "NGOs"],
            categories=[CategoryFactory(name="books")],
            featured_picture=picture,
            published_at=at(2020, 1, 2),
        )
        CommentFactory.create_batch(2, entry=post)
        recount_all([post.pk])
        post.refresh_from_db()
        node = json_ld(client, post.get_absolute_url())["BlogPosting"]
        assert node == {
            "@type": "BlogPosting",
            "headline": "A paper & a half",
            "mainEntityOfPage": "http://testserver/2020/01/02/a-paper-a-half/",
            "datePublished": "2020-01-02T12:00:00+00:00",
            "dateModified": "2020-01-02T12:00:00+00:00",
            "author": {"@type": "Person", "name": "Pen Name", "url": "http://testserver/author/pen/"},
            "image": "http://testserver/media/pictures/2020/01/lamp.jpg",
            "inLanguage": "fr",
            "keywords": ["NGOs", "peace"],
            "commentCount": 2,
        }

    def test_reveal_nothing_of_an_account(self, client: Client) -> None:
        author = UserFactory(
            username="account", first_name="Real", last_name="Given", email="a@example.org", slug="pen"
        )
        post = PostFactory(author=author)
        for path in (post.get_absolute_url(), "/author/pen/"):
            said = json.dumps(json_ld(client, path))
            assert not re.search("account|Real|Given|example.org", said)

    def test_do_not_change_before_they_are_published(self, client: Client) -> None:
        post = PostFactory(published_at=at(2020, 1, 2))
        type(post).objects.filter(pk=post.pk).update(text_changed_at=at(2020, 1, 1))
        node = json_ld(client, post.get_absolute_url())["BlogPosting"]
        assert node["dateModified"] == node["datePublished"]

    @pytest.mark.parametrize("hidden", [{"password": "secret"}, {"noindex": True}])
    @pytest.mark.parametrize("factory", [PostFactory, PageFactory])
    def test_have_none_if_they_need_a_password_or_are_hidden_from_search_engines(
        self, client: Client, factory: Any, hidden: dict[str, Any]
    ) -> None:
        entry = factory(**hidden)
        assert json_ld(client, entry.get_absolute_url()) == {}
        if entry.password:
            unlocked = client.post(entry.get_absolute_url(), {"post_password": entry.password})
            assert b"ld+json" not in unlocked.content

    def test_have_none_in_a_preview(self, admin_client: Client) -> None:
        post = PostFactory(status=Status.DRAFT)
        assert json_ld(admin_client, post.get_preview_url()) == {}

    def test_have_it_only_on_their_first_page(self, client: Client) -> None:
        post = PostFactory(source="One\n\n<!--nextpage-->\n\nTwo")
        assert json_ld(client, post.get_absolute_url())
        assert json_ld(client, f"{post.get_absolute_url()}2/") == {}


class TestSite:
    def test_can_be_searched(self, client: Client) -> None:
        SiteSettings.objects.update(title="Site", tagline="About people")
        node = json_ld(client, "/")["WebSite"]
        assert (node["name"], node["description"], node["url"]) == ("Site", "About people", "http://testserver/")
        (action,) = node["potentialAction"]
        assert action["target"] == "http://testserver/?s={search_term_string}"
        assert action["query-input"] == "required name=search_term_string"

    def test_describes_itself_only_on_the_front_page(self, client: Client, settings: Settings) -> None:
        SiteSettings.objects.update(entries_per_page=1)
        PostFactory.create_batch(2)
        assert json_ld(client, "/page/2/") == {}
        settings.LANGUAGE_CODE = "ar"
        assert json_ld(client, "/")["WebSite"]["inLanguage"] == "ar"


def test_an_author_has_a_profile(client: Client) -> None:
    PostFactory(author=UserFactory(username="zoe", display_name="Zoë", bio="Writes about lamps."))
    assert json_ld(client, "/author/zoe/")["ProfilePage"]["mainEntity"] == {
        "@type": "Person",
        "name": "Zoë",
        "url": "http://testserver/author/zoe/",
        "description": "Writes about lamps.",
    }


class TestBreadcrumbs:
    @pytest.fixture(autouse=True)
    def _site(self) -> None:
        SiteSettings.objects.update(title="Site")
        books = CategoryFactory(name="Books")
        PostFactory(
            title="A post",
            published_at=at(2020, 3, 7),
            tags=["peace"],
            categories=[CategoryFactory(name="Reviews", parent=books)],
        )
        PageFactory(title="Team", parent=PageFactory(title="About", password="x"))

    @pytest.mark.parametrize(
        ("path", "trail"),
        [
            ("/2020/03/07/a-post/", ["/category/books/reviews/ Reviews", "/2020/03/07/a-post/ A post"]),
            ("/category/books/", ["/category/books/ Books"]),
            ("/category/books/reviews/", ["/category/books/ Books", "/category/books/reviews/ Reviews"]),
            ("/tag/peace/", ["/tag/peace/ peace"]),
            ("/about/team/", ["/about/ Protected: About", "/about/team/ Team"]),
            ("/2020/", ["/2020/ 2020"]),
            ("/2020/03/", ["/2020/ 2020", "/2020/03/ March 2020"]),
            ("/2020/03/07/", ["/2020/ 2020", "/2020/03/ March 2020", "/2020/03/07/ March 7, 2020"]),
        ],
    )
    def test_lead_from_the_front_page_to_each_page(self, client: Client, path: str, trail: list[str]) -> None:
        items = json_ld(client, path)["BreadcrumbList"]["itemListElement"]
        assert [item["position"] for item in items] == list(range(1, len(items) + 1))
        places = [f"{item['item'].removeprefix('http://testserver')} {item['name']}" for item in items]
        assert places == ["/ Site", *trail]

    def test_show_nothing_above_a_page_that_is_not_public(self, client: Client) -> None:
        team = PageFactory._meta.model.objects.get(slug="team")
        type(team).objects.filter(slug="about").update(status=Status.DRAFT)
        items = json_ld(client, "/about/team/")["BreadcrumbList"]["itemListElement"]
        assert [item["name"] for item in items] == ["Site", "Team"]


def test_a_site_without_author_names_has_none_in_the_data_either(client: Client) -> None:
    post = PostFactory(author=UserFactory(display_name="Nightingale", slug="nightingale"))
    page = client.get(post.get_absolute_url()).text
    assert "BlogPosting" in page
    assert "nightingale" not in page.lower()


class TestHostileTexts:
    def test_cannot_leave_the_element(self, client: Client) -> None:
        SiteSettings.objects.update(title=HOSTILE, show_author=True)
        post = PostFactory(
            title=HOSTILE,
            slug="x",
            tags=[HOSTILE],
            categories=[CategoryFactory(name=HOSTILE, slug="c")],
            author=UserFactory(display_name=HOSTILE, slug="a", bio=HOSTILE),
        )
        for path in (post.get_absolute_url(), "/", "/author/a/", "/category/c/"):
            scripts = [each for each in find(read(client.get(path)), "script") if not each.get("src")]
            assert [script.get("type") for script in scripts] == ["application/ld+json"], path
        node = json_ld(client, post.get_absolute_url())["BlogPosting"]
        assert node["headline"] == HOSTILE
        assert node["author"]["name"] == HOSTILE

    @given(st.dictionaries(st.text(), st.one_of(st.text(), st.lists(st.text()), st.integers())))
    def test_are_data_whatever_they_contain(self, values: dict[str, Any]) -> None:
        element = as_element([{**values, "headline": HOSTILE}])
        assert isinstance(element, SafeString)
        text = element.removeprefix('<script type="application/ld+json">').removesuffix("</script>")
        assert not re.search("[<>&\u2028\u2029]", text)
        assert json.loads(text) == {"@context": "https://schema.org", **values, "headline": HOSTILE}
