"""The calendar: the scheduled and published posts of a month, in the site's time zone."""

import datetime as dt
from calendar import Calendar
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format, get_format
from django.utils.translation import gettext

from blog.admin.entry_actions import EntryActions
from blog.models import Post, Status
from core.admin_routes import route
from core.dates import format_month


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar with its posts in order of time. Weeks also include days of the adjacent months."""

    date: dt.date
    posts: list[Post]
    is_today: bool
    is_in_month: bool


class CalendarView(EntryActions):
    """The “Calendar” page, with the posts that the user sees in the list."""

    @route("calendar/", "calendar", permission="view_or_change")
    def calendar_view(self, request: HttpRequest) -> HttpResponse:
        """Show the month `?month=2026-12`, by default the current one. All posts take one query."""
        today = timezone.localdate()
        try:
            first = dt.date.fromisoformat(f"{request.GET.get('month', f'{today:%Y-%m}')}-01")
            weeks = self._weeks(request, first, today)
            previous, following = first - dt.timedelta(1), first + dt.timedelta(31)
        except (ValueError, OverflowError) as error:
            raise Http404(gettext("That month doesn't exist.")) from error
        return self.own_page(
            request,
            "admin/blog/calendar.html",
            gettext("Calendar"),
            month=format_month(first),
            weeks=weeks,
            weekdays=[(date_format(day.date, "D"), date_format(day.date, "l")) for day in weeks[0]],
            is_empty=not any(day.posts for week in weeks for day in week),
            previous=(f"{previous:%Y-%m}", format_month(previous)),
            following=(f"{following:%Y-%m}", format_month(following)),
        )

    def _weeks(self, request: HttpRequest, first: dt.date, today: dt.date) -> list[list[Day]]:
        # Django counts from Sunday, Python from Monday.
        first_weekday = (int(get_format("FIRST_DAY_OF_WEEK")) - 1) % 7
        dates = Calendar(first_weekday).monthdatescalendar(first.year, first.month)
        start, end = (
            timezone.make_aware(dt.datetime.combine(day, dt.time()))
            for day in (dates[0][0], dates[-1][-1] + dt.timedelta(1))
        )
        posts: Any = self.get_queryset(request).filter(status=Status.PUBLISHED)
        posts = posts.filter(published_at__gte=start, published_at__lt=end).order_by("published_at", "pk")
        by_day: defaultdict[dt.date, list[Post]] = defaultdict(list)
        for post in posts.without_texts():
            by_day[timezone.localtime(post.published_at).date()].append(post)
        return [
            [Day(day, by_day[day], is_today=day == today, is_in_month=day.month == first.month) for day in week]
            for week in dates
        ]
