"""How moderating goes: what came week by week, what rules and moderators said of it, and how long it waited."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import TruncWeek
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from comments.models import Comment, Decision, Status
from comments.rules import learnt

WEEKS = 12
DAYS = 90
# Of how many of the newest comments it is read what the rules said.
LOOKED_THROUGH = 5_000
SHOWN = (Status.APPROVED, Status.PENDING, Status.SPAM)
# What rules may say at first, and what moderators may make of it.
SAID = {Status.APPROVED: _("Let through"), Status.PENDING: _("Held"), Status.SPAM: _("Called spam")}
DECIDED = (Status.APPROVED, Status.SPAM, Status.TRASH)
# The chart, in its own units.
HEIGHT, BAR, STEP = 120, 34, 50


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar of the chart: the comments of one status in one week."""

    status: Status
    number: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Week:
    """A bar: what came in the week that begins on `day`."""

    day: dt.date
    numbers: Counter[str]
    x: int
    parts: list[Part]

    @property
    def total(self) -> int:
        return self.numbers.total()

    @property
    def row(self) -> list[int]:
        """For the table: the number of each status of SHOWN."""
        return [self.numbers[status] for status in SHOWN]


@dataclass(frozen=True, slots=True)
class Chart:
    weeks: list[Week]
    most: int
    height: int = HEIGHT
    bar: int = BAR

    @property
    def width(self) -> int:
        return len(self.weeks) * STEP

    @property
    def statuses(self) -> tuple[Status, ...]:
        return SHOWN


def by_week() -> Chart:
    """What came in each of the last WEEKS weeks, by the status it has now; one query. Weeks begin on Monday."""
    today = timezone.localdate()
    this_week = today - dt.timedelta(days=today.weekday())
    days = [this_week - dt.timedelta(weeks=ago) for ago in reversed(range(WEEKS))]
    since = timezone.make_aware(dt.datetime.combine(days[0], dt.time()))
    came = Comment.objects.filter(created_at__gte=since, status__in=SHOWN).order_by()
    weekly: dict[dt.date, Counter[str]] = {day: Counter() for day in days}
    counted = came.annotate(week=TruncWeek("created_at")).values_list("week", "status").annotate(Count("pk"))
    for week, status, number in counted:
        # A comment may be of the future, with the clock of another site.
        if week.date() in weekly:
            weekly[week.date()][status] += number
    most = max(numbers.total() for numbers in weekly.values())
    weeks = [
        Week(day, numbers, place * STEP + (STEP - BAR) // 2, list(_parts(numbers, most)))
        for place, (day, numbers) in enumerate(weekly.items())
    ]
    return Chart(weeks, most)


def _parts(numbers: Counter[str], most: int) -> Iterator[Part]:
    y = float(HEIGHT)
    for status in SHOWN:
        height = round(HEIGHT * numbers[status] / most, 2) if most else 0.0
        y = round(y - height, 2)
        if height:
            yield Part(status, numbers[status], y, height)


@dataclass(slots=True)
class Record:
    """What moderators made of the newest comments: how many of (what was said at first, what they are).

    `rules` is what all rules together said, `learnt` what the filter alone did: `approved`, `pending` or `spam`.
    Only comments that somebody has decided about are in it. `waited` is the median time until the first decision
    of those that waited.
    """

    rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    learnt: Counter[tuple[str, str]] = field(default_factory=Counter)
    waited: dt.timedelta | None = None

    @property
    def tables(self) -> Iterator[tuple[str, list[tuple[str, list[int]]]]]:
        """For the page: both tables, each with a title and rows of a name and the numbers of DECIDED."""
        rules = gettext("What the rules said, and what moderators made of it")
        learnt = gettext("What the filter alone said, and what moderators made of it")
        for title, numbers in ((rules, self.rules), (learnt, self.learnt)):
            yield title, [(str(words), [numbers[said, became] for became in DECIDED]) for said, words in SAID.items()]


def record() -> Record:
    """Of the newest comments of the last DAYS that were written here; one query."""
    first = Decision.objects.filter(comment=OuterRef("pk")).order_by("pk")
    recent = Comment.objects.filter(created_at__gte=timezone.now() - dt.timedelta(days=DAYS), is_imported=False)
    looked_at = recent.annotate(
        said=Subquery(first.values("was")[:1]),
        decided_at=Subquery(first.values("made_at")[:1]),
        decided_by=Subquery(first.values("moderator")[:1]),
    ).order_by("-created_at", "-pk")
    fields = ("said", "status", "reasons", "created_at", "decided_at", "decided_by", "user")
    newest = looked_at.values_list(*fields)[:LOOKED_THROUGH]
    found = Record()
    seconds: list[float] = []
    for said, status, reasons, created_at, decided_at, decided_by, author in newest.iterator():
        # A moderator's own reply was approved by being written.
        if said is None or (author is not None and author == decided_by):
            continue
        if said == Status.PENDING:
            seconds.append((decided_at - created_at).total_seconds())
        if status == Status.PENDING:
            continue
        found.rules[said, status] += 1
        found.learnt[_learnt(reasons), status] += 1
    found.waited = dt.timedelta(seconds=median(seconds)) if seconds else None
    return found


def _learnt(reasons: list[dict[str, str]]) -> str:
    """What the filter said: the verdict of its check as the status it would lead to."""
    verdicts = {reason["verdict"] for reason in reasons if reason["check"] == learnt.__name__}
    return Status.SPAM if "spam" in verdicts else Status.PENDING if verdicts else Status.APPROVED
