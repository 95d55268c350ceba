"""What moderators decide: approve, spam, trash, restore, undo. Counts are right after each."""

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
from comments.models import Comment, Decision
from comments.models import CommentStatus as Status
from comments.moderation.counting import recount
from comments.moderation.decisions import DecisionResult, approve, mark_spam, restore, trash, undo
from comments.moderation.deletion import delete
from core.models import SiteSettings
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db

type Move = Callable[[Iterable[Comment], User], DecisionResult]
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
    @pytest.mark.parametrize(("move", "after"), [(approve, APPROVED), (mark_spam, SPAM), (trash, TRASH)])
    def test_it_sets_the_status(self, move: Move, before: Status, after: Status, moderator: User) -> None:
        comment = CommentFactory.create(status=before)
        outcome = move([comment], moderator)
        assert status(comment) == after
        assert (outcome.changed, outcome.unchanged) == ((0, 1) if before == after else (1, 0))

    def test_it_is_logged_who_decided_what_from_what(self, moderator: User) -> None:
        comment = CommentFactory.create(status=PENDING)
        outcome = approve([comment], moderator)
        decision = Decision.objects.get()
        assert (decision.comment, decision.moderator) == (comment, moderator)
        assert (decision.was, decision.became, decision.batch) == (PENDING, APPROVED, outcome.batch)

    def test_it_is_known_since_when_it_stands_so(self, moderator: User) -> None:
        comment = CommentFactory.create(status=PENDING, status_since=LONG_AGO)
        before = timezone.now()
        mark_spam([comment], moderator)
        assert Comment.objects.get(pk=comment.pk).status_since >= before

    def test_what_stands_so_already_is_counted_and_not_logged(self, moderator: User) -> None:
        comments = [CommentFactory.create(status=before) for before in (PENDING, SPAM, APPROVED)]
        outcome = approve(comments, moderator)
        assert (outcome.changed, outcome.unchanged) == (2, 1)
        assert Decision.objects.filter(batch=outcome.batch).count() == 2

    def test_a_second_moderator_with_an_old_page_changes_nothing(self, moderator: User) -> None:
        comment = CommentFactory.create(status=PENDING)
        as_seen_by_the_second = Comment.objects.get(pk=comment.pk)
        approve([comment], moderator)
        outcome = approve([as_seen_by_the_second], UserFactory.create())
        assert (outcome.changed, outcome.unchanged) == (0, 1)
        assert Decision.objects.get().moderator == moderator

    def test_it_takes_a_queryset_too(self, moderator: User) -> None:
        CommentFactory.create_batch(3, status=PENDING)
        assert approve(Comment.objects.filter(status=PENDING), moderator).changed == 3

    def test_nothing_to_decide_is_no_error(self, moderator: User) -> None:
        assert approve([], moderator).changed == 0
        assert undo(uuid.uuid4(), moderator).changed == 0

    def test_a_hundred_take_no_more_queries_than_two(self, moderator: User) -> None:
        def queries(number: int) -> int:
            comments = CommentFactory.create_batch(number, status=PENDING)
            with CaptureQueriesContext(connection) as seen:
                approve(comments, moderator)
            return len(seen)

        assert queries(2) == queries(100) <= 16


class TestCounts:
    def test_they_follow_every_decision(self, moderator: User) -> None:
        post = PostFactory.create()
        first, second = CommentFactory.create_batch(2, entry=post, status=PENDING)
        outcome = approve([first, second], moderator)
        assert count(post) == 2
        mark_spam([first], moderator)
        assert count(post) == 1
        restore([first], moderator)
        assert count(post) == 2
        undo(outcome.batch, moderator)
        assert count(post) == 1
        delete([first])
        assert count(post) == 0

    def test_every_entry_touched_is_counted(self, moderator: User) -> None:
        post, page = PostFactory.create(), PageFactory.create()
        approve(
            [CommentFactory.create(entry=post, status=SPAM), CommentFactory.create(entry=page, status=SPAM)], moderator
        )
        page.refresh_from_db()
        assert (count(post), page.comment_count) == (1, 1)

    def test_the_entry_is_not_saved_for_it(self, moderator: User) -> None:
        post = PostFactory.create()
        before = post.modified_at
        approve([CommentFactory.create(entry=post, status=PENDING)], moderator)
        post.refresh_from_db()
        assert post.modified_at == before

    def test_deleting_leaves_the_answers(self, moderator: User) -> None:
        post = PostFactory.create()
        comment = CommentFactory.create(entry=post)
        answer = CommentFactory.create(entry=post, parent=comment)
        assert delete([comment]) == 1
        answer.refresh_from_db()
        assert answer.parent is None
        assert count(post) == 1


