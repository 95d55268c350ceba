"""How many queries each kind of public page takes when it is not in the page cache."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from blog.listings import listed_posts
from blog.models import Post, Redirect
from comments.moderation.counting import recount_all
from core.models import SiteSettings
from media.models import Picture
from tags.models import Tag, TagAlias
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def _site() -> None:
    author = UserFactory(username="writer")
    post = PostFactory(
        slug="a-post",
        author=author,
        published_at=at(2020, 1, 2),
        tags=["a", "b"],
        categories=[CategoryFactory(name="below", parent=CategoryFactory(name="top"))],
    )
    PostFactory(author=author, published_at=at(2020, 1, 1), tags=["a"])
    CommentFactory.create_batch(3, entry=post)
    PageFactory(slug="about", title="About")
    Redirect.objects.create(path="/2010/01/01/moved/", entry=post)
    PostFactory(published_at=at(2019, 1, 1))


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize(
    ("path", "status", "count"),
    [
        # Each takes one query for the content version.
        # The posts, their categories and their tags.
        ("/", 200, 4),
        # And the tag, the category or the author.
        ("/tag/a/", 200, 5),
        ("/tag/a+b/", 200, 5),
        # Only the settings, and the tags.
        ("/tags/", 200, 2),
        ("/tags/a/", 200, 3),
        ("/category/top/", 200, 5),
        # And what it is below.
        ("/category/top/below/", 200, 6),
        ("/author/writer/", 200, 5),
        ("/2020/01/02/", 200, 4),
        # The titles and their categories, and of a month also their tags.
        ("/2020/", 200, 3),
        ("/2020/01/", 200, 4),
        # And whether a page of the site has this path.
        ("/archive/", 200, 4),
        # The post, its categories and tags, both neighbours and the comments.
        ("/2020/01/02/a-post/", 200, 6),
        # The newest posts, and the pages of two of them.
        ("/dictionary.txt", 200, 10),
        # The page, its children and the comments.
        ("/about/", 200, 4),
        # The posts, their categories and tags, and their enclosures.
        ("/feed/", 200, 5),
        ("/tag/a/feed/", 200, 6),
        ("/feed/json/", 200, 5),
    ],
)
def test_a_page_takes_this_many_queries(
    client: Client,
    path: str,
    status: int,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No post of a listing was listed before.
    monkeypatch.setattr(listed_posts, "_MAX_BYTES", 0)
    # The first request after a change also reads the settings, the sidebar and the number of posts.
    client.get(path, headers={"cache-control": "no-store"})
    with django_assert_num_queries(count):
        assert client.get(path, headers={"cache-control": "no-store"}).status_code == status


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize(("path", "count"), [("/", 2), ("/tag/a/", 3), ("/category/top/", 3), ("/author/writer/", 3)])
def test_categories_and_tags_of_listed_posts_are_read_once(
    client: Client, path: str, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.get(path, headers={"cache-control": "no-store"})
    with django_assert_num_queries(count):
        client.get(path, headers={"cache-control": "no-store"})
    # A comment changes nothing about that.
    post = Post.objects.get(slug="a-post")
    CommentFactory(entry=post)
    recount_all([post.pk])
    with django_assert_num_queries(count):
        assert "4 Comments" in client.get(path, headers={"cache-control": "no-store"}).content.decode()


@pytest.mark.usefixtures("_site")
def test_what_the_page_of_authors_shows_is_remembered(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    SiteSettings.objects.update(show_author=True)
    test_a_page_takes_this_many_queries(client, "/authors/", 200, 2, django_assert_num_queries, monkeypatch)


# The number of queries, besides those for the content version, with which each old or almost right URL is answered.
_REDIRECTS = {
    # One finds what should be there, redirects, and entries with a similar slug.
    1: [
        ("/2010/01/01/moved/", "/2020/01/02/a-post/"),
        ("/2010/01/01/moved", "/2020/01/02/a-post/"),
        ("/2020/01/02/a-post", "/2020/01/02/a-post/"),
        ("/2020/01/02/A-post/", "/2020/01/02/a-post/"),
        ("/2020/01/02/a-post/1/", "/2020/01/02/a-post/"),
        ("/2020/01/02/a-post/9/", "/2020/01/02/a-post/"),
        ("/2019/01/02/a-post/", "/2020/01/02/a-post/"),
        ("/a-post/", "/2020/01/02/a-post/"),
        ("/About/", "/about/"),
        ("/about", "/about/"),
        ("/about/1/", "/about/"),
        ("/team/", "/about/team/"),
        ("/?p=55", "/2020/01/02/a-post/"),
        ("/?attachment_id=77", "/2020/01/02/a-post/"),
        ("/?page_id=66", "/about/"),
        ("/?cat=77", "/category/top/"),
        ("/?category_name=top", "/category/top/"),
        ("/?tag=a", "/tag/a/"),
        ("/?tag=old", "/tag/a/"),
        ("/?author_name=writer", "/author/writer/"),
        ("/?name=a-post", "/2020/01/02/a-post/"),
        ("/?pagename=about", "/about/"),
        ("/index.php?p=55", "/2020/01/02/a-post/"),
        ("/tag/old/", "/tag/a/"),
        ("/tag/A/", "/tag/a/"),
        ("/tag/a", "/tag/a/"),
        ("/category/old/", "/category/top/"),
        ("/category/elsewhere/top/", "/category/top/"),
        ("/wp-content/uploads/2014/02/x-300x200.jpg", "/media/pictures/x.jpg"),
        ("/files/2014/02/x.jpg", "/media/pictures/x.jpg"),
    ],
    # Another one finds out whether there is what it leads to.
    2: [
        ("/2010/01/01/moved/2/", "/2020/01/02/a-post/"),
        ("/2010/01/01/moved/feed/", "/2020/01/02/a-post/feed/"),
        ("/?p=55&feed=rss2", "/2020/01/02/a-post/feed/"),
        ("/2020/01/02/a-post/amp/", "/2020/01/02/a-post/"),
        ("/author/WRITER/", "/author/writer/"),
        ("/?author=88", "/author/writer/"),
    ],
}
_MISSING = [
    "/2010/01/01/nothing/",
    "/2010/01/01/nothing/2/",
    "/2010/01/01/nothing/feed/",
    "/2010/01/nothing/",
    "/2010/13/",
    "/2031/",
    "/nothing/",
    "/nothing",
    "/nothing/feed/",
    "/a/b/c/d/",
    "/page/99/",
    "/tag/nothing/",
    "/tag/nothing/feed/",
    "/tag/a+nothing/",
    "/tags/x/",
    "/tag/a/page/9/",
    "/category/nothing/",
    "/category/nothing/feed/",
    "/author/nothing/",
    "/author/nothing/feed/",
    "/?p=999",
    "/?cat=999",
    "/wp-content/uploads/2014/02/nothing.jpg",
    "/blog/wp-content/uploads/2014/02/nothing.jpg",
    "/2014/02/nothing.jpg",
    "/nothing.php",
]


@pytest.fixture(scope="class")
def _old_urls(class_db: None) -> None:
    author, category = UserFactory(pk=88, username="writer"), CategoryFactory(name="top")
    post = PostFactory(
        pk=55, slug="a-post", author=author, published_at=at(2020, 1, 2), tags=["a"], categories=[category]
    )
    TagAlias.objects.create(slug="old", tag=Tag.objects.get())
    PageFactory(slug="team", title="Team", parent=PageFactory(pk=66, slug="about", title="About"))
    Picture.objects.bulk_create([Picture(title="x", width=1, height=1, file="pictures/x.jpg")])
    for path, target in {
        "/2010/01/01/moved/": {"entry": post},
        "/?p=77": {"entry": post},
        "/?cat=77": {"category": category},
        "/category/old/": {"category": category},
        "/wp-content/uploads/2014/02/x.jpg": {"picture": Picture.objects.get()},
    }.items():
        Redirect.objects.create(path=path, **target)


@pytest.mark.usefixtures("_old_urls")
class TestOldURLs:
    def count_queries(self, client: Client, path: str) -> tuple[int, Any]:
        """Return how many queries a request takes, besides those for the content version, and the response."""
        # The first request after a change reads what is remembered.
        client.get(path, headers={"cache-control": "no-store"})
        with CaptureQueriesContext(connection) as queries:
            response = client.get(path, headers={"cache-control": "no-store"})
        return sum("FROM core_contentversion" not in query["sql"] for query in queries), response

    @pytest.mark.parametrize(
        ("old", "new", "limit"), [(old, new, count) for count, pairs in _REDIRECTS.items() for old, new in pairs]
    )
    def test_redirect_with_one_query_for_each_url_in_the_chain(
        self, client: Client, old: str, new: str, limit: int
    ) -> None:
        count, response = self.count_queries(client, old)
        assert (response.status_code, response.headers["Location"], count) == (301, new, limit)

    @pytest.mark.parametrize("path", _MISSING)
    def test_that_lead_nowhere_take_at_most_one_query(self, client: Client, path: str) -> None:
        count, response = self.count_queries(client, path)
        assert response.status_code == 404
        assert count <= 1
