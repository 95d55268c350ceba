"""Two or three tags together, at `/tag/a+b/`."""

import datetime as dt
import re
from itertools import permutations
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from blog.models import Post, Status
from core.models import SiteSettings
from tags.models import Tag, TagAlias, TaggedPost
from tags.views import post_ids
from tests.factories import PostFactory, TagFactory, UserFactory
from tests.factories.copies import insert_copies
from tests.factories.plans import plan_of
from tests.factories.rollback import rolled_back

pytestmark = pytest.mark.django_db


@pytest.fixture
def post() -> Post:
    """A post with the tags a, b and c, among posts with one of them."""
    for name in "abc":
        PostFactory(title=f"Only {name}", tags=[name])
    found: Post = PostFactory(title="All of them", tags=["a", "b", "c"])
    return found


def location(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 301, (path, response.status_code)
    url: str = response.headers["Location"]
    return url


class TestPage:
    @pytest.mark.parametrize("path", ["/tag/a+b/", "/tag/a+b+c/", "/tag/b+c/", "/tag/a%2Bb/"])
    def test_lists_the_posts_that_have_all_of_them(self, client: Client, post: Post, path: str) -> None:
        assert client.get(path).context["posts"] == [post]

    def test_has_a_heading_like_that_of_a_tag(self, client: Client, post: Post) -> None:
        response = client.get("/tag/a+b/")
        assert response.context["heading"] == "Posts Tagged ‘a + b’"
        assert "<title>Posts tagged “a + b” – " in response.content.decode()

    def test_is_not_for_search_engines(self, client: Client, post: Post) -> None:
        assert client.get("/tag/a+b/").headers["X-Robots-Tag"] == "noindex"
        assert "X-Robots-Tag" not in client.get("/tag/a/").headers

    def test_has_further_pages(self, client: Client, post: Post) -> None:
        SiteSettings.objects.update(entries_per_page=1)
        newer = PostFactory(tags=["a", "b"])
        assert [client.get(f"/tag/a+b/{page}").context["posts"] for page in ("", "page/2/")] == [[newer], [post]]
        assert location(client, "/tag/a+b/page/1/") == "/tag/a+b/"
        assert client.get("/tag/a+b/page/3/").status_code == 404
        assert "/tag/a+b/page/2/" in client.get("/tag/a+b/").content.decode()

    def test_has_a_feed(self, client: Client, post: Post) -> None:
        assert '/tag/a+b/feed/"' in client.get("/tag/a+b/").content.decode()
        feed = client.get("/tag/a+b/feed/").content.decode()
        assert "All of them" in feed
        assert "Only a" not in feed
        assert location(client, "/tag/b+a/feed/atom/") == "/tag/a+b/feed/atom/"

    def test_shows_public_posts_only(self, client: Client) -> None:
        PostFactory(tags=["a", "b"], status=Status.DRAFT)
        PostFactory(tags=["a", "b"], published_at=timezone.now() + dt.timedelta(hours=1))
        assert client.get("/tag/a+b/").status_code == 404

    @pytest.mark.parametrize("path", ["/tag/a+x/", "/tag/x+y/", "/tag/a+b+c+d/", "/tag/+/", "/tag/c+d/"])
    def test_does_not_exist_for_unknown_or_too_many_tags_or_without_posts(
        self, client: Client, post: Post, path: str
    ) -> None:
        TagFactory(name="d")
        assert client.get(path).status_code == 404


class TestURL:
    @pytest.mark.parametrize(
        ("path", "url"),
        [
            ("/tag/b+a/", "/tag/a+b/"),
            ("/tag/c+b+a/", "/tag/a+b+c/"),
            ("/tag/a+a/", "/tag/a/"),
            ("/tag/a+/", "/tag/a/"),
            ("/tag/a+b+a/", "/tag/a+b/"),
            ("/tag/A+B/", "/tag/a+b/"),
            ("/tag/a+old/", "/tag/a+b/"),
            ("/tag/b+old/", "/tag/b/"),
            ("/tag/a++b/", "/tag/a+b/"),
            ("/tag/b+a", "/tag/a+b/"),
        ],
    )
    def test_has_each_tag_once_in_alphabetical_order(self, client: Client, post: Post, path: str, url: str) -> None:
        TagAlias.objects.create(slug="old", tag=Tag.objects.get(slug="b"))
        assert location(client, path) == url

    def test_is_kept_on_further_pages(self, client: Client, post: Post) -> None:
        SiteSettings.objects.update(entries_per_page=1)
        PostFactory(tags=["a", "b"])
        assert location(client, "/tag/b+a/page/2/") == "/tag/a+b/page/2/"

    def test_of_a_tag_whose_slug_contains_a_plus_still_leads_to_it(self, client: Client, post: Post) -> None:
        own = PostFactory(tags=[TagFactory(name="A and B", slug="a+b")])
        assert client.get("/tag/a+b/").context["posts"] == [own]
        Tag.objects.filter(slug="a+b").update(slug="both")
        TagAlias.objects.create(slug="a+b", tag=Tag.objects.get(slug="both"))
        assert location(client, "/tag/a+b/") == "/tag/both/"

    def test_that_wordpress_would_simplify_still_leads_to_a_tag(self, client: Client) -> None:
        PostFactory(tags=["c", "ab"])
        assert location(client, "/tag/c++/") == "/tag/c/"
        assert location(client, "/tag/a+b/") == "/tag/ab/"

    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(st.sets(st.sampled_from("abcd")), max_size=8),
        st.lists(st.sampled_from("abcd"), min_size=1, max_size=3),
    )
    def test_lists_the_same_posts_in_any_order(self, tagged: list[set[str]], asked: list[str]) -> None:
        client = Client()
        with rolled_back():
            for name in "abcd":
                TagFactory(name=name)
            posts = [PostFactory(tags=sorted(names)) for names in tagged]
            expected = [post.pk for post, names in zip(posts, tagged, strict=True) if names.issuperset(asked)]
            for order in permutations(asked):
                response = client.get(f"/tag/{'+'.join(order)}/", follow=True)
                if expected or len(set(asked)) == 1:
                    assert sorted(each.pk for each in response.context["posts"]) == sorted(expected)
                else:
                    assert response.status_code == 404