class TestCaches:
    @pytest.mark.parametrize(
        ("move", "before", "seen"),
        [(approve, PENDING, True), (trash, APPROVED, True), (mark_spam, PENDING, False), (restore, TRASH, False)],
    )
    def test_they_are_told_of_what_readers_see_and_of_nothing_else(
        self,
        move: Move,
        before: Status,
        seen: bool,
        moderator: User,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        comment = CommentFactory.create(status=before)
        version = SiteSettings.current().content_version
        with django_capture_on_commit_callbacks(execute=True):
            move([comment], moderator)
        assert (SiteSettings.current().content_version > version) is seen


class TestRestoring:
    @pytest.mark.parametrize("before", [APPROVED, PENDING])
    @pytest.mark.parametrize("move", [mark_spam, trash])
    def test_it_goes_back_to_where_it_stood(self, move: Move, before: Status, moderator: User) -> None:
        comment = CommentFactory.create(status=before)
        move([comment], moderator)
        assert restore([comment], moderator).changed == 1
        assert status(comment) == before

    def test_spam_that_was_trashed_goes_back_to_before_it_was_spam(self, moderator: User) -> None:
        comment = CommentFactory.create(status=APPROVED)
        mark_spam([comment], moderator)
        trash([comment], moderator)
        restore([comment], moderator)
        assert status(comment) == APPROVED

    def test_the_last_removal_counts(self, moderator: User) -> None:
        comment = CommentFactory.create(status=PENDING)
        for move in (trash, restore, approve, mark_spam, restore):
            move([comment], moderator)
        assert status(comment) == APPROVED

    @pytest.mark.parametrize("before", [SPAM, TRASH])
    def test_where_nothing_is_known_it_goes_to_the_queue(self, before: Status, moderator: User) -> None:
        comment = CommentFactory.create(status=before)
        restore([comment], moderator)
        assert status(comment) == PENDING

    @pytest.mark.parametrize("before", [APPROVED, PENDING])
    def test_what_is_in_sight_stays_as_it_is(self, before: Status, moderator: User) -> None:
        comment = CommentFactory.create(status=before)
        outcome = restore([comment], moderator)
        assert (status(comment), outcome.unchanged) == (before, 1)


class TestUndoing:
    def test_it_puts_the_whole_batch_back(self, moderator: User) -> None:
        befores = [PENDING, APPROVED, SPAM]
        comments = [CommentFactory.create(status=before) for before in befores]
        outcome = trash(comments, moderator)
        assert undo(outcome.batch, moderator).changed == 3
        assert [status(comment) for comment in comments] == befores

    def test_what_was_decided_since_is_left_and_counted(self, moderator: User) -> None:
        first, second = CommentFactory.create_batch(2, status=PENDING)
        outcome = approve([first, second], moderator)
        mark_spam([second], UserFactory.create())
        undone = undo(outcome.batch, moderator)
        assert (undone.changed, undone.unchanged) == (1, 1)
        assert (status(first), status(second)) == (PENDING, SPAM)

    def test_also_when_somebody_came_to_the_same_decision_in_the_end(self, moderator: User) -> None:
        comment = CommentFactory.create(status=PENDING)
        outcome = approve([comment], moderator)
        mark_spam([comment], moderator)
        approve([comment], UserFactory.create())
        assert undo(outcome.batch, moderator).changed == 0
        assert status(comment) == APPROVED

    def test_it_works_once(self, moderator: User) -> None:
        outcome = approve([CommentFactory.create(status=PENDING)], moderator)
        undo(outcome.batch, moderator)
        assert undo(outcome.batch, moderator).changed == 0

    def test_it_can_be_undone_itself(self, moderator: User) -> None:
        comment = CommentFactory.create(status=PENDING)
        outcome = undo(approve([comment], moderator).batch, moderator)
        undo(outcome.batch, moderator)
        assert status(comment) == APPROVED

    def test_a_restoring_can_be_undone(self, moderator: User) -> None:
        comment = CommentFactory.create(status=SPAM)
        undo(restore([comment], moderator).batch, moderator)
        assert status(comment) == SPAM


class TestAnyHistory(TestCase):
    @given(st.data())
    @settings(max_examples=25, deadline=None)
    def test_counts_are_right_and_the_log_leads_to_where_each_comment_stands(self, data: st.DataObject) -> None:
        moderator = UserFactory.create()
        posts = PostFactory.create_batch(2)
        born = {
            comment.pk: comment.status
            for comment in (
                CommentFactory.create(entry=posts[number % 2], status=data.draw(st.sampled_from(Status.values)))
                for number in range(4)
            )
        }
        for post in posts:
            recount(post)
        batches: list[uuid.UUID] = []
        for _step in range(data.draw(st.integers(1, 8))):
            some = Comment.objects.filter(pk__in=data.draw(st.sets(st.sampled_from(sorted(born)))))
            move = data.draw(st.sampled_from([approve, mark_spam, trash, restore, None]))
            if move is not None:
                batches.append(move(some, moderator).batch)
            elif batches:
                batches.append(undo(data.draw(st.sampled_from(batches)), moderator).batch)
            for post in posts:
                assert count(post) == Comment.objects.on(post).approved().count()
        for pk, began in born.items():
            stands = began
            for decision in Decision.objects.filter(comment=pk).order_by("pk"):
                assert decision.was == stands
                stands = decision.became
            assert stands == Comment.objects.get(pk=pk).status
