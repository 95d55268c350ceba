"""The cost of saving entries: a fixed number of statements, one rendering, one update of the content version."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from blog import publishing, rendering
from blog.models import Page, Post, Status, stored_entry
from blog.models.post import assign_free_slugs
from core.changes import ContentVersion
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory, at
from tests.factories.admin import version_of_form

pytestmark = pytest.mark.django_db


@pytest.fixture
def renders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list of the sources that have been rendered."""
    rendered: list[str] = []

    def record(source: str, *args: Any) -> Any:
        rendered.append(source)
        return rendering.render(source, *args)

    monkeypatch.setattr(stored_entry, "render", record)
    return rendered


@pytest.fixture
def editor(client: Client) -> User:
    user: User = UserFactory(role="Editor")
    client.force_login(user)
    return user


@pytest.fixture
def statements(django_capture_on_commit_callbacks: Any) -> Iterator[CaptureQueriesContext]:
    """All statements from now on, including those on commit."""
    with django_capture_on_commit_callbacks(execute=True), CaptureQueriesContext(connection) as captured:
        yield captured


def form_of(post: Post, **changes: Any) -> dict[str, Any]:
    return {
        "title": post.title,
        "source": post.source,
        "slug": post.slug,
        "author": post.author_id,
        "comments_open": "on",
        "version": version_of_form(post),
        "published_at": f"{post.published_at:%Y-%m-%dT%H:%M}",
        **changes,
    }


class TestBulkActions:
    @pytest.mark.parametrize(
        ("action", "before", "max_statements"),
        [
            (publishing.trash, Status.PUBLISHED, 20),
            (publishing.unpublish, Status.PUBLISHED, 20),
            (publishing.restore, Status.TRASH, 20),
            (publishing.publish, Status.DRAFT, 20),
        ],
    )
    def test_twenty_posts_take_twenty_statements_and_no_rendering(
        self, action: Any, before: Status, max_statements: int, renders: list[str], statements: CaptureQueriesContext
    ) -> None:
        PostFactory.create_batch(20, status=before, tags=["a", "b"])
        editor = UserFactory(role="Editor")
        # Django looks up permissions once per user.
        editor.has_perm("blog.change_post")
        renders.clear()
        before_action = len(statements)
        change = action(Post.objects.all(), editor)
        assert len(change.changed) == 20
        assert len(statements) - before_action <= max_statements
        assert renders == []

    def test_publishing_a_hundred_undated_drafts_takes_the_same_number(
        self, editor: User, statements: CaptureQueriesContext
    ) -> None:
        for index in range(100):
            PostFactory(status=Status.DRAFT, published_at=None, title=f"Draft {index}", slug="")
        editor.has_perm("blog.change_post")
        before_action = len(statements)
        publishing.publish(Post.objects.all(), editor)
        assert len(statements) - before_action <= 20
        assert Post.objects.published().count() == 100

    def test_pages_take_no_more_statements(self, editor: User, statements: CaptureQueriesContext) -> None:
        PageFactory.create_batch(20)
        editor.has_perm("blog.change_page")
        before_action = len(statements)
        publishing.trash(Page.objects.all(), editor)
        assert len(statements) - before_action <= 20


class TestRendering:
    def test_a_save_in_the_admin_renders_once(self, client: Client, editor: User, renders: list[str]) -> None:
        post = PostFactory(author=editor)
        renders.clear()
        response = client.post(
            reverse("admin:blog_post_change", args=[post.pk]), form_of(post, source="Changed.", tags="a, b")
        )
        assert response.status_code == 302
        assert renders == ["Changed."]

    def test_a_save_without_changes_to_the_text_renders_nothing(
        self, client: Client, editor: User, renders: list[str]
    ) -> None:
        post = PostFactory(author=editor)
        renders.clear()
        client.post(reverse("admin:blog_post_change", args=[post.pk]), form_of(post, title="Changed"))
        post.refresh_from_db()
        assert (post.title, renders) == ("Changed", [])

    def test_a_new_post_renders_once(self, client: Client, editor: User, renders: list[str]) -> None:
        data = {"title": "New", "source": "Text.", "author": editor.pk}
        assert client.post(reverse("admin:blog_post_add"), data).status_code == 302
        assert renders == ["Text."]

    def test_retrying_with_another_slug_does_not_render_again(
        self, renders: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = PostFactory(slug="taken")
        assign_places = Post.assign_places
        calls = []

        def late(posts: Any, stored: Any) -> None:
            calls.append(posts)
            if len(calls) > 1:
                assign_places(posts, stored)
            else:
                posts[0].published_on = first.published_on

        monkeypatch.setattr(Post, "assign_places", late)
        renders.clear()
        second = PostFactory(slug="taken", published_at=first.published_at)
        assert (second.slug, len(renders)) == ("taken-2", 1)

    def test_a_new_version_of_the_renderer_renders_again(
        self, renders: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        post = PostFactory()
        monkeypatch.setattr(stored_entry, "RENDER_VERSION", post.render_version + 1)
        renders.clear()
        post.save()
        assert renders == [post.source]
        post.save()
        assert renders == [post.source]


@pytest.mark.parametrize("count", [3, 60])
def test_posts_of_one_day_with_one_slug_are_numbered_with_two_queries(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    given = PostFactory(slug="news", published_at=at(2020, 1, 1))
    posts = PostFactory.build_batch(count, slug="news", published_on=given.published_on)
    with django_assert_num_queries(2):
        assign_free_slugs(posts)
    assert [post.slug for post in posts] == [f"news-{number}" for number in range(2, count + 2)]


class TestContentVersion:
    def test_is_incremented_once_per_transaction(self, editor: User, django_capture_on_commit_callbacks: Any) -> None:
        posts = PostFactory.create_batch(20)
        before = ContentVersion.objects.get().number
        with django_capture_on_commit_callbacks(execute=True):
            publishing.trash(Post.objects.all(), editor)
            posts[0].categories.add(CategoryFactory())
            posts[0].tags.set(["one", "two"])
        assert ContentVersion.objects.get().number == before + 1

    def test_is_incremented_once_by_a_save_in_the_admin(
        self, client: Client, editor: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        post = PostFactory(author=editor)
        before = ContentVersion.objects.get().number
        with django_capture_on_commit_callbacks(execute=True):
            client.post(
                reverse("admin:blog_post_change", args=[post.pk]),
                form_of(post, title="Changed", tags="a, b, c", categories=[CategoryFactory().pk]),
            )
        assert ContentVersion.objects.get().number == before + 1

    def test_is_incremented_by_new_html_but_not_by_a_new_render_version(
        self, django_capture_on_commit_callbacks: Any
    ) -> None:
        PostFactory()
        before = ContentVersion.objects.get().number
        with django_capture_on_commit_callbacks(execute=True):
            Post.objects.update(render_version=0, source_digest="")
        assert ContentVersion.objects.get().number == before
        with django_capture_on_commit_callbacks(execute=True):
            Post.objects.update(render_version=1, body_html="<p>New</p>")
        assert ContentVersion.objects.get().number == before + 1