class TestCost:
    def test_a_page_takes_as_many_queries_as_that_of_a_tag(
        self, client: Client, post: Post, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        client.get("/tag/a+b/")
        # The content version, the tags and the posts, which were listed before.
        with django_assert_num_queries(3):
            assert client.get("/tag/a+b/", headers={"cache-control": "no-store"}).status_code == 200

    @pytest.fixture
    def big_tags(self) -> list[Tag]:
        """Two tags with 2,000 posts each, of which 20 have both."""
        tags, author = [TagFactory(name="a"), TagFactory(name="b")], UserFactory()
        start = timezone.make_aware(dt.datetime(2010, 1, 1))
        times = [start + dt.timedelta(hours=n) for n in range(4_000)]
        posts = insert_copies(
            Post(title="x", author=author, status="published"),
            ({"slug": f"p{n}", "published_at": t, "published_on": t.date()} for n, t in enumerate(times)),
        )
        for number, tag in enumerate(tags):
            rows = (
                {"content_object": pk, "published_at": time}
                for n, (pk, time) in enumerate(zip(posts, times, strict=True))
                if n % 200 == 0 or n % 2 == number
            )
            insert_copies(TaggedPost(tag=tag), rows)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        return tags

    def test_everything_is_read_from_two_indexes(self, big_tags: list[Tag]) -> None:
        ids: Any = post_ids(None, *[tag.pk for tag in big_tags])
        assert ids.count() == 20
        for page in (ids[:10], ids.reverse()[:10]):
            plan = plan_of(page)
            assert "tag_newest_first" in plan, plan
            # The other tag is looked up among those of each post.
            found_by = r"\(content_object_id=\? AND tag_id=\?\)|Index Cond: \(+content_object_id = "
            assert re.search(found_by, plan), plan
            assert "TEMP B-TREE" not in plan, plan
            assert "Sort" not in plan, plan
            assert "Seq Scan" not in plan, plan
