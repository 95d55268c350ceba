"""No public page shows what is not published. Add every new kind of page to SURFACES."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from blog.models import Category, Post, Status
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory, at

pytestmark = pytest.mark.django_db

SECRET = "Zanzibar"
NOON = at(2020, 5, 17)

SURFACES = [
    "/",
    "/page/2/",
    "/tag/shared/",
    "/category/filed/",
    "/author/writer/",
    "/2020/",
    "/2020/05/",
    "/2020/05/17/",
    "/2020/05/17/public/",
    "/feed/",
    "/feed/atom/",
    "/tag/shared/feed/",
    "/category/filed/feed/",
    "/author/writer/feed/",
    "/comments/feed/",
    "/2020/05/17/public/feed/",
    "/sitemap.xml",
    "/sitemap-posts.xml",
    "/sitemap-pages.xml",
    "/sitemap-tags.xml",
    "/sitemap-categories.xml",
    "/robots.txt",
    "/about/",
    "/no-such-page/",
]
LATER = timezone.now() + dt.timedelta(days=30)
HIDDEN = {
    "draft": {"status": Status.DRAFT},
    "pending": {"status": Status.PENDING},
    "private": {"status": Status.PRIVATE},
    "trash": {"status": Status.TRASH},
    "scheduled": {"published_at": LATER},
}


@pytest.fixture
def writer() -> User:
    writer = UserFactory(username="writer", email="writer@example.org", display_name="The Writer")
    PostFactory(
        title="Public", author=writer, published_at=NOON, tags=["shared"], categories=[CategoryFactory(name="filed")]
    )
    PageFactory(title="About", author=writer)
    return writer


@pytest.fixture(params=list(HIDDEN.values()), ids=list(HIDDEN))
def hidden(request: pytest.FixtureRequest, writer: User) -> Post:
    state = {"published_at": NOON + dt.timedelta(hours=1)} | request.param
    post = PostFactory(
        title=f"{SECRET} title",
        slug=f"{SECRET.lower()}-post",
        source=f"{SECRET} text",
        author=writer,
        tags=["shared", f"{SECRET} tag"],
        categories=list(Category.objects.all()),
        sticky=True,
        **state,
    )
    PageFactory(title=f"{SECRET} page", slug=f"{SECRET.lower()}-page", source=SECRET, **state)
    PageFactory(title=f"{SECRET} child", parent=PageFactory._meta.model.objects.get(slug="about"), **state)
    CommentFactory(entry=post, text=f"{SECRET} comment")
    return post


@pytest.mark.parametrize("surface", SURFACES)
def test_a_hidden_entry_is_on_no_surface(client: Client, hidden: Post, surface: str) -> None:
    response = client.get(surface)
    assert response.status_code in {200, 404}
    assert SECRET.lower() not in response.content.decode().lower()


def test_the_surfaces_show_what_is_public(client: Client, writer: User) -> None:
    """Otherwise, the test above could not fail."""
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


def test_the_page_of_a_tag_with_only_hidden_posts_is_empty(client: Client, hidden: Post) -> None:
    response = client.get(f"/tag/{SECRET.lower()}-tag/")
    assert response.context["posts"] == []


@pytest.mark.parametrize("surface", SURFACES)
def test_no_surface_shows_an_email_address(client: Client, writer: User, surface: str) -> None:
    CommentFactory(entry=Post.objects.get(), email="reader@example.org", text="Hello")
    assert "@example.org" not in client.get(surface).content.decode()
