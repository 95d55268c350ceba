"""The indexes that the queries of public pages use, however many posts there are."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from blog.models import Category, Page, Post, PostInCategory
from tests.factories import CategoryFactory, PageFactory, PostFactory, at
from tests.factories.copies import insert_copies
from tests.factories.plans import plan_of, read_as_if_large

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="class")
def _site(class_db: None) -> None:
    posts = PostFactory.create_batch(20, categories=[CategoryFactory(name="top")], published_at=at(2020, 1, 1))
    posts[0].sticky = True
    posts[0].save()
    # With only a few posts, PostgreSQL chooses any index, and sorts.
    times = [at(2010, 1, 1) + dt.timedelta(hours=number) for number in range(2_000)]
    insert_copies(
        Post(title="Old", author=posts[0].author, status="published"),
        ({"slug": f"old-{n}", "published_at": t, "published_on": t.date()} for n, t in enumerate(times)),
    )
    PageFactory(title="Child", parent=PageFactory(title="About"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@pytest.mark.usefixtures("_site")
class TestListing:
    def test_the_newest_posts_are_read_in_the_order_of_an_index(self) -> None:
        ids = Post.objects.published().newest_first().values("pk")
        for page in (ids[:10], ids[10:20], ids.reverse()[:10]):
            plan = plan_of(page)
            assert "entry_newest_first" in plan
            assert "TEMP B-TREE" not in plan
            assert "Sort" not in plan

    def test_the_newest_posts_in_a_language_as_well(self) -> None:
        # Only a few of them: if nearly all were, PostgreSQL would rightly read the index of all posts.
        Post.objects.filter(slug__endswith="00").update(language="fr")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        for language in ("fr", "ar"):
            plan = plan_of(Post.objects.published().filter(language=language).newest_first().values("pk")[:10])
            assert "entry_in_language" in plan
            assert "TEMP B-TREE" not in plan
            assert "Sort" not in plan

    def test_sticky_posts_have_their_own_index(self) -> None:
        assert "entry_sticky" in plan_of(Post.objects.published().filter(sticky=True).for_listing())

    def test_a_post_is_found_by_its_day_and_slug(self) -> None:
        plan = plan_of(Post.objects.published().filter(published_on=at(2020, 1, 1), slug__in={"a", "b"}))
        assert "SCAN" not in plan
        assert "Seq Scan" not in plan


class Steps:
    """Counts the steps of SQLite's virtual machine. Each row that is read takes several. See `steps`."""

    count = 0

    def add(self) -> None:
        self.count += 100


@contextmanager
def steps() -> Iterator[Steps]:
    """Count the steps within the block, in hundreds."""
    counted = Steps()
    connection.connection.set_progress_handler(counted.add, 100)
    try:
        yield counted
    finally:
        connection.connection.set_progress_handler(None, 0)


@pytest.mark.usefixtures("_site")
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL finds the place in an index by all conditions.")
def test_the_neighbours_of_an_old_post_are_found_without_reading_all_newer_ones() -> None:
    oldest = Post.objects.get(slug="old-1")
    with steps() as counted:
        assert [post and post.slug for post in oldest.neighbours()] == ["old-0", "old-2"]
    assert counted.count < 1_000


@pytest.fixture(scope="class")
def _categories(_site: None) -> None:
    """A category with the 2,000 old posts, below another one, and neither has any of the newer posts."""
    below = CategoryFactory(name="below", parent=CategoryFactory(name="above"))
    below.posts.add(*Post.objects.filter(slug__startswith="old-"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


class TestCategories:
    @pytest.fixture(params=["above", "below"])
    def category(self, request: pytest.FixtureRequest, _categories: None) -> Category:
        return Category.objects.get(name=request.param)

    def test_posts_are_read_in_the_order_of_an_index(self, category: Category) -> None:
        ids = PostInCategory.objects.public().filter(category=category).newest_first().values("post")
        assert ids.count() == 2_000
        for page in (ids[:10], ids.reverse()[:10]):
            plan = plan_of(page)
            assert "category_newest_first" in plan
            assert "TEMP B-TREE" not in plan
            assert "Sort" not in plan

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL does not count its steps.")
    @pytest.mark.parametrize("page", ["", "page/200/", "feed/"])
    def test_a_page_reads_no_more_than_its_own_posts(self, category: Category, page: str, client: Client) -> None:
        path = category.get_absolute_url() + page
        # The counts that are read once for each content version.
        assert client.get(path).status_code == 200
        with steps() as counted:
            assert client.get(path, headers={"Cache-Control": "no-store"}).status_code == 200
        # Reading each of the posts would take several steps.
        assert 0 < counted.count < 4_000


@pytest.mark.usefixtures("_site")
def test_child_pages_have_their_own_index() -> None:
    children = Page.objects.get(title="About").children.published()
    assert "entry_with_parent" in plan_of(children.order_by("menu_order", "title", "pk"))


def plan_of_one(client: Client, path: str, mark: str) -> str:
    """Return how the database runs the one query for several things, among them this one, that the page takes."""
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    (sql,) = [query["sql"] for query in queries if " AS part" in query["sql"] and mark in query["sql"]]
    read_as_if_large()
    with connection.cursor() as cursor:
        cursor.execute(f"{'EXPLAIN' if connection.vendor == 'postgresql' else 'EXPLAIN QUERY PLAN'} {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


class TestSidebar:
    @pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads all of a small table.")
    def test_looks_up_the_hidden_posts_that_it_subtracts(self, client: Client) -> None:
        """Otherwise, it would read all posts to find them, on PostgreSQL even for each category."""
        plan = plan_of_one(client, "/", '"blog_category"')
        assert "SEARCH U0 USING COVERING INDEX entry_by_day (kind=? AND status=? AND published_at>?)" in plan
        assert "SCAN U0 USING COVERING INDEX entry" not in plan

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has the IDs of the rows in each index.")
    @pytest.mark.usefixtures("_site")
    def test_counts_in_indexes_alone(self, client: Client) -> None:
        with connection.cursor() as cursor:
            # As after VACUUM, which can't run here. Otherwise PostgreSQL expects to read the rows too. Whether it then
            # prefers another index depends on what earlier tests have left on the disk.
            cursor.execute("UPDATE pg_class SET relallvisible = relpages WHERE relname LIKE 'blog_entry%'")
        plan = plan_of_one(client, "/", '"blog_category"')
        assert "Index Only Scan using entry_by_day" in plan, plan
        assert "Index Only Scan using blog_entry_categories_" in plan, plan


class TestURLThatDoesNotExist:
    PATH = "/2010/01/01/nothing/"

    def plan(self, client: Client) -> str:
        return plan_of_one(client, self.PATH, "nothing")

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL looks up prefixes with its own operators.")
    def test_is_looked_up_in_indexes_of_sqlite_that_was_never_analysed(self, client: Client) -> None:
        plan = self.plan(client)
        assert "entry_slug (slug>? AND slug<?)" in plan
        # The post, redirects and categories, by indexed columns.
        assert "published_on=? AND slug=?" in plan
        assert "blog_redirect USING INDEX" in plan
        assert "blog_category USING INDEX" in plan
        assert "SCAN blog_" not in plan

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's plan is asserted above.")
    @pytest.mark.usefixtures("_site")
    def test_is_looked_up_in_indexes_of_postgresql(self, client: Client) -> None:
        plan = self.plan(client)
        assert "Seq Scan on blog_entry" not in plan
        assert "Seq Scan on blog_redirect" not in plan
        assert "Seq Scan on blog_category" not in plan
        # On the prefix, and not only for the order.
        assert "~>=~ 'nothing'" in plan
