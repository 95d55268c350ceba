"""No public page shows what is not published or needs a password. Add every new kind of page to SURFACES."""

import datetime as dt
from typing import ClassVar

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from blog.appearance.menus import links_of
from blog.models import Category, Enclosure, Entry, Page, Post, Status
from blog.models.redirect import add_redirects
from blog.rendering import PAGE_BREAK
from core.changes import entries_changed
from core.models import SiteSettings
from media.models import Picture
from tags.models import Tag, TagAlias
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, TagFactory, UserFactory, at

pytestmark = pytest.mark.django_db

SECRET = "Zanzibar"
NOON = at(2020, 5, 17)

SURFACES = [
    "/",
    "/page/2/",
    "/tag/shared/",
    "/category/filed/",
    "/author/writer/",
    "/language/en/",
    "/2020/",
    "/2020/05/",
    "/2020/05/17/",
    "/2020/05/17/public/",
    "/archive/",
    "/authors/",
    "/feed/",
    "/feed/atom/",
    "/feed/json/",
    "/tag/shared/feed/",
    "/tag/other+shared/",
    "/tag/other+shared/feed/",
    "/tags/",
    "/tags/s/",
    "/tags/?q=a",
    "/category/filed/feed/",
    "/author/writer/feed/",
    "/language/en/feed/",
    "/comments/feed/",
    "/2020/05/17/public/feed/",
    "/sitemap.xml",
    "/sitemap-posts.xml",
    "/sitemap-pages.xml",
    "/sitemap-tags.xml",
    "/sitemap-categories.xml",
    "/sitemap-overviews.xml",
    "/manifest.webmanifest",
    "/oembed/?url=http://testserver/2020/05/17/public/",
    "/robots.txt",
    "/dictionary.txt",
    "/about/",
    "/no-such-page/",
    "/?s=text+page+title+child+shared",
    "/?s=-nothing",
    "/?s=text+comment&kind=comments",
    "/search/text+shared/feed/",
    "/search/suggestions.json?q=text",
    "/search/suggestions.json?q=zanz",
    "/opensearch.xml",
]
LATER = timezone.now() + dt.timedelta(days=30)
HIDDEN = {
    "draft": {"status": Status.DRAFT},
    "pending": {"status": Status.PENDING},
    "private": {"status": Status.PRIVATE},
    "trash": {"status": Status.TRASH},
    "scheduled": {"published_at": LATER},
}


@pytest.fixture(scope="class")
def writer(class_db: None) -> User:
    SiteSettings.objects.update(show_author=True)
    writer = UserFactory(username="writer", email="writer@example.org", display_name="The Writer")
    PostFactory(
        title="Public",
        author=writer,
        language="en",
        published_at=NOON,
        tags=["shared", "other"],
        categories=[CategoryFactory(name="filed")],
    )
    PageFactory(title="About", author=writer)
    return writer


@pytest.fixture(scope="class", params=list(HIDDEN.values()), ids=list(HIDDEN))
def hidden(request: pytest.FixtureRequest, writer: User) -> Post:
    state = {"published_at": NOON + dt.timedelta(hours=1)} | request.param
    post = PostFactory(
        title=f"{SECRET} title",
        slug=f"{SECRET.lower()}-post",
        source=f"{SECRET} text",
        author=writer,
        language="en",
        tags=["shared", "other", f"{SECRET} tag"],
        categories=list(Category.objects.all()),
        sticky=True,
        **state,
    )
    PageFactory(title=f"{SECRET} page", slug=f"{SECRET.lower()}-page", source=SECRET, **state)
    PageFactory(title=f"{SECRET} child", parent=PageFactory._meta.model.objects.get(slug="about"), **state)
    CommentFactory(entry=post, text=f"{SECRET} comment")
    return post


@pytest.mark.usefixtures("hidden")
class TestHiddenEntry:
    @pytest.mark.parametrize("surface", SURFACES)
    def test_is_not_on_any_surface(self, client: Client, surface: str) -> None:
        response = client.get(surface)
        assert response.status_code in {200, 404}
        assert SECRET.lower() not in response.content.decode().lower()


