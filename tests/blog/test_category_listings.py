"""The rows from which category pages are read: the posts that each category lists, whatever has changed."""

import datetime as dt
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from blog import curation, publishing
from blog.editing import bulk_editing
from blog.models import Category, Post, PostInCategory, Status
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import client_of
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db


def listed() -> set[tuple[str, str]]:
    """Return the slug of each category with the title of each post in its listing. Each has the time of its post."""
    rows = list(
        PostInCategory.objects.values_list("category__slug", "post__title", "published_at", "post__published_at")
    )
    assert all(time == published_at for _category, _post, time, published_at in rows)
    return {(category, title) for category, title, *_times in rows}


def expected() -> set[tuple[str, str]]:
    """Return what `listed` should return, found independently by the paths of categories."""
    posts = Post.objects.filter(status=Status.PUBLISHED).prefetch_related("categories")
    return {
        (slug, post.title) for post in posts for category in post.categories.all() for slug in category.path.split("/")
    }


class Blog:
    """The categories `a`, `a/b`, `a/b/c` and `d`, with published posts in one or more, a draft and a scheduled post."""

    def __init__(self) -> None:
        self.editor: User = UserFactory(role="Editor")
        self.a = CategoryFactory(name="a")
        self.b = CategoryFactory(name="b", parent=self.a)
        self.c = CategoryFactory(name="c", parent=self.b)
        self.d = CategoryFactory(name="d")
        self.deep = PostFactory(title="deep", categories=[self.c])
        self.both = PostFactory(title="both", categories=[self.b, self.c, self.d])
        self.draft = PostFactory(title="draft", categories=[self.b], status=Status.DRAFT)
        tomorrow = timezone.now() + dt.timedelta(days=1)
        self.scheduled = PostFactory(title="scheduled", categories=[self.d], published_at=tomorrow)
        PostFactory(title="unfiled")

    def posts(self, *posts: Post) -> Any:
        return Post.objects.filter(pk__in=[post.pk for post in posts])

    def move(self, category: Category, parent: Category | None) -> None:
        stored = Category.objects.get(pk=category.pk)
        stored.parent = parent
        stored.save()

    def reschedule(self) -> None:
        self.scheduled.published_at = timezone.now() - dt.timedelta(hours=1)
        self.scheduled.save()

    def merge_and_undo(self) -> None:
        change = curation.merge([self.b.pk], self.d.pk, self.editor)
        assert listed() == expected()
        curation.undo(change.pk, self.editor)

    def edit(self, **changes: Any) -> None:
        bulk_editing.edit(self.posts(self.deep, self.draft), self.editor, bulk_editing.Changes(**changes))

    def delete_category(self) -> None:
        self.d.delete()


@pytest.fixture
def blog() -> Blog:
    return Blog()


def test_lists_published_posts_in_their_categories_and_in_those_above(blog: Blog) -> None:
    deep = {("a", "deep"), ("b", "deep"), ("c", "deep")}
    both = {("a", "both"), ("b", "both"), ("c", "both"), ("d", "both")}
    assert listed() == expected() == deep | both | {("d", "scheduled")}


