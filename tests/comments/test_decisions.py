"""Decisions of moderators: approve, mark as spam, trash, restore and undo. Counts are right after each."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from blog.models import Post
from comments.changes import comment_change_handlers
from comments.models import Comment, Decision
from comments.models import CommentStatus as Status
from comments.moderation import decisions, deletion
from comments.moderation.counting import recount
from comments.moderation.decisions import DecisionResult, approve, mark_spam, restore, trash, unapprove, undo
from comments.moderation.deletion import delete
from core.models import SiteSettings
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db

type Decide = Callable[[Iterable[Comment], User], DecisionResult]
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
APPROVED, PENDING, SPAM, TRASH = Status.APPROVED, Status.PENDING, Status.SPAM, Status.TRASH


@pytest.fixture
def moderator() -> User:
    return UserFactory.create(role="Moderator")


def status(comment: Comment) -> str:
    return Comment.objects.get(pk=comment.pk).status


def count(post: Post) -> int:
    return Post.objects.get(pk=post.pk).comment_count


class TestDeciding:
    @pytest.mark.parametrize("before", list(Status))
    @pytest.mark.parametrize(("decide", "after"), [(approve, APPROVED), (mark_spam, SPAM), (trash, TRASH)])
    def test_it_sets_the_status(self, decide: Decide, before: Status, after: Status, moderator: User) -> None:
        comment = CommentFactory.create(status=before)
        result = decide([comment], moderator)
        assert status(comment) == after
        assert (result.changed, result.unchanged) == ((0, 1) if before == after else (1, 0))

    @pytest.mark.parametrize("before", list(Status))
    def test_only_approved_comments_can_be_unapproved(self, before: Status, moderator: User) -> None:
        comment = CommentFactory.create(status=before)
        recount(comment.entry)
        result = unapprove([comment], moderator)
        assert status(comment) == (PENDING if before == APPROVED else before)
        assert (result.changed, result.unchanged) == ((1, 0) if before == APPROVED else (0, 1))
        assert count(comment.entry) == 0
        undo(result.batch, moderator)
        assert status(comment) == before

    def test_it_is_logged(self, moderator: User) -> None:
        comment = CommentFactory.create(status=PENDING)
        result = approve([comment], moderator)
        decision = Decision.objects.get()
        assert (decision.comment, decision.moderator) == (comment, moderator)
        assert (decision.was, decision.became, decision.batch) == (PENDING, APPROVED, result.batch)

    def test_the_time_of_the_status_is_updated(self, moderator: User) -> None:
        comment = CommentFactory.create(status=PENDING, status_since=LONG_AGO)
        before = timezone.now()
        mark_spam([comment], moderator)
        assert Comment.objects.get(pk=comment.pk).status_since >= before

    def test_comments_with_this_status_are_counted_but_not_logged(self, moderator: User) -> None:
        comments = [CommentFactory.create(status=before) for before in (PENDING, SPAM, APPROVED)]
        result = approve(comments, moderator)
        assert (result.changed, result.unchanged) == (2, 1)
        assert Decision.objects.filter(batch=result.batch).count() == 2

    def test_a_second_moderator_with_a_stale_page_changes_nothing(self, moderator: User) -> None:
        comment = CommentFactory.create(status=PENDING)
        as_seen_by_the_second = Comment.objects.get(pk=comment.pk)
        approve([comment], moderator)
        result = approve([as_seen_by_the_second], UserFactory.create())
        assert (result.changed, result.unchanged) == (0, 1)
        assert Decision.objects.get().moderator == moderator

    def test_it_accepts_a_queryset(self, moderator: User) -> None:
        CommentFactory.create_batch(3, status=PENDING)
        assert approve(Comment.objects.filter(status=PENDING), moderator).changed == 3

    def test_deciding_about_no_comments_is_allowed(self, moderator: User) -> None:
        assert approve([], moderator).changed == 0
        assert undo(uuid.uuid4(), moderator).changed == 0

    def test_the_number_of_queries_does_not_depend_on_the_number_of_comments(self, moderator: User) -> None:
        def queries(count: int) -> int:
            comments = CommentFactory.create_batch(count, status=PENDING)
            with CaptureQueriesContext(connection) as seen:
                approve(comments, moderator)
            return len(seen)

        assert queries(2) == queries(100) <= 17


class TestManyComments:
    """Each batch is a transaction of its own, and all of them are one decision."""

    @pytest.fixture(autouse=True)
    def _small_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(decisions, "_BATCH_SIZE", 2)
        monkeypatch.setattr(deletion, "_BATCH_SIZE", 2)

    @pytest.fixture
    def interrupted(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """Return a list that determines how many batches can be stored: while it is empty, any number."""
        limit: list[int] = []

        def count(_pks: object) -> None:
            if limit:
                limit[0] -= 1
                if limit[0] < 0:
                    raise InterruptedError

        monkeypatch.setitem(comment_change_handlers, "test", count)
        return limit

    def test_they_are_decided_and_undone_together(self, moderator: User) -> None:
        comments = CommentFactory.create_batch(5, status=PENDING)
        seen = {comments[0].pk: "another mark", comments[4].pk: "another mark"}
        result = approve(comments, moderator, seen)
        assert (result.changed, result.unchanged) == (3, 0)
        assert result.overtaken == (comments[0].pk, comments[4].pk)
        assert undo(result.batch, moderator).changed == 3
        assert set(map(status, comments)) == {PENDING}

    def test_what_was_interrupted_can_be_continued_or_undone(self, interrupted: list[int], moderator: User) -> None:
        comments = CommentFactory.create_batch(5, status=PENDING)
        interrupted.append(1)
        with pytest.raises(InterruptedError):
            mark_spam(comments, moderator)
        interrupted.clear()
        assert [status(comment) for comment in comments] == [SPAM, SPAM, PENDING, PENDING, PENDING]
        batch = Decision.objects.earliest("pk").batch
        result = mark_spam(comments, moderator)
        assert (result.changed, result.unchanged) == (3, 2)
        assert [undo(each, moderator).changed for each in (batch, result.batch)] == [2, 3]
        assert set(map(status, comments)) == {PENDING}

    def test_deleting_them_is_interrupted_between_batches(self, interrupted: list[int]) -> None:
        post = PostFactory.create()
        comments = CommentFactory.create_batch(5, entry=post)
        reply = CommentFactory.create(entry=post, parent=comments[3])
        Comment.objects.filter(pk=comments[3].pk).update(parent=comments[1])
        interrupted.append(2)
        with pytest.raises(InterruptedError):
            delete(comments)
        interrupted.clear()
        reply.refresh_from_db()
        assert reply.parent is None
        assert count(post) == Comment.objects.count() == 2
        assert delete(comments) == 1
        assert count(post) == Comment.objects.count() == 1


class TestCounts:
    def test_they_are_updated_by_every_decision(self, moderator: User) -> None:
        post = PostFactory.create()
        first, second = CommentFactory.create_batch(2, entry=post, status=PENDING)
        result = approve([first, second], moderator)
        assert count(post) == 2
        mark_spam([first], moderator)
        assert count(post) == 1
        restore([first], moderator)
        assert count(post) == 2
        undo(result.batch, moderator)
        assert count(post) == 1
        delete([first])
        assert count(post) == 0

    def test_every_affected_entry_is_recounted(self, moderator: User) -> None:
        post, page = PostFactory.create(), PageFactory.create()
        approve(
            [CommentFactory.create(entry=post, status=SPAM), CommentFactory.create(entry=page, status=SPAM)], moderator
        )
        page.refresh_from_db()
        assert (count(post), page.comment_count) == (1, 1)

    def test_the_modification_time_of_the_entry_stays(self, moderator: User) -> None:
        post = PostFactory.create()
        before = post.modified_at
        approve([CommentFactory.create(entry=post, status=PENDING)], moderator)
        post.refresh_from_db()
        assert post.modified_at == before

    def test_deleting_keeps_replies(self, moderator: User) -> None:
        post = PostFactory.create()
        comment = CommentFactory.create(entry=post)
        reply = CommentFactory.create(entry=post, parent=comment)
        assert delete([comment]) == 1
        reply.refresh_from_db()
        assert reply.parent is None
        assert count(post) == 1


class TestCaches:
    @pytest.mark.parametrize(
        ("decide", "before", "seen"),
        [(approve, PENDING, True), (trash, APPROVED, True), (mark_spam, PENDING, False), (restore, TRASH, False)],
    )
    def test_they_expire_only_if_readers_see_a_change(
        self,
        decide: Decide,
        before: Status,
        seen: bool,
        moderator: User,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        comment = CommentFactory.create(status=before)
        version = SiteSettings.current().content_version
        with django_capture_on_commit_callbacks(execute=True):
            decide([comment], moderator)
        assert (SiteSettings.current().content_version > version) is seen


class TestRestoring:
    @pytest.mark.parametrize("before", [APPROVED, PENDING])
    @pytest.mark.parametrize("decide", [mark_spam, trash])
    def test_it_returns_to_its_earlier_status(self, decide: Decide, before: Status, moderator: User) -> None:
        comment = CommentFactory.create(status=before)
        decide([comment], moderator)
        assert restore([comment], moderator).changed == 1
        assert status(comment) == before

    def test_trashed_spam_returns_to_the_status_before_it_was_spam(self, moderator: User) -> None:
        comment = CommentFactory.create(status=APPROVED)
        mark_spam([comment], moderator)
        trash([comment], moderator)
        restore([comment], moderator)
        assert status(comment) == APPROVED

    def test_the_last_removal_counts(self, moderator: User) -> None:
        comment = CommentFactory.create(status=PENDING)
        for decide in (trash, restore, approve, mark_spam, restore):
            decide([comment], moderator)
        assert status(comment) == APPROVED

    @pytest.mark.parametrize("before", [SPAM, TRASH])
    def test_without_a_history_it_becomes_pending(self, before: Status, moderator: User) -> None:
        comment = CommentFactory.create(status=before)
        restore([comment], moderator)
        assert status(comment) == PENDING

    @pytest.mark.parametrize("before", [APPROVED, PENDING])
    def test_visible_and_pending_comments_stay_as_they_are(self, before: Status, moderator: User) -> None:
        comment = CommentFactory.create(status=before)
        result = restore([comment], moderator)
        assert (status(comment), result.unchanged) == (before, 1)


class TestUndoing:
    def test_it_reverts_the_whole_batch(self, moderator: User) -> None:
        statuses = [PENDING, APPROVED, SPAM]
        comments = [CommentFactory.create(status=before) for before in statuses]
        result = trash(comments, moderator)
        assert undo(result.batch, moderator).changed == 3
        assert [status(comment) for comment in comments] == statuses

    def test_comments_decided_again_are_left_alone_and_counted(self, moderator: User) -> None:
        first, second = CommentFactory.create_batch(2, status=PENDING)
        result = approve([first, second], moderator)
        mark_spam([second], UserFactory.create())
        undone = undo(result.batch, moderator)
        assert (undone.changed, undone.unchanged) == (1, 1)
        assert (status(first), status(second)) == (PENDING, SPAM)

    def test_a_later_decision_with_the_same_result_is_left_alone_too(self, moderator: User) -> None:
        comment = CommentFactory.create(status=PENDING)
        result = approve([comment], moderator)
        mark_spam([comment], moderator)
        approve([comment], UserFactory.create())
        assert undo(result.batch, moderator).changed == 0
        assert status(comment) == APPROVED

    def test_it_works_once(self, moderator: User) -> None:
        result = approve([CommentFactory.create(status=PENDING)], moderator)
        undo(result.batch, moderator)
        assert undo(result.batch, moderator).changed == 0

    def test_an_undo_can_be_undone(self, moderator: User) -> None:
        comment = CommentFactory.create(status=PENDING)
        result = undo(approve([comment], moderator).batch, moderator)
        undo(result.batch, moderator)
        assert status(comment) == APPROVED

    def test_a_restore_can_be_undone(self, moderator: User) -> None:
        comment = CommentFactory.create(status=SPAM)
        undo(restore([comment], moderator).batch, moderator)
        assert status(comment) == SPAM


class TestAnyHistory(TestCase):
    @given(st.data())
    @settings(max_examples=25, deadline=None)
    def test_counts_are_right_and_the_log_explains_each_status(self, data: st.DataObject) -> None:
        moderator = UserFactory.create()
        posts = PostFactory.create_batch(2)
        initial = {
            comment.pk: comment.status
            for comment in (
                CommentFactory.create(entry=posts[index % 2], status=data.draw(st.sampled_from(Status.values)))
                for index in range(4)
            )
        }
        for post in posts:
            recount(post)
        batches: list[uuid.UUID] = []
        for _step in range(data.draw(st.integers(1, 8))):
            some = Comment.objects.filter(pk__in=data.draw(st.sets(st.sampled_from(sorted(initial)))))
            decide = data.draw(st.sampled_from([approve, unapprove, mark_spam, trash, restore, None]))
            if decide is not None:
                batches.append(decide(some, moderator).batch)
            elif batches:
                batches.append(undo(data.draw(st.sampled_from(batches)), moderator).batch)
            for post in posts:
                assert count(post) == Comment.objects.on(post).approved().count()
        for pk, status_before in initial.items():
            current = status_before
            for decision in Decision.objects.filter(comment=pk).order_by("pk"):
                assert decision.was == current
                current = decision.became
            assert current == Comment.objects.get(pk=pk).status
