"""Several people save the same thing at the same time, or things that depend on each other."""

from threading import Event
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from blog import publishing
from blog.models import Category, Post
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import admin_url, client_of, form_data
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db(transaction=True)


def test_only_one_of_several_simultaneous_edits_is_saved(at_once: AtOnce) -> None:
    post = PostFactory(title="Before")
    editors = [(f"By {index}", client_of(UserFactory(role="Editor"))) for index in range(4)]
    forms = {title: form_data(post, title=title) for title, _client in editors}
    responses = at_once(
        *[
            lambda client=client, title=title: client.post(admin_url(post, "change"), forms[title])
            for title, client in editors
        ]
    )
    assert sorted(response.status_code for response in responses) == [200, 200, 200, 302]
    winner = next(
        title for (title, _client), response in zip(editors, responses, strict=True) if response.status_code == 302
    )
    assert Post.objects.get().title == winner


def test_saving_keeps_comment_counts_that_change_at_the_same_time(at_once: AtOnce) -> None:
    post = PostFactory()
    editor = UserFactory(role="Editor")
    client = client_of(editor)

    def count() -> None:
        for _ in range(20):
            Post.objects.filter(pk=post.pk).update(comment_count=F("comment_count") + 1)

    def save() -> None:
        for index in range(8):
            client.post(admin_url(post, "change"), form_data(Post.objects.get(), title=f"Title {index}"))

    def unpublish_and_publish() -> None:
        for _ in range(4):
            publishing.unpublish(Post.objects.all(), editor)
            publishing.publish(Post.objects.all(), editor)

    at_once(count, save, unpublish_and_publish)
    assert Post.objects.get().comment_count == 20


@pytest.mark.parametrize("factory", [PageFactory, CategoryFactory])
@pytest.mark.parametrize("moves", ["parent", "grandparent"])
def test_what_is_added_below_something_that_moves_moves_along(factory: Any, moves: str, at_once: AtOnce) -> None:
    grandparent = factory(slug="a")
    parent = factory(slug="b", parent=grandparent)
    is_added, has_moved = Event(), Event()

    def add() -> None:
        with transaction.atomic():
            factory(slug="c", parent=parent)
            is_added.set()
            # It waits for this transaction.
            assert not has_moved.wait(0.3)

    def move() -> None:
        is_added.wait()
        moving = type(parent).objects.get(pk=(parent if moves == "parent" else grandparent).pk)
        moving.slug = "moved"
        moving.save()
        has_moved.set()

    at_once(add, move)
    assert type(parent).objects.get(slug="c").path == {"parent": "a/moved/c", "grandparent": "moved/b/c"}[moves]


@pytest.mark.parametrize("has_parent", [False, True])
def test_two_posts_that_add_the_same_category_add_it_once(has_parent: bool, at_once: AtOnce) -> None:
    parent = CategoryFactory(slug="a") if has_parent else None
    post, client = PostFactory(categories=[]), client_of(UserFactory(role="Editor"))
    data = form_data(post, new_category="Awards", new_category_parent=parent.pk if parent else "")
    is_added, is_saved = Event(), Event()

    def add() -> None:
        with transaction.atomic():
            CategoryFactory(name="Awards", slug="awards", parent=parent)
            is_added.set()
            # It waits for this transaction.
            assert not is_saved.wait(0.5)

    def save() -> None:
        is_added.wait()
        assert client.post(admin_url(post, "change"), data).status_code == 302
        is_saved.set()

    at_once(add, save)
    assert Category.objects.get(name="Awards") == post.categories.get()


def test_adding_a_category_with_a_post_and_moving_its_other_category_never_deadlock(at_once: AtOnce) -> None:
    parent, moving = CategoryFactory(slug="a"), CategoryFactory(slug="b")
    post, editor = PostFactory(categories=[moving]), UserFactory(role="Editor")
    is_locked, has_moved = Event(), Event()

    def save() -> None:
        with transaction.atomic():
            stored = publishing.lock_stored(post)
            is_locked.set()
            # It waits for this transaction.
            assert not has_moved.wait(0.3)
            added = CategoryFactory(slug="c", parent=parent)
            publishing.save_entry(post, editor, categories=[moving, added], stored=stored)

    def move() -> None:
        is_locked.wait()
        moving.parent = parent
        moving.save()
        has_moved.set()

    at_once(save, move)
    assert {category.path for category in post.categories.all()} == {"a/b", "a/c"}


@pytest.mark.parametrize("how", [Category.delete, lambda category: Category.objects.filter(pk=category.pk).delete()])
def test_deleting_a_category_and_saving_one_of_its_posts_never_deadlock(how: Any, at_once: AtOnce) -> None:
    category, editor = CategoryFactory(), UserFactory(role="Editor")
    post = PostFactory(categories=[category])
    is_locked, is_deleted = Event(), Event()

    def save() -> None:
        with transaction.atomic():
            stored = publishing.lock_stored(post)
            is_locked.set()
            # It waits for this transaction.
            assert not is_deleted.wait(0.3)
            publishing.save_entry(post, editor, categories=[], stored=stored)

    def delete() -> None:
        is_locked.wait()
        how(category)
        is_deleted.set()

    at_once(save, delete)
    assert not Category.objects.exists()


@pytest.mark.parametrize("factory", [PageFactory, CategoryFactory])
def test_of_two_opposite_moves_only_one_succeeds(factory: Any) -> None:
    first, second = factory(slug="a"), factory(slug="b")
    # When the forms were checked, both were possible.
    first.parent, second.parent = (type(first).objects.get(pk=other.pk) for other in (second, first))
    first.save()
    with pytest.raises(IntegrityError):
        second.save()
    assert set(type(first).objects.values_list("path", flat=True)) == {"b", "b/a"}