CHANGES: dict[str, Callable[[Blog], object]] = {
    "a draft is published": lambda blog: publishing.publish(blog.posts(blog.draft), blog.editor),
    "a post is unpublished": lambda blog: publishing.unpublish(blog.posts(blog.both), blog.editor),
    "a post is moved to the trash": lambda blog: publishing.trash(blog.posts(blog.deep), blog.editor),
    "a post is deleted": lambda blog: blog.both.delete(),
    "posts are deleted in bulk": lambda blog: blog.posts(blog.both, blog.deep).delete(),
    "a post is rescheduled": Blog.reschedule,
    "a post is saved with other categories": lambda blog: publishing.save_entry(
        blog.both, blog.editor, categories=[blog.a]
    ),
    "posts are edited in bulk": lambda blog: blog.edit(
        add_categories=[blog.d], remove_categories=[blog.c], fields={"status": Status.PUBLISHED}
    ),
    "a category is added to a post": lambda blog: blog.deep.categories.add(blog.d),
    "a category is removed from a post": lambda blog: blog.both.categories.remove(blog.c),
    "categories are set": lambda blog: blog.both.categories.set([blog.a]),
    "all categories of a post are removed": lambda blog: blog.both.categories.clear(),
    "a post is added to a category": lambda blog: blog.d.posts.add(blog.deep),
    "a post is removed from a category": lambda blog: blog.d.posts.remove(blog.both),
    "all posts of a category are removed": lambda blog: blog.c.posts.clear(),
    "a category gets a parent": lambda blog: blog.move(blog.d, blog.c),
    "a category gets another parent": lambda blog: blog.move(blog.b, blog.d),
    "a category loses its parent": lambda blog: blog.move(blog.b, None),
    "a category is deleted": Blog.delete_category,
    "categories are deleted in bulk": lambda blog: Category.objects.filter(pk__in=[blog.c.pk, blog.d.pk]).delete(),
    "categories are merged": lambda blog: curation.merge([blog.b.pk, blog.c.pk], blog.d.pk, blog.editor),
    "posts are moved to another category": lambda blog: curation.merge([blog.d.pk], blog.c.pk, blog.editor, keep=True),
    "a merge is undone": Blog.merge_and_undo,
}


@pytest.mark.parametrize("change", CHANGES)
def test_follows_when(change: str, blog: Blog) -> None:
    before = set(PostInCategory.objects.values_list("category", "post", "published_at"))
    CHANGES[change](blog)
    assert listed() == expected()
    changed = set(PostInCategory.objects.values_list("category", "post", "published_at")) != before
    assert changed or change == "a merge is undone"


@pytest.mark.django_db(transaction=True)
def test_a_post_that_is_published_while_its_category_gets_another_parent_is_listed_there(
    blog: Blog, at_once: AtOnce
) -> None:
    is_published = threading.Event()

    def publish() -> None:
        with transaction.atomic():
            publishing.publish(blog.posts(blog.draft), blog.editor)
            is_published.set()
            # Lets the other transaction get as far as it can before this one ends.
            time.sleep(0.2)

    def move() -> None:
        is_published.wait(10)
        blog.move(blog.b, blog.d)

    at_once(publish, move)
    assert ("d", "draft") in listed() == expected()


def test_renaming_a_category_leaves_its_posts_alone(blog: Blog) -> None:
    blog.b.slug = "e"
    with CaptureQueriesContext(connection) as queries:
        blog.b.save()
    assert not any("postincategory" in query["sql"] for query in queries)
    assert ("e", "deep") in listed() == expected()


def test_a_page_is_listed_nowhere(blog: Blog) -> None:
    page = PageFactory(title="page")
    page.categories.set([blog.a])
    assert not PostInCategory.objects.filter(post=page.pk).exists()


def test_a_thousand_posts_take_six_statements() -> None:
    ids = list(range(1_000_000, 1_001_000))
    with CaptureQueriesContext(connection) as queries:
        PostInCategory.objects.update_posts(ids)
    assert len(queries) <= 8


def test_the_migration_lists_existing_posts(blog: Blog) -> None:
    PostInCategory.objects.all().delete()
    with connection.cursor() as cursor:
        # The second time, it finds nothing to add.
        for _ in range(2):
            cursor.execute(import_module("blog.migrations.0016_view_others_post").FILL)
    assert listed() == expected() != set()


def test_deleting_a_category_in_the_admin_does_not_name_the_rows(blog: Blog) -> None:
    client = client_of(blog.editor)
    text = client.get(f"/admin/blog/category/{blog.d.pk}/delete/").text
    assert "PostInCategory" not in text
    assert "in category" not in text.lower()
