"""Making issues: which posts are mailed, and who gets them.

Posts are mailed by date: `Period.until` is the date up to which they have been put into issues, usually minutes ago.
Posts that get an earlier date later, such as imported ones, are never mailed. Nothing else matters, so saving,
scheduling and importing posts need not notify this module. Digests contain only posts that were in an immediate issue.
"""

import datetime as dt
from functools import partial
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from blog.models import Post, Status
from blog.models.post import PostQuerySet
from core.clock import correct_future_times
from core.database import retry_on_conflict
from newsletter.models import Delivery, Frequency, Issue, IssueEntry, NewsletterSettings, Period
from newsletter.topics import followers_of

# How long a post is public before it is mailed: time to correct it, or to unpublish it.
SETTLE: Final = dt.timedelta(minutes=5)
# Posts older than this are never mailed, even if no worker ran in the meantime.
MAX_AGE: Final = dt.timedelta(days=14)
# The most posts in an issue. The others are only on the site.
MAX_POSTS: Final = 50
BATCH: Final = 500


def make() -> None:
    """Make the issues that are due, and a delivery of each for everyone who follows it. Safe to call concurrently."""
    # A clock that was ahead for a while must not stop the newsletter until that time.
    correct_future_times(NewsletterSettings.objects.all(), "on_since")
    settings = NewsletterSettings.current()
    if not settings.is_available:
        return
    now = timezone.now()
    Period.correct_times(now)
    for frequency in Frequency:
        _make_issue(frequency, settings, now)
    for issue in Issue.objects.filter(is_prepared=False).order_by("pk"):
        # A subscriber may be deleted at the same time.
        while retry_on_conflict(partial(_prepare_some, issue)):
            pass


def next_at() -> dt.datetime | None:
    """Return when an issue or a delivery next has to be made; None if no post is waiting."""
    settings = NewsletterSettings.current()
    if settings.is_available and Issue.objects.filter(is_prepared=False).exists():
        return timezone.now()
    return min(next_times(settings).values(), default=None)


def next_times(settings: NewsletterSettings) -> dict[str, dt.datetime]:
    """Return when the next issue of each frequency is made, without the frequencies for which no post is waiting."""
    if not settings.is_available:
        return {}
    until = dict(Period.objects.values_list("frequency", "until"))
    times = {}
    for frequency in Frequency:
        start = _start(settings, until.get(frequency), timezone.now())
        posts = _unmailed(frequency, start).order_by("published_at")
        if first := posts.values_list("published_at", flat=True).first():
            times[frequency.value] = _first_end(frequency, settings, first)
    return times


def _make_issue(frequency: Frequency, settings: NewsletterSettings, now: dt.datetime) -> None:
    """Put the posts published since the last issue into a new one, and advance the `Period`."""
    end = _last_end(frequency, settings, now)
    try:
        with transaction.atomic():
            first_time = {"until": _start(settings, None, now)}
            periods = Period.objects.select_for_update()
            period, _is_new = periods.get_or_create(frequency=frequency, defaults=first_time)
            start = _start(settings, period.until, now)
            if end <= start:
                return
            posts = _unmailed(frequency, start).filter(published_at__lte=end).newest_first()
            pks = list(posts.values_list("pk", flat=True)[:MAX_POSTS])
            if pks:
                issue = Issue.objects.create(frequency=frequency)
                rows = [IssueEntry(issue=issue, entry_id=pk, frequency=frequency) for pk in pks]
                IssueEntry.objects.bulk_create(rows)
            Period.objects.filter(pk=period.pk).update(until=end)
    except IntegrityError:
        # Another worker has just made the issue, or a post was deleted. The next run handles what is left.
        return


def _unmailed(frequency: str, start: dt.datetime) -> PostQuerySet:
    """Return the posts after `start` that will be in issues of this frequency, if they stay public."""
    posts = Post.objects.filter(status=Status.PUBLISHED, password="", published_at__gt=start)
    if frequency != Frequency.IMMEDIATELY:
        immediate = IssueEntry.objects.filter(frequency=Frequency.IMMEDIATELY).values("entry")
        later = Period.objects.filter(frequency=Frequency.IMMEDIATELY).values("until")
        posts = posts.filter(Q(pk__in=immediate) | Q(published_at__gt=Coalesce(Subquery(later), start)))
    # A post may have been mailed already, then unpublished and published again.
    return posts.exclude(pk__in=IssueEntry.objects.filter(frequency=frequency).values("entry"))


def _start(settings: NewsletterSettings, until: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """Return the date after which posts are mailed. `until` is that of the `Period`, if there is one yet."""
    times = [time for time in (until, settings.on_since) if time is not None]
    return max([now - MAX_AGE, *(times or [now])])


def _last_end(frequency: str, settings: NewsletterSettings, now: dt.datetime) -> dt.datetime:
    """Return the end of the last period that is over."""
    if frequency == Frequency.IMMEDIATELY:
        return now - SETTLE
    end = _at_hour(timezone.localdate(now), settings.hour)
    while end > now - SETTLE or (frequency == Frequency.WEEKLY and end.weekday() != settings.weekday):
        end = _at_hour(end.date() - dt.timedelta(days=1), settings.hour)
    return end


def _first_end(frequency: str, settings: NewsletterSettings, time: dt.datetime) -> dt.datetime:
    """Return when a post that is published at this time is put into an issue."""
    if frequency == Frequency.IMMEDIATELY:
        return time + SETTLE
    end = _at_hour(timezone.localdate(time), settings.hour)
    while end < time or (frequency == Frequency.WEEKLY and end.weekday() != settings.weekday):
        end = _at_hour(end.date() + dt.timedelta(days=1), settings.hour)
    return end + SETTLE


def _at_hour(day: dt.date, hour: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), timezone.get_current_timezone())


def _prepare_some(issue: Issue) -> bool:
    """Make the deliveries for the next subscribers, and return whether there may be more."""
    with transaction.atomic():
        issue = Issue.objects.select_for_update().get(pk=issue.pk)
        if issue.is_prepared:
            return False
        entries = list(issue.entries.only("kind", "author", "language"))
        followers = followers_of(entries, issue.frequency).filter(subscriber__gt=issue.prepared_up_to)
        pks = list(followers.order_by("subscriber").values_list("subscriber", flat=True).distinct()[:BATCH])
        deliveries = [Delivery(issue=issue, subscriber_id=pk) for pk in pks]
        Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)
        issue.is_prepared = len(pks) < BATCH
        issue.prepared_up_to = pks[-1] if pks else issue.prepared_up_to
        issue.save(update_fields=["is_prepared", "prepared_up_to"])
        return not issue.is_prepared
