"""The filters of the lists of posts and pages."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.admin.trees import dashed, tree_order
from blog.models import Category, Entry, Post, Status
from core.date_filter import DateFilter
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
    """By author, offering everyone who has written something that the user may see."""

    title = _("author")
    parameter_name = "author"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        written = model_admin.get_queryset(request).filter(author=OuterRef("pk"))
        authors = User.objects.filter(Exists(written)).order_by("display_name", "username")
        return [(str(author.pk), str(author)) for author in authors]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset if chosen is None else queryset.filter(author=parse_id(chosen))


class LanguageFilter(admin.SimpleListFilter):
    """By language, offering those of entries that the user may see."""

    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        names = known_languages()
        used = model_admin.get_queryset(request).order_by("language")
        return [(code, names.get(code, code)) for code in used.values_list("language", flat=True).distinct() if code]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(language=self.value())


class PublicationFilter(DateFilter):
    """By the date of publication, offering the years in which something was published."""

    field = "published_at"

    def in_order(self, model_admin: Any) -> QuerySet[Any]:
        published = Entry.objects.filter(kind=model_admin.opts.model_name, status=Status.PUBLISHED)
        return published.order_by("published_at")
