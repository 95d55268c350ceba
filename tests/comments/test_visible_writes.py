"""Writing comments makes cached pages expire exactly when readers see one of them, before or after."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from comments.models import Comment, CommentSettings
from comments.models import CommentStatus as Status
from comments.moderation.self_service import revise
from comments.moderation.submission import submit
from core.content_version import ContentVersion
from tests.factories import CommentFactory, PostFactory

pytestmark = pytest.mark.django_db

HIDDEN = [Status.PENDING, Status.SPAM, Status.TRASH]


@pytest.fixture
def expires(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Callable[[Callable[[], Any]], bool]:
    """Do something in one transaction and tell whether it made cached pages expire."""

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
def test_a_change_of_status_counts_if_readers_see_the_comment_before_or_after(
    expires: Any, write: Callable[[Comment, Status], None], before: Status, after: Status
) -> None:
    comment = CommentFactory.create(status=before)
    assert expires(lambda: write(comment, after)) is (Status.APPROVED in (before, after))


@pytest.mark.parametrize("before", list(Status))
def test_statuses_written_in_bulk_always_count(expires: Any, before: Status) -> None:
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
def test_other_writes_count_if_readers_see_the_comment(expires: Any, write: Any, status: Status) -> None:
    comment = CommentFactory.create(status=status)
    assert expires(lambda: write(comment)) is (status == Status.APPROVED)


def test_what_only_moderators_see_does_not_count(expires: Any) -> None:
    comment = CommentFactory.create(status=Status.APPROVED)
    assert not expires(lambda: Comment.objects.update(reasons=[]))
    assert not expires(lambda: comment.save(update_fields=["status_since"]))


def test_a_stale_object_counts_by_what_is_stored(expires: Any) -> None:
    stale = CommentFactory.create(status=Status.PENDING)
    Comment.objects.update(status=Status.APPROVED)
    assert expires(lambda: save(stale, Status.SPAM))


@pytest.mark.parametrize("status", HIDDEN)
@pytest.mark.parametrize("write", [save, save_fields, update])
def test_looking_costs_one_query(write: Callable[[Comment, Status], None], status: Status) -> None:
    comment = CommentFactory.create(status=Status.PENDING)
    with CaptureQueriesContext(connection) as queries:
        write(comment, status)
    assert len(queries) == 2


@pytest.mark.parametrize(
    "more", [{}, {"trapped": True}, {"website": "https://a.example", "text": "www.b.example " * 9}]
)
def test_submissions_that_readers_do_not_see_cannot_flush_the_cache(expires: Any, more: dict[str, Any]) -> None:
    post = PostFactory.create()
    values = {"name": "Ann", "email": "ann@example.org", "text": "Hello.", **more}
    assert not expires(lambda: submit(post, settings=CommentSettings(), **values))
    comment = Comment.objects.get()
    assert comment.status != Status.APPROVED
    assert not expires(lambda: revise(comment, "Changed.", settings=CommentSettings()))
