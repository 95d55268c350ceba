"""Related posts: which ones are shown after a post, and what finding them costs."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from lxml import html
from pytest_django import DjangoAssertNumQueries

from blog.models import Post, Status
from blog.related import MAX_SHOWN
from tags.models import Tag, TaggedPost
from tags.names import keys_of
from tags.related import NEARBY, find_related, posts_between, tags_with_limits
from tests.factories import PostFactory, TagFactory, UserFactory, at
from tests.factories.copies import insert_copies
from tests.factories.plans import plan_of

pytestmark = pytest.mark.django_db


def related(client: Client, post: Post) -> list[str]:
    """Return the titles of the posts that are shown as related."""
    page: Any = html.fromstring(client.get(post.get_absolute_url()).content)
    return [" ".join(link.text_content().split()) for link in page.xpath('//*[@class="related"]//a')]


class TestSelection:
    def test_posts_with_a_rarer_tag_come_first(self, client: Client) -> None:
        post = PostFactory(tags=["rare", "common"])
        PostFactory.create_batch(3, title="Common", tags=["common"])
        PostFactory(title="Rare", tags=["rare"])
        PostFactory(title="Both", tags=["rare", "common"])
        assert related(client, post) == ["Both", "Rare", "Common", "Common"]

    def test_posts_from_about_the_same_time_come_first_among_equals(self, client: Client) -> None:
        post = PostFactory(tags=["t"], published_at=at(2020, 5, 5))
        for day in (1, 20, 6, 3):
            PostFactory(title=str(day), tags=["t"], published_at=at(2020, 5, day))
        assert related(client, post) == ["6", "3", "1", "20"]

    def test_posts_in_the_same_language_come_first(self, client: Client) -> None:
        post = PostFactory(tags=["t", "rare"], language="ar")
        PostFactory(title="English", tags=["t", "rare"], language="en")
        PostFactory(title="عربي", tags=["t"], language="ar")
        assert related(client, post) == ["عربي", "English"]

    def test_at_most_four_posts_are_shown(self, client: Client) -> None:
        posts = PostFactory.create_batch(MAX_SHOWN + 2, tags=["t"])
        assert len(related(client, posts[0])) == MAX_SHOWN

    @pytest.mark.parametrize(
        "values",
        [
            {"status": Status.DRAFT},
            {"status": Status.TRASH},
            {"status": Status.PRIVATE},
            {"published_at": timezone.now() + dt.timedelta(days=9)},
            {"password": "secret"},
        ],
    )
    def test_posts_that_are_hidden_or_have_a_password_are_not_shown(
        self, client: Client, values: dict[str, Any]
    ) -> None:
        post = PostFactory(tags=["t"])
        PostFactory(title="Hidden", tags=["t"], **values)
        assert related(client, post) == []

    def test_without_related_posts_there_is_no_heading(self, client: Client) -> None:
        for post in (PostFactory(tags=["alone"]), PostFactory()):
            assert "Related posts" not in client.get(post.get_absolute_url()).content.decode()

    def test_every_change_takes_effect_immediately(self, client: Client) -> None:
        post, other = PostFactory(tags=["t"]), PostFactory(title="Before", tags=["t"])
        assert related(client, post) == ["Before"]
        other.title = "After"
        other.save()
        assert related(client, post) == ["After"]
        other.tags.set(["else"])
        assert related(client, post) == []

    def test_titles_are_escaped_and_in_their_own_direction(self, client: Client) -> None:
        post = PostFactory(tags=["t"])
        PostFactory(title="<b>سلام</b>", tags=["t"], language="ar")
        page = client.get(post.get_absolute_url()).content.decode()
        assert "&lt;b&gt;سلام&lt;/b&gt;" in page
        parsed: Any = html.fromstring(page)
        assert parsed.xpath('//*[@class="related"]//bdi[@lang="ar" and @dir="rtl"]')


class TestCost:
    def test_finding_them_takes_three_queries_once_after_each_change(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        first, second = PostFactory.create_batch(2, tags=["t"])
        client.get(first.get_absolute_url())
        with django_assert_num_queries(9):
            client.get(second.get_absolute_url(), headers={"cache-control": "no-store"})
        with django_assert_num_queries(6):
            client.get(second.get_absolute_url(), headers={"cache-control": "no-store"})


@pytest.fixture(scope="class")
def big_tag(class_db: None) -> Tag:
    """A tag with 5,000 posts."""
    tag, author = TagFactory(name="big"), UserFactory()
    insert_copies(Tag(), ({"name": f"t{n}", "slug": f"t{n}", **keys_of(f"t{n}")} for n in range(1_000)))
    start = timezone.make_aware(dt.datetime(2010, 1, 1))
    times = [start + dt.timedelta(hours=n) for n in range(5_000)]
    posts = insert_copies(
        Post(title="x", author=author, status="published"),
        ({"slug": f"p{n}", "published_at": t, "published_on": t.date()} for n, t in enumerate(times)),
    )
    rows = ({"content_object": pk, "published_at": time} for pk, time in zip(posts, times, strict=True))
    insert_copies(TaggedPost(tag=tag), rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return tag


class TestCostWithManyPosts:
    @pytest.mark.usefixtures("big_tag")
    def test_of_a_tag_with_many_posts_only_the_nearest_are_read(self) -> None:
        post = Post.objects.get(slug="p2500")
        ((tag, first, last),) = tags_with_limits(post.pk, post.published_at, timezone.now())
        pks = [pk for _tag, pk in posts_between(tag, first, last)]
        assert len(pks) == 2 * NEARBY
        assert {abs(pk - post.pk) for pk in pks} == set(range(NEARBY + 1))
        assert [closeness for _pk, closeness in find_related(post)] == [1 / (2 * NEARBY)] * 12

    @pytest.mark.usefixtures("big_tag")
    @pytest.mark.skipif(
        connection.vendor != "sqlite", reason="PostgreSQL finds the place in an index by all conditions."
    )
    @pytest.mark.parametrize("slug", ["p20", "p4980"])
    def test_neither_all_newer_nor_all_older_posts_are_read(self, slug: str) -> None:
        post, hundreds = Post.objects.get(slug=slug), []
        connection.connection.set_progress_handler(lambda: hundreds.append(1), 100)
        try:
            assert find_related(post)
        finally:
            connection.connection.set_progress_handler(None, 0)
        # Reading all of the posts would take several steps for each.
        assert len(hundreds) < 30

    def test_the_nearest_posts_are_looked_up_in_the_index(self, big_tag: Tag) -> None:
        post = Post.objects.get(slug="p2500")
        limits: Any = tags_with_limits._build(post.pk, post.published_at, timezone.now())
        between: Any = posts_between._build(*(big_tag.pk, post.published_at, post.published_at) * 2)
        for rows in (limits, between):
            plan = plan_of(rows)
            assert "tag_newest_first" in plan, plan
            assert "Seq Scan" not in plan, plan
            assert "SCAN " not in plan, plan
            assert "TEMP B-TREE" not in plan, plan
