"""Publishing, unpublishing, moving to the trash and restoring."""

import datetime as dt

import pytest
from django.utils import timezone

from blog import publishing
from blog.models import Page, Post, Status
from tags.models import TaggedPost
from tests.factories import PageFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_publishing_sets_the_time_for_tag_pages_as_well() -> None:
    post = PostFactory(status=Status.DRAFT, published_at=None, tags=["a"])
    change = publishing.publish(Post.objects.all(), UserFactory(role="Editor"))
    assert change.changed == [post]
    stored = Post.objects.get()
    assert stored.is_public
    assert TaggedPost.objects.get().published_at == stored.published_at


def test_publishing_keeps_a_time_in_the_future() -> None:
    later = timezone.now() + dt.timedelta(days=3)
    PostFactory(status=Status.DRAFT, published_at=later)
    publishing.publish(Post.objects.all(), UserFactory(role="Editor"))
    assert Post.objects.get().published_at == later
    assert not Post.objects.published()


def test_a_republished_entry_has_its_old_url() -> None:
    post = PostFactory(tags=["a"])
    url = post.get_absolute_url()
    editor = UserFactory(role="Editor")
    publishing.unpublish(Post.objects.all(), editor)
    assert not Post.objects.published()
    assert TaggedPost.objects.get().published_at is None
    publishing.publish(Post.objects.all(), editor)
    assert Post.objects.get().get_absolute_url() == url


def test_a_restored_entry_is_a_draft() -> None:
    PostFactory(status=Status.TRASH)
    publishing.restore(Post.objects.all(), UserFactory(role="Editor"))
    assert Post.objects.get().status == Status.DRAFT


def test_a_restored_entry_has_the_slug_from_before_wordpress_trashed_it() -> None:
    now = timezone.now()
    PostFactory(slug="one__trashed", published_at=now, status=Status.TRASH)
    PostFactory(slug="two__trashed-2", published_at=now, status=Status.TRASH)
    PostFactory(slug="two", published_at=now)
    PostFactory(slug="__trashed", title="Three", published_at=None, status=Status.TRASH)
    PageFactory(slug="four__trashed", status=Status.TRASH)
    editor = UserFactory(role="Editor")
    publishing.restore(Post.objects.all(), editor)
    publishing.restore(Page.objects.all(), editor)
    # The slug "two" is taken by now.
    assert sorted(Post.objects.values_list("slug", flat=True)) == ["", "one", "two", "two-2"]
    assert Page.objects.get().path == "four"


def test_a_slug_that_only_looks_trashed_stays() -> None:
    post = PostFactory(slug="one__trashed")
    post.save()
    publishing.trash(Post.objects.all(), UserFactory(role="Editor"))
    assert Post.objects.get().slug == "one__trashed"


def test_the_slug_is_made_from_the_title_with_which_a_post_first_gets_a_date() -> None:
    editor = UserFactory(role="Editor")
    draft, chosen = (
        PostFactory(title="First", slug=slug, status=Status.DRAFT, published_at=None) for slug in ("", "s")
    )
    assert [draft.slug, chosen.slug] == ["", "s"]
    Post.objects.update(title="Second")
    publishing.publish(Post.objects.all(), editor)
    publishing.unpublish(Post.objects.all(), editor)
    Post.objects.update(title="Third")
    publishing.publish(Post.objects.all(), editor)
    assert sorted(Post.objects.values_list("slug", flat=True)) == ["s", "second"]


def test_entries_that_already_have_the_status_are_neither_changed_nor_refused() -> None:
    post = PostFactory()
    before = post.modified_at
    change = publishing.publish(Post.objects.all(), UserFactory(role="Editor"))
    assert (change.changed, change.refused) == ([], [])
    assert Post.objects.get().modified_at == before


def test_permission_is_checked_for_each_entry() -> None:
    author = UserFactory(role="Author")
    mine = PostFactory(author=author, status=Status.DRAFT)
    public, theirs = PostFactory(author=author), PostFactory(status=Status.DRAFT)
    change = publishing.trash(Post.objects.all(), author)
    assert change.changed == [mine]
    assert change.refused == [public, theirs]


def test_an_error_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    PostFactory.create_batch(2, status=Status.DRAFT)

    def fail(*args: object) -> None:
        raise RuntimeError

    # The last step, after all entries were written.
    monkeypatch.setattr(Post, "keep_old_urls", fail)
    with pytest.raises(RuntimeError):
        publishing.publish(Post.objects.all(), UserFactory(role="Editor"))
    assert not Post.objects.published()


def test_pages_are_published_and_moved_to_the_trash_in_the_same_way() -> None:
    PageFactory(status=Status.DRAFT, published_at=None)
    publishing.publish(Page.objects.all(), UserFactory(role="Editor"))
    assert Page.objects.get().is_public
    assert publishing.trash(Page.objects.all(), UserFactory(role="Author")).changed == []
