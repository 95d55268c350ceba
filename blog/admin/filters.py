"""Filters for the lists of posts and pages."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from blog.admin.trees import dashed, tree_order
from blog.models import Category, Status


class StatusFilter(admin.SimpleListFilter):
    """By status, with scheduled entries as one of their own. The trash is only listed if it is chosen."""

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
                return queryset.published()  # type: ignore[attr-defined, no-any-return]  # likewise
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
        category = Category.objects.filter(pk=chosen).first() if chosen.isdecimal() else None
        return queryset.in_category(category) if category else queryset.none()  # type: ignore[attr-defined]  # likewise


class LanguageFilter(admin.SimpleListFilter):
    """By language, offering those in use."""

    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        names = dict(settings.LANGUAGES)
        used = model_admin.get_queryset(request).order_by("language").values_list("language", flat=True).distinct()
        return [(code, names.get(code, code)) for code in used if code]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(language=self.value())
