"""The filters of the lists of posts and pages."""

import datetime as dt
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.admin.trees import dashed, tree_order
from blog.models import Category, Entry, Post, Status
from core.dates import format_month
from core.languages import known_languages
from core.text import parse_id


class StatusFilter(admin.SimpleListFilter):
    """By status, with “Scheduled” as a status of its own. The trash is listed only if it is chosen."""

    title = _("status")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*Status.choices, ("scheduled", _("Scheduled"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case None:
                return queryset.exclude(status=Status.TRASH)
            case "scheduled":
                return queryset.scheduled()  # type: ignore[attr-defined, no-any-return]  # an EntryQuerySet
            case Status.PUBLISHED:
                return queryset.published()  # type: ignore[attr-defined, no-any-return]  # as above
            case status:
                return queryset.filter(status=status)


class CategoryFilter(admin.SimpleListFilter):
    """By category, including its descendants."""

    title = _("category")
    parameter_name = "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(category.pk), dashed(category)) for category in Category.objects.order_by(tree_order())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if chosen is None:
            return queryset
        category = Category.objects.filter(pk=parse_id(chosen)).first()
        return queryset.in_category(category) if category else queryset.none()  # type: ignore[attr-defined]  # as above


class TagFilter(admin.SimpleListFilter):
    """By a tag, to which rows and the list of tags link. No others are offered, because there can be thousands."""

    title = _("tag")
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        chosen = request.GET.get(self.parameter_name)
        if chosen is None:
            return []
        tags: Any = Post._meta.get_field("tags").related_model
        return [(chosen, tags.objects.filter(pk=parse_id(chosen)).first() or chosen)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset if chosen is None else queryset.filter(tags=parse_id(chosen))


class AuthorFilter(admin.SimpleListFilter):
    """By author, offering everyone who has written something."""

    title = _("author")
    parameter_name = "author"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        written = Entry.objects.filter(author=OuterRef("pk"), kind=model_admin.opts.model_name)
        authors = User.objects.filter(Exists(written)).order_by("display_name", "username")
        return [(str(author.pk), str(author)) for author in authors]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset if chosen is None else queryset.filter(author=parse_id(chosen))


class LanguageFilter(admin.SimpleListFilter):
    """By language, offering those in use."""

    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        names = known_languages()
        used = Entry.objects.filter(kind=model_admin.opts.model_name).order_by("language")
        return [(code, names.get(code, code)) for code in used.values_list("language", flat=True).distinct() if code]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(language=self.value())


class DateFilter(admin.SimpleListFilter):
    """By the year of publication, or by a month such as `2019-10`, to which the calendar links."""

    title = _("date")
    parameter_name = "date"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        # Each end is a single row of an index.
        published = Entry.objects.filter(kind=model_admin.opts.model_name, status=Status.PUBLISHED)
        times = published.order_by("published_at").values_list("published_at", flat=True)
        first, last = times.first(), times.last()
        if first is None or last is None:
            return []
        latest, earliest = timezone.localtime(last).year, timezone.localtime(first).year
        years: list[tuple[str, Any]] = [(str(year), str(year)) for year in range(latest, earliest - 1, -1)]
        period = self._period()
        if period and self.value() not in dict(years):
            years.insert(0, (str(self.value()), format_month(period[0])))
        return years

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
        return queryset.filter(published_at__gte=period[0], published_at__lt=period[1]) if period else queryset.none()
