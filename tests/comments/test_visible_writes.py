"""Writing comments makes cached pages expire if readers see one of them, before or after, and only then."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from comments.models import Comment, CommentSettings
from comments.models import CommentStatus as Status
from comments.moderation.submission import revise, submit
from core.changes import ContentVersion
from tests.factories import CommentFactory, PostFactory

pytestmark = pytest.mark.django_db

HIDDEN = [Status.PENDING, Status.SPAM, Status.TRASH]


@pytest.fixture
def expires(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Callable[[Callable[[], Any]], bool]:
    """Return a function that writes in a transaction and returns whether that made cached pages expire."""

    def expires(write: Callable[[], Any]) -> bool:
        before = ContentVersion.objects.get().number
        with django_capture_on_commit_callbacks(execute=True):
            write()
        return ContentVersion.objects.get().number > before

    return expires


def save(comment: Comment, status: Status) -> None:
    comment.status = status
    comment.save()


def save_fields(comment: Comment, status: Status) -> None:
    comment.status = status
    comment.save(update_fields=["status"])


def update(comment: Comment, status: Status) -> None:
    Comment.objects.filter(pk=comment.pk).update(status=status)


def bulk_update(comment: Comment, status: Status) -> None:
    comment.status = status
    Comment.objects.bulk_update([comment], ["status"])


@pytest.mark.parametrize("write", [save, save_fields, update])
@pytest.mark.parametrize("before", list(Status))
@pytest.mark.parametrize("after", list(Status))
def test_changing_the_status_expires_pages_if_the_comment_was_or_becomes_visible(
    expires: Any, write: Callable[[Comment, Status], None], before: Status, after: Status
) -> None:
    comment = CommentFactory.create(status=before)
    assert expires(lambda: write(comment, after)) is (Status.APPROVED in (before, after))


@pytest.mark.parametrize("before", list(Status))
def test_bulk_updates_of_the_status_always_expire_pages(expires: Any, before: Status) -> None:
    comment = CommentFactory.create(status=before)
    assert expires(lambda: bulk_update(comment, Status.APPROVED))


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize(
    "write",
    [
        lambda comment: comment.save(),
        lambda comment: comment.delete(),
        lambda comment: Comment.objects.filter(pk=comment.pk).update(text="Other"),
        lambda comment: Comment.objects.filter(pk=comment.pk).delete(),
        lambda comment: Comment.objects.bulk_update([comment], ["parent"]),
        lambda comment: Comment.objects.bulk_create([Comment(entry=comment.entry, status=comment.status)]),
        lambda comment: Comment.objects.create(entry=comment.entry, status=comment.status),
        lambda comment: comment.entry.comments.update(name="Other"),
    ],
)
def test_other_writes_expire_pages_if_the_comment_is_visible(expires: Any, write: Any, status: Status) -> None:
    comment = CommentFactory.create(status=status)
    assert expires(lambda: write(comment)) is (status == Status.APPROVED)


def test_fields_for_moderators_do_not_expire_pages(expires: Any) -> None:
    comment = CommentFactory.create(status=Status.APPROVED)
    assert not expires(lambda: Comment.objects.update(reasons=[]))
    assert not expires(lambda: comment.save(update_fields=["status_since"]))


def test_visibility_depends_on_the_stored_status(expires: Any) -> None:
    stale = CommentFactory.create(status=Status.PENDING)
    Comment.objects.update(status=Status.APPROVED)
    assert expires(lambda: save(stale, Status.SPAM))


@pytest.mark.parametrize("status", HIDDEN)
@pytest.mark.parametrize("write", [save, save_fields, update])
def test_checking_visibility_needs_one_query_and_so_does_the_index(
    write: Callable[[Comment, Status], None], status: Status
) -> None:
    comment = CommentFactory.create(status=Status.PENDING)
    with CaptureQueriesContext(connection) as queries:
        write(comment, status)
    # Saving also checks what the search index has of it.
    assert len(queries) == (2 if write is update else 3)


@pytest.mark.parametrize(
    "more", [{}, {"trapped": True}, {"website": "https://a.example", "text": "www.b.example " * 9}]
)
def test_submitting_hidden_comments_does_not_expire_pages(expires: Any, more: dict[str, Any]) -> None:
    post = PostFactory.create()
    values = {"name": "Ann", "email": "ann@example.org", "text": "Hello.", **more}
    assert not expires(lambda: submit(post, settings=CommentSettings(), **values))
    comment = Comment.objects.get()
    assert comment.status != Status.APPROVED
    assert not expires(lambda: revise(comment, "Changed.", settings=CommentSettings()))
