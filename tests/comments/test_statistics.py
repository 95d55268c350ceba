"""How moderating goes, in numbers."""

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


def came(status: Status = Status.PENDING, *, ago: dt.timedelta = dt.timedelta(hours=1), **more: object) -> Comment:
    comment: Comment = CommentFactory.create(status=status, created_at=timezone.now() - ago, **more)
    return comment


class TestByWeek:
    def test_each_comment_is_counted_in_its_week(self) -> None:
        monday = timezone.localdate() - dt.timedelta(days=timezone.localdate().weekday())
        midnight = timezone.make_aware(dt.datetime.combine(monday, dt.time()))
        for moment in (midnight, midnight - dt.timedelta(seconds=1), midnight - dt.timedelta(days=7)):
            CommentFactory.create(created_at=moment)
        CommentFactory.create(created_at=midnight, status=Status.SPAM)
        CommentFactory.create(created_at=midnight, status=Status.TRASH)
        weeks = statistics.by_week().weeks
        assert [week.counts for week in weeks[-3:]] == [[0, 0, 0], [2, 0, 0], [1, 0, 1]]
        assert weeks[-1].day == monday
        assert len(weeks) == statistics.WEEKS

    def test_older_and_future_ones_are_left_out(self) -> None:
        came(ago=dt.timedelta(weeks=statistics.WEEKS + 1))
        came(ago=dt.timedelta(weeks=-2))
        assert sum(sum(week.counts) for week in statistics.by_week().weeks) == 0

    def test_bars_stand_on_the_ground_and_the_highest_is_as_high_as_the_chart(self) -> None:
        for status in (Status.APPROVED, Status.APPROVED, Status.SPAM, Status.PENDING):
            came(status, ago=dt.timedelta())
        parts = statistics.by_week().weeks[-1].segments
        assert [part.status for part in parts] == [Status.APPROVED, Status.PENDING, Status.SPAM]
        assert parts[0].y + parts[0].height == statistics.CHART_HEIGHT
        assert parts[-1].y == 0
        assert sum(part.height for part in parts) == statistics.CHART_HEIGHT


class TestRecord:
    def test_what_was_said_at_first_meets_what_moderators_made_of_it(self) -> None:
        moderator = UserFactory.create()
        mark_spam([came(Status.APPROVED), came(Status.PENDING)], moderator)
        approve([came(Status.SPAM), came(Status.PENDING), came(Status.PENDING)], moderator)
        changed_mind = came(Status.PENDING)
        approve([changed_mind], moderator)
        trash([changed_mind], moderator)
        assert statistics.outcomes().rules == {
            ("approved", "spam"): 1,
            ("pending", "spam"): 1,
            ("spam", "approved"): 1,
            ("pending", "approved"): 2,
            ("pending", "trash"): 1,
        }

    def test_what_nobody_decided_or_took_back_is_left_out(self) -> None:
        came(Status.APPROVED)
        moderator = UserFactory.create()
        undo(approve([came()], moderator).batch, moderator)
        assert statistics.outcomes().rules == {}

    def test_so_is_what_was_brought_in_or_is_long_ago(self) -> None:
        moderator = UserFactory.create()
        approve([came(is_imported=True), came(ago=dt.timedelta(days=91))], moderator)
        assert statistics.outcomes() == statistics.Outcomes()

    def test_the_filter_is_looked_at_alone(self) -> None:
        def reasons(verdict: str) -> list[dict[str, str]]:
            return [
                {"check": "links", "verdict": "spam", "message": ""},
                {"check": "spam_filter", "verdict": verdict, "message": ""},
            ]

        mark_spam([came(reasons=reasons("spam")), came(reasons=reasons("hold")), came()], UserFactory.create())
        assert statistics.outcomes().spam_filter == {
            ("spam", "spam"): 1,
            ("pending", "spam"): 1,
            ("approved", "spam"): 1,
        }

    def test_the_median_is_of_the_first_decision_about_what_waited(self) -> None:
        moderator = UserFactory.create()
        for hours in (1, 2, 9):
            comment = came(ago=dt.timedelta(hours=10))
            approve([comment], moderator)
            Decision.objects.filter(comment=comment).update(made_at=comment.created_at + dt.timedelta(hours=hours))
            trash([comment], moderator)
        mark_spam([came(Status.APPROVED, ago=dt.timedelta(days=30))], moderator)
        assert statistics.outcomes().median_wait == dt.timedelta(hours=2)

    def test_a_moderator_s_own_reply_waited_for_nobody(self) -> None:
        moderator = UserFactory.create(role="Moderator")
        reply(came(ago=dt.timedelta(hours=4)), "Thank you.", moderator, settings=CommentSettings())
        record = statistics.outcomes()
        assert record.rules == {("pending", "approved"): 1}
        assert record.median_wait is not None
        assert record.median_wait >= dt.timedelta(hours=4)


class TestPage:
    PATH = "/admin/comments/queue/statistics/"

    def test_it_says_the_same_in_a_chart_and_in_a_table(self, client: Client) -> None:
        client.force_login(UserFactory.create(role="Moderator"))
        came(Status.APPROVED, ago=dt.timedelta())
        came(Status.SPAM, ago=dt.timedelta())
        approve([came()], UserFactory.create())
        page = read(client.get(self.PATH))
        chart = one(page, ".chart svg")
        assert chart.get("aria-labelledby") == "chart-title chart-desc"
        assert len(find(chart, "rect")) >= 2
        first = find(page, "table")[0]
        assert len(find(first, "tbody tr")) == statistics.WEEKS
        assert "half of the pending comments were decided within" in text(page)
        assert page.xpath("//@style") == []

    @pytest.mark.parametrize("number", [0, 1, 40])
    def test_it_takes_as_many_queries_whatever_came(self, number: int, client: Client) -> None:
        moderator = UserFactory.create(role="Moderator")
        client.force_login(moderator)
        approve([came() for _ in range(number)], moderator)
        with CaptureQueriesContext(connection) as done:
            assert client.get(self.PATH).status_code == 200
        assert len(done) <= 9
