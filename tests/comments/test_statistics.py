"""Moderation statistics."""

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comments.models import Comment, CommentSettings, Decision
from comments.models import CommentStatus as Status
from comments.moderation import statistics
from comments.moderation.decisions import approve, mark_spam, reply, trash, undo
from tests.factories import CommentFactory, UserFactory
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db


def comment_received(
    status: Status = Status.PENDING, *, ago: dt.timedelta = dt.timedelta(hours=1), **more: object
) -> Comment:
    comment: Comment = CommentFactory.create(status=status, created_at=timezone.now() - ago, **more)
    return comment


class TestByWeek:
    def test_each_comment_is_counted_in_its_week(self) -> None:
        monday = timezone.localdate() - dt.timedelta(days=timezone.localdate().weekday())
        midnight = timezone.make_aware(dt.datetime.combine(monday, dt.time()))
        for created_at in (midnight, midnight - dt.timedelta(seconds=1), midnight - dt.timedelta(days=7)):
            CommentFactory.create(created_at=created_at)
        CommentFactory.create(created_at=midnight, status=Status.SPAM)
        CommentFactory.create(created_at=midnight, status=Status.TRASH)
        weeks = statistics.by_week()
        assert [week.counts for week in weeks[-3:]] == [[0, 0, 0], [2, 0, 0], [1, 0, 1]]
        assert weeks[-1].day == monday
        assert len(weeks) == statistics.WEEKS

    def test_older_and_future_comments_are_left_out(self) -> None:
        comment_received(ago=dt.timedelta(weeks=statistics.WEEKS + 1))
        comment_received(ago=dt.timedelta(weeks=-2))
        assert sum(sum(week.counts) for week in statistics.by_week()) == 0

    def test_bars_start_at_the_bottom_and_the_highest_fills_the_chart(self) -> None:
        for status in (Status.APPROVED, Status.APPROVED, Status.SPAM, Status.PENDING):
            comment_received(status, ago=dt.timedelta())
        statuses, tops, heights = zip(*statistics.by_week()[-1].segments, strict=True)
        assert statuses == (Status.APPROVED, Status.PENDING, Status.SPAM)
        assert tops[0] + heights[0] == statistics.CHART_HEIGHT
        assert tops[-1] == 0
        assert sum(heights) == statistics.CHART_HEIGHT


class TestOutcomes:
    def test_first_decisions_are_compared_with_the_final_status(self) -> None:
        moderator = UserFactory.create()
        mark_spam([comment_received(Status.APPROVED), comment_received(Status.PENDING)], moderator)
        approve(
            [comment_received(Status.SPAM), comment_received(Status.PENDING), comment_received(Status.PENDING)],
            moderator,
        )
        changed_mind = comment_received(Status.PENDING)
        approve([changed_mind], moderator)
        trash([changed_mind], moderator)
        assert statistics.outcomes().rules == {
            ("approved", "spam"): 1,
            ("pending", "spam"): 1,
            ("spam", "approved"): 1,
            ("pending", "approved"): 2,
            ("pending", "trash"): 1,
        }

    def test_undecided_comments_are_left_out(self) -> None:
        comment_received(Status.APPROVED)
        moderator = UserFactory.create()
        undo(approve([comment_received()], moderator).batch, moderator)
        assert statistics.outcomes().rules == {}

    def test_imported_and_old_comments_are_left_out(self) -> None:
        moderator = UserFactory.create()
        approve([comment_received(is_imported=True), comment_received(ago=dt.timedelta(days=91))], moderator)
        assert statistics.outcomes() == statistics.Outcomes()

    def test_the_spam_filter_is_evaluated_on_its_own(self) -> None:
        def reasons(verdict: str) -> list[dict[str, str]]:
            return [
                {"check": "links", "verdict": "spam", "message": ""},
                {"check": "spam_filter", "verdict": verdict, "message": ""},
            ]

        mark_spam(
            [comment_received(reasons=reasons("spam")), comment_received(reasons=reasons("hold")), comment_received()],
            UserFactory.create(),
        )
        assert statistics.outcomes().spam_filter == {
            ("spam", "spam"): 1,
            ("pending", "spam"): 1,
            ("approved", "spam"): 1,
        }

    def test_the_median_wait_ends_with_the_first_decision_about_pending_comments(self) -> None:
        moderator = UserFactory.create()
        for hours in (1, 2, 9):
            comment = comment_received(ago=dt.timedelta(hours=10))
            approve([comment], moderator)
            Decision.objects.filter(comment=comment).update(made_at=comment.created_at + dt.timedelta(hours=hours))
            trash([comment], moderator)
        mark_spam([comment_received(Status.APPROVED, ago=dt.timedelta(days=30))], moderator)
        assert statistics.outcomes().median_wait == dt.timedelta(hours=2)

    def test_replies_by_moderators_do_not_count(self) -> None:
        moderator = UserFactory.create(role="Moderator")
        reply(comment_received(ago=dt.timedelta(hours=4)), "Thank you.", moderator, settings=CommentSettings())
        outcomes = statistics.outcomes()
        assert outcomes.rules == {("pending", "approved"): 1}
        assert outcomes.median_wait is not None
        assert outcomes.median_wait >= dt.timedelta(hours=4)


class TestPage:
    PATH = "/admin/comments/queue/statistics/"

    def test_it_has_a_chart_and_a_table_with_the_same_counts(self, client: Client) -> None:
        client.force_login(UserFactory.create(role="Moderator"))
        comment_received(Status.APPROVED, ago=dt.timedelta())
        comment_received(Status.SPAM, ago=dt.timedelta())
        approve([comment_received()], UserFactory.create())
        page = read(client.get(self.PATH))
        chart = one(page, ".chart svg")
        assert chart.get("aria-labelledby") == "chart-title chart-desc"
        assert len(find(chart, "rect")) >= 2
        first = find(page, "table")[0]
        assert len(find(first, "tbody tr")) == statistics.WEEKS
        assert "half of the pending comments were decided within" in text(page)
        assert page.xpath("//@style") == []

    @pytest.mark.parametrize("count", [0, 1, 40])
    def test_it_takes_at_most_eight_queries(self, count: int, client: Client) -> None:
        moderator = UserFactory.create(role="Moderator")
        client.force_login(moderator)
        approve([comment_received() for _ in range(count)], moderator)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(self.PATH).status_code == 200
        assert len(queries) <= 8