def test_the_surfaces_show_what_is_public(client: Client, writer: User) -> None:
    """If they didn't, the test above could not fail."""
    for surface in SURFACES:
        if "page/2" not in surface and "no-such" not in surface:
            assert client.get(surface).status_code == 200, surface
    assert "Public" in client.get("/").content.decode()


def test_a_hidden_entry_has_no_public_url(client: Client, hidden: Post) -> None:
    urls = [
        hidden.get_absolute_url(),
        f"/?p={hidden.pk}",
        f"/?p={hidden.pk}&preview=true",
        f"{hidden.get_absolute_url()}feed/",
        f"/{SECRET.lower()}-page/",
        f"/about/{SECRET.lower()}-child/",
    ]
    for url in urls:
        assert client.get(url).status_code == 404, url


class TestTermOfHiddenPosts:
    """Readers can't tell it from a term that doesn't exist, because its name may be a secret that they guess."""

    # Of the tag and the category of a hidden post; the parent of that category; and former slugs. None is linked.
    URLS: ClassVar = [
        *("/tag/{}-tag/", "/tag/{}-tag/page/1/", "/tag/{}-tag/page/2/", "/tag/{}-tag/feed/", "/tag/{}-tag/feed/json/"),
        *("/tag/{} Tag/", "/tag/{}-tag", "/tag/{}-alias/", "/tag/{}-alias/feed/", "/tag/other+{}-tag/", "/?tag={}-tag"),
        *("/category/{}-parent/{}-child/", "/category/{}-child/", "/category/{}-parent/", "/category/{}-former/"),
        *("/category/{}-parent/page/2/", "/category/{}-child/feed/", "/category/{}-parent/{}-child/feed/atom/"),
        *("/?category_name={}-child", "/2020/05/17/{}-tag/", "/{}-child/", "/tag/{}-tag/amp/"),
        *("/follow-by-email/tag/{}-tag/", "/follow-by-email/category/{}-parent/{}-child/"),
    ]

    @pytest.fixture(autouse=True)
    def terms(self, hidden: Post) -> list[int]:
        """Give the hidden post terms of its own, and return the IDs of the categories."""
        parent = CategoryFactory(name=f"{SECRET} parent")
        child = CategoryFactory(name=f"{SECRET} child", parent=parent)
        hidden.categories.add(child)
        entries_changed([hidden.pk])
        TagAlias.objects.create(slug=f"{SECRET.lower()}-alias", tag=Tag.objects.get(slug=f"{SECRET.lower()}-tag"))
        add_redirects([(f"/category/{SECRET.lower()}-former/", child), ("/?cat=90001", child), ("/?cat=90002", parent)])
        return [parent.pk, child.pk]

    def test_is_not_found_like_an_unknown_one(self, client: Client) -> None:
        for url in self.URLS:
            answer, expected = (client.get(url.replace("{}", name)) for name in (SECRET.lower(), "unknown"))
            assert (answer.status_code, answer.content) == (404, expected.content), url
            differing = set(answer.headers.items()) ^ set(expected.headers.items())
            assert {name for name, _value in differing} <= {"X-Request-ID"}, url

    def test_is_not_found_by_its_id(self, client: Client, terms: list[int]) -> None:
        for pk in (*terms, 90001, 90002):
            assert client.get(f"/?cat={pk}").status_code == 404

    def test_is_not_in_menus(self, terms: list[int]) -> None:
        tag = Tag.objects.get(slug=f"{SECRET.lower()}-tag")
        kinds = [("blog:category", terms[0]), ("blog:category", terms[1]), ("tags:tag", tag.pk)]
        assert links_of([{"title": "", "kind": kind, "id": pk} for kind, pk in kinds]) == []

    def test_is_found_once_a_post_is_public(self, client: Client, hidden: Post) -> None:
        Post.objects.filter(pk=hidden.pk).update(status=Status.PUBLISHED, published_at=NOON)
        entries_changed([hidden.pk])
        for url in self.URLS:
            if "2020" not in url and "page/2" not in url and "/follow" not in url and url[1:] != "{}-child/":
                response = client.get(url.replace("{}", SECRET.lower()), follow=True)
                assert response.status_code == 200, url


