"""How many queries each kind of public page takes when the page cache does not answer."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from blog.models import Redirect
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
        categories=[CategoryFactory(name="top")],
    )
    PostFactory(author=author, published_at=at(2020, 1, 1), tags=["a"])
    CommentFactory.create_batch(3, entry=post)
    PageFactory(slug="about", title="About")
    Redirect.objects.create(path="/2010/01/01/moved/", entry=post)


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize(
    ("path", "status", "count"),
    [
        # Each takes one query for the content version.
        # The posts, their categories and their tags.
        ("/", 200, 4),
        # And the tag, the category or the author.
        ("/tag/a/", 200, 5),
        ("/category/top/", 200, 5),
        ("/author/writer/", 200, 5),
        ("/2020/", 200, 4),
        # The post, its categories and tags, both neighbours and the comments.
        ("/2020/01/02/a-post/", 200, 7),
        # The newest posts, and the pages of two of them.
        ("/dictionary.txt", 200, 12),
        # The page, its children and the comments.
        ("/about/", 200, 4),
        # The posts, their categories and tags, and their enclosures.
        ("/feed/", 200, 5),
        ("/tag/a/feed/", 200, 6),
        # The post that is not there, and the redirect.
        ("/2010/01/01/moved/", 301, 3),
        # The post or page that is not there, redirects, and a guess.
        ("/2010/01/01/nothing/", 404, 4),
        ("/nothing/", 404, 4),
    ],
)
def test_a_page_takes_as_many_queries(
    client: Client, path: str, status: int, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # The first request after a change reads the settings, the sidebar and how many posts there are.
    client.get(path, headers={"cache-control": "no-store"})
    with django_assert_num_queries(count):
        assert client.get(path, headers={"cache-control": "no-store"}).status_code == status
