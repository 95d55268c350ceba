"""Publishing, withdrawing, trashing and restoring as functions."""

import datetime as dt

import pytest
from django.utils import timezone

from blog import publishing
from blog.models import Page, Post, Status
from tags.models import TaggedPost
from tests.factories import PageFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_publishing_gives_a_moment_and_tells_the_tags() -> None:
    post = PostFactory(status=Status.DRAFT, published_at=None, tags=["a"])
    outcome = publishing.publish(Post.objects.all(), UserFactory(role="Editor"))
    assert outcome.changed == [post]
    stored = Post.objects.get()
    assert stored.is_public
    assert TaggedPost.objects.get().published_at == stored.published_at


def test_publishing_keeps_a_moment_to_come() -> None:
    moment = timezone.now() + dt.timedelta(days=3)
    PostFactory(status=Status.DRAFT, published_at=moment)
    publishing.publish(Post.objects.all(), UserFactory(role="Editor"))
    assert Post.objects.get().published_at == moment
    assert not Post.objects.published()


def test_withdrawn_and_published_again_it_has_its_old_address() -> None:
    post = PostFactory(tags=["a"])
    address = post.get_absolute_url()
    editor = UserFactory(role="Editor")
    publishing.withdraw(Post.objects.all(), editor)
    assert not Post.objects.published()
    assert TaggedPost.objects.get().published_at is None
    publishing.publish(Post.objects.all(), editor)
    assert Post.objects.get().get_absolute_url() == address


def test_restored_it_is_a_draft() -> None:
    PostFactory(status=Status.TRASH)
    publishing.restore(Post.objects.all(), UserFactory(role="Editor"))
    assert Post.objects.get().status == Status.DRAFT


def test_restored_it_has_the_slug_that_it_had_before_wordpress_put_it_away() -> None:
    moment = timezone.now()
    PostFactory(slug="one__trashed", published_at=moment, status=Status.TRASH)
    PostFactory(slug="two__trashed-2", published_at=moment, status=Status.TRASH)
    PostFactory(slug="two", published_at=moment)
    PostFactory(slug="__trashed", title="Three", published_at=None, status=Status.TRASH)
    PageFactory(slug="four__trashed", status=Status.TRASH)
    editor = UserFactory(role="Editor")
    publishing.restore(Post.objects.all(), editor)
    publishing.restore(Page.objects.all(), editor)
    # Somebody else has it by now: then the next.
    assert sorted(Post.objects.values_list("slug", flat=True)) == ["one", "three", "two", "two-2"]
    assert Page.objects.get().path == "four"


def test_a_slug_that_only_looks_like_one_from_the_trash_stays() -> None:
    post = PostFactory(slug="one__trashed")
    post.save()
    publishing.trash(Post.objects.all(), UserFactory(role="Editor"))
    assert Post.objects.get().slug == "one__trashed"


def test_what_is_so_already_is_neither_changed_nor_refused() -> None:
    post = PostFactory()
    before = post.modified_at
    outcome = publishing.publish(Post.objects.all(), UserFactory(role="Editor"))
    assert (outcome.changed, outcome.refused) == ([], [])
    assert Post.objects.get().modified_at == before


def test_refuses_one_by_one() -> None:
    author = UserFactory(role="Author")
    mine = PostFactory(author=author, status=Status.DRAFT)
    public, theirs = PostFactory(author=author), PostFactory(status=Status.DRAFT)
    outcome = publishing.trash(Post.objects.all(), author)
    assert outcome.changed == [mine]
    assert outcome.refused == [public, theirs]


def test_fault_in_one_changes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    PostFactory(status=Status.DRAFT)
    broken = PostFactory(status=Status.DRAFT)
    save = Post.save

    def fail(post: Post) -> None:
        if post.pk == broken.pk:
            raise RuntimeError
        save(post)

    monkeypatch.setattr(Post, "save", fail)
    with pytest.raises(RuntimeError):
        publishing.publish(Post.objects.all(), UserFactory(role="Editor"))
    assert not Post.objects.published()


def test_pages_as_well() -> None:
    PageFactory(status=Status.DRAFT, published_at=None)
    publishing.publish(Page.objects.all(), UserFactory(role="Editor"))
    assert Page.objects.get().is_public
    assert publishing.trash(Page.objects.all(), UserFactory(role="Author")).changed == []
