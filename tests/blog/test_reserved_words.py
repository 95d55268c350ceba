"""Tags, categories and authors whose slugs are words that the site uses in its own URLs."""

from collections.abc import Callable

import pytest
from django.test import Client

from core.models import SiteSettings
from tests.factories import CategoryFactory, PostFactory, TagFactory, UserFactory

pytestmark = pytest.mark.django_db

WORDS = (
    *("feed", "page", "amp", "embed", "author", "category", "tag", "comments", "admin", "search", "trackback"),
    *("rss", "rss2", "rdf", "atom", "2020", "2", "comment-page-2", "wp-json", "index.php", "sitemap.xml"),
)


def file_under_tag(slug: str) -> str:
    tag = TagFactory(name="Subject", slug=slug)
    PostFactory.create_batch(3, tags=[tag])
    return f"/tag/{slug}/"


def file_under_category(slug: str) -> str:
    PostFactory.create_batch(3, categories=[CategoryFactory(name="Subject", slug=slug)])
    return f"/category/{slug}/"


def file_under_subcategory(slug: str) -> str:
    parent = CategoryFactory(name="Top", slug="top")
    PostFactory.create_batch(3, categories=[CategoryFactory(name="Subject", slug=slug, parent=parent)])
    return f"/category/top/{slug}/"


def write_as_author(slug: str) -> str:
    PostFactory.create_batch(3, author=UserFactory(slug=slug, display_name="Subject"))
    return f"/author/{slug}/"


@pytest.mark.parametrize("slug", WORDS)
@pytest.mark.parametrize("make", [file_under_tag, file_under_category, file_under_subcategory, write_as_author])
def test_a_listing_with_such_a_slug_has_all_its_pages_and_feeds(
    make: Callable[[str], str], slug: str, client: Client
) -> None:
    SiteSettings.objects.update(entries_per_page=2)
    url = make(slug)
    expected = {
        "": ("html", True),
        "page/2/": ("html", True),
        "feed/": ("rss+xml", True),
        "feed/rss2/": ("rss+xml", True),
        "feed/atom/": ("atom+xml", True),
    }
    if url == "/category/top/feed/":
        # As in WordPress, this is the feed of the category above it.
        expected[""] = ("rss+xml", True)
    assert {path: visit(client, f"{url}{path}") for path in expected} == expected


def visit(client: Client, path: str) -> tuple[str, bool]:
    """Return the type of the document at `path`, and whether it is about the subject of the test."""
    response = client.get(path)
    assert response.status_code == 200, path
    return response.headers["Content-Type"].partition(";")[0].rpartition("/")[2], b"Subject" in response.content
