"""Moderation statistics: comments by week, what rules and moderators decided, and how long comments were pending."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import TruncWeek
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from comments.models import Comment, CommentStatus, Decision
from comments.rules.judge import spam_filter

WEEKS = 12
DAYS = 90
# The outcomes are counted from this many of the newest comments.
MAX_COMMENTS = 5_000
CHART_STATUSES = (CommentStatus.APPROVED, CommentStatus.PENDING, CommentStatus.SPAM)
# What the rules may decide at first, and what moderators may make of it.
FIRST_DECISIONS = {
    CommentStatus.APPROVED: pgettext_lazy("a comment", "Published"),
    CommentStatus.PENDING: _("Held"),
    CommentStatus.SPAM: _("Marked as spam"),
}
FINAL_STATUSES = (CommentStatus.APPROVED, CommentStatus.SPAM, CommentStatus.TRASH)
# The chart, in the units of its SVG (templates/admin/comments/queue/statistics.html).
CHART_HEIGHT, BAR_MARGIN, BAR_STEP = 120, 8, 50


@dataclass(frozen=True, slots=True)
class Week:
    """The comments of the week that begins on `day`, counted by CHART_STATUSES, and their bar in the chart."""

    day: dt.date
    counts: list[int]
    x: int
    # The status, top and height of each part of the bar.
    segments: list[tuple[CommentStatus, float, float]]


def by_week() -> list[Week]:
    """Return the comments of each of the last WEEKS weeks by their current status; one query. Weeks begin on Monday."""
    today = timezone.localdate()
    this_week = today - dt.timedelta(days=today.weekday())
    days = [this_week - dt.timedelta(weeks=ago) for ago in reversed(range(WEEKS))]
    start = timezone.make_aware(dt.datetime.combine(days[0], dt.time()))
    comments = Comment.objects.filter(created_at__gte=start, status__in=CHART_STATUSES).order_by()
    by_status = comments.annotate(week=TruncWeek("created_at")).values_list("week", "status").annotate(Count("pk"))
    # Imported comments may have dates in the future, because of the other site's clock. Those weeks are not shown.
    weekly = {(week.date(), status): count for week, status, count in by_status}
    counts = {day: [weekly.get((day, status), 0) for status in CHART_STATUSES] for day in days}
    highest = max(1, *map(sum, counts.values()))
    return [
        Week(day, row, index * BAR_STEP + BAR_MARGIN, list(_segments(row, highest)))
        for index, (day, row) in enumerate(counts.items())
    ]


def _segments(counts: list[int], highest: int) -> Iterator[tuple[CommentStatus, float, float]]:
    y = float(CHART_HEIGHT)
    for status, count in zip(CHART_STATUSES, counts, strict=True):
        height = round(CHART_HEIGHT * count / highest, 2)
        y = round(y - height, 2)
        if height:
            yield status, y, height


@dataclass(slots=True)
class Outcomes:
    """What moderators made of the newest comments, counted by (first decision, current status).

    `rules` is what all rules decided together, `spam_filter` what the filter alone would have: `approved`, `pending`
    or `spam`. Only comments that a moderator has decided about count. `median_wait` is the median time until the first
    decision about those that were pending.
    """

    rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    spam_filter: Counter[tuple[str, str]] = field(default_factory=Counter)
    median_wait: dt.timedelta | None = None

    @property
    def tables(self) -> Iterator[tuple[str, list[tuple[str, list[int]]]]]:
        """Both tables for the page, each with a title and rows of a label and the counts of FINAL_STATUSES."""
        rules = gettext("What the rules decided, and what moderators made of it")
        spam_filter = gettext("What the spam filter alone would have decided, and what moderators made of it")
        for title, counts in ((rules, self.rules), (spam_filter, self.spam_filter)):
            by_first = {first: [counts[first, final] for final in FINAL_STATUSES] for first in FIRST_DECISIONS}
            yield title, [(str(label), by_first[first]) for first, label in FIRST_DECISIONS.items()]


def outcomes() -> Outcomes:
    """Return the outcomes of the newest comments of the last DAYS days that were written here; one query."""
    first_decision = Decision.objects.filter(comment=OuterRef("pk")).order_by("pk")
    recent = Comment.objects.filter(created_at__gte=timezone.now() - dt.timedelta(days=DAYS), is_imported=False)
    annotated = recent.annotate(
        first=Subquery(first_decision.values("was")[:1]),
        decided_at=Subquery(first_decision.values("made_at")[:1]),
        decided_by=Subquery(first_decision.values("moderator")[:1]),
    ).order_by("-created_at", "-pk")
    newest = annotated.values_list("first", "status", "reasons", "created_at", "decided_at", "decided_by", "user")
    result = Outcomes()
    waits: list[float] = []
    for first, status, reasons, created_at, decided_at, decided_by, author in newest[:MAX_COMMENTS].iterator():
        # Moderators approve their own replies by writing them.
        if first is None or (author is not None and author == decided_by):
            continue
        if first == CommentStatus.PENDING:
            waits.append((decided_at - created_at).total_seconds())
        if status == CommentStatus.PENDING:
            continue
        result.rules[first, status] += 1
        verdicts = {reason["verdict"] for reason in reasons if reason["check"] == spam_filter.__name__}
        by_filter = CommentStatus.PENDING if verdicts else CommentStatus.APPROVED
        result.spam_filter[CommentStatus.SPAM if "spam" in verdicts else by_filter, status] += 1
    result.median_wait = dt.timedelta(seconds=median(waits)) if waits else None
    return result