def test_an_unused_term_has_an_empty_page(client: Client) -> None:
    """As in WordPress: texts may link to it."""
    TagFactory(name="unused")
    CategoryFactory(name="below", parent=CategoryFactory(name="above"))
    for url in ("/tag/unused/", "/tag/unused/feed/", "/category/above/", "/category/below/", "/category/below/feed/"):
        assert client.get(url, follow=True).status_code == 200, url


@pytest.mark.parametrize("surface", SURFACES)
def test_no_surface_shows_an_email_address(client: Client, writer: User, surface: str) -> None:
    CommentFactory(entry=Post.objects.get(), email="reader@example.org", text="Hello")
    assert "@example.org" not in client.get(surface).content.decode()


class TestPasswords:
    """Readers see that an entry with a password exists, and nothing else of it."""

    @pytest.fixture(params=["post", "page"])
    def protected(self, request: pytest.FixtureRequest, writer: User) -> Entry:
        picture = Picture.objects.create(file=f"pictures/{SECRET}.png", title=SECRET, alt=SECRET, width=1, height=1)
        values = {
            "title": "Guarded",
            "slug": "guarded",
            "source": f"{SECRET}\n\n[{SECRET}](/media/documents/2020/01/{SECRET}.mp3)\n\n<!--more-->\n\n{SECRET}",
            "excerpt": f"{SECRET} excerpt",
            "password": f"{SECRET} password",
            "featured_picture": picture,
            "author": writer,
            "published_at": NOON + dt.timedelta(hours=1),
        }
        entry: Entry
        if request.param == "page":
            entry = PageFactory(**values)
        else:
            entry = PostFactory(
                **values, tags=["shared", "other"], categories=list(Category.objects.all()), sticky=True
            )
            Enclosure.objects.create(post=entry, url=f"https://x.example/{SECRET}.mp3", media_type="audio/mpeg")
        CommentFactory(entry=entry, name=SECRET, website=f"https://{SECRET}.example", text=f"{SECRET} comment")
        return entry

    def test_no_surface_shows_anything_of_the_content(self, client: Client, protected: Entry) -> None:
        comment = protected.comments.get()
        url = protected.get_absolute_url()
        own = [
            "",
            "feed/",
            "feed/atom/",
            "feed/json/",
            f"?replytocom={comment.pk}",
            f"?unapproved={comment.pk}&moderation-hash=x",
        ]
        for path in [*SURFACES, *(f"{url}{ending}" for ending in own)]:
            response = client.get(path)
            assert response.status_code in {200, 404}, path
            assert SECRET.lower() not in f"{response.headers} {response.content.decode()}".lower(), path

    def test_nothing_reveals_how_long_the_content_is(self, client: Client, protected: Entry) -> None:
        Entry.objects.filter(pk=protected.pk).update(body_html=f"One{PAGE_BREAK}two", comment_count=100)
        for ending in ("2/", "3/", "comment-page-2/", "comment-page-3/"):
            response = client.get(f"{protected.get_absolute_url()}{ending}")
            # The redirect is temporary, because the password may be removed.
            assert (response.status_code, response.headers["Location"]) == (302, protected.get_absolute_url()), ending
        assert client.get(f"/comments/{protected.comments.get().pk}/").status_code == 404

    def test_it_is_listed_like_any_other(self, client: Client, protected: Entry) -> None:
        if isinstance(protected, Page):
            paths = [protected.get_absolute_url(), "/sitemap-pages.xml"]
        else:
            paths = [
                surface
                for surface in SURFACES
                if surface.startswith(("/20", "/tag/", "/cat", "/author/", "/arch", "/feed"))
            ]
            paths += ["/", protected.get_absolute_url(), "/sitemap-posts.xml"]
        for path in paths:
            content = client.get(path).content.decode()
            if "public/feed" not in path:
                assert ("Protected: Guarded" in content) or ("sitemap" in path and "guarded" in content), path

    def test_the_form_is_in_place_of_the_content(self, client: Client, protected: Entry) -> None:
        paths = [protected.get_absolute_url(), *(["/"] if isinstance(protected, Post) else [])]
        for path in paths:
            content = client.get(path).content.decode()
            assert "This content is password-protected. To view it, please enter the password below." in content, path
            assert content.count("post_password") == 1, path
