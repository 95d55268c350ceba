"""A filter by date for lists of the admin, which reads two rows. Django's `date_hierarchy` reads them all."""

import datetime as dt
from abc import abstractmethod
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.dates import format_month


class DateFilter(admin.SimpleListFilter):
    """By the year of the datetime in `field`, or by a month such as `2019-10`. Offers the months of the chosen year."""

    title = _("date")
    parameter_name = "date"
    field: ClassVar[str]

    @abstractmethod
    def in_order(self, model_admin: Any) -> QuerySet[Any]:
        """Return the rows that determine which years are offered, the earliest first, in the order of an index."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        # Each end is a single row of the index.
        times = self.in_order(model_admin).values_list(self.field, flat=True)
        first, last = times.first(), times.last()
        if first is None or last is None:
            return []
        earliest, latest = timezone.localtime(first), timezone.localtime(last)
        chosen_year = str(self.value()).partition("-")[0]
        choices = []
        for year in range(latest.year, earliest.year - 1, -1):
            choices.append((str(year), str(year)))
            if str(year) == chosen_year:
                months = [dt.date(year, month, 1) for month in range(12, 0, -1)]
                choices += [(f"{month:%Y-%m}", format_month(month)) for month in months]
        return choices

    def _period(self) -> tuple[dt.datetime, dt.datetime] | None:
        """Return the start and end of the chosen year or month, or None if it doesn't exist."""
        year, _dash, month = str(self.value()).partition("-")
        try:
            first = dt.datetime(int(year), int(month or 1), 1)  # noqa: DTZ001  # made aware below
            after = first.replace(year=first.year + 1) if not month else (first + dt.timedelta(31)).replace(day=1)
        except (ValueError, OverflowError):
            return None
        # Times are stored in UTC, where the start of the year 1 can be out of range.
        return (timezone.make_aware(first), timezone.make_aware(after)) if first.year > dt.MINYEAR else None

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        period = self._period()
        if period is None:
            return queryset.none()
        return queryset.filter(**{f"{self.field}__gte": period[0], f"{self.field}__lt": period[1]})
