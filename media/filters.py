"""The filters of the media library."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from media.file_types import FILE_TYPES, PICTURE_TYPES
from media.models import Picture, Upload
from media.trash import restorable
from media.uses import is_used

# In bytes. Larger files load slowly on a phone.
LARGE: Final = 1_000_000


class _Filter(admin.SimpleListFilter):
    # The values of the parameter, with their labels.
    options: Sequence[tuple[str, Any]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return self.options

    def condition(self, model: type[Upload], value: str) -> Q:
        raise NotImplementedError

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        known = {str(choice) for choice, _label in self.lookup_choices}
        return queryset.filter(self.condition(queryset.model, value)) if value in known else queryset


class TypeFilter(_Filter):
    title = pgettext_lazy("of a file", "type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        if model_admin.model is Picture:
            return [("jpeg", "JPEG"), ("png", "PNG"), ("webp", "WebP"), ("avif", "AVIF"), ("gif", "GIF")]
        return [("pdf", "PDF"), ("office", _("Other documents")), ("audio", _("Audio")), ("video", _("Video"))]

    def condition(self, model: type[Upload], value: str) -> Q:
        documents = {extension: each.media_type for extension, each in FILE_TYPES.items()}
        condition = Q(pk__in=[])
        for extension, media_type in (PICTURE_TYPES if model is Picture else documents).items():
            if _choice_of(media_type) == value:
                condition |= Q(file__endswith=extension)
        return condition


def _choice_of(media_type: str) -> str:
    """Return the choice of the filter that includes this type."""
    kind, _slash, name = media_type.partition("/")
    if kind in {"audio", "video"}:
        return kind
    return name if kind == "image" or name == "pdf" else "office"


class DeletedFilter(_Filter):
    """A filter that shows only deleted files, and hides them when it isn't used."""

    title = pgettext_lazy("of a file", "state")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        merged = [("merged", gettext("Merged into others"))] if model_admin.model is Picture else []
        return [("yes", gettext("Deleted")), *merged]

    def condition(self, model: type[Upload], value: str) -> Q:
        is_merged = Q(merged_into__isnull=value == "yes") if model is Picture else Q()
        return restorable() & is_merged

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = {str(choice) for choice, _label in self.lookup_choices}
        return super().queryset(request, queryset if self.value() in known else queryset.filter(deleted_at=None))


class MonthFilter(_Filter):
    title = _("month")
    parameter_name = "month"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        months = model_admin.model.objects.datetimes("uploaded_at", "month", order="DESC")
        return [(f"{month:%Y-%m}", date_format(month, "YEAR_MONTH_FORMAT")) for month in months]

    def condition(self, model: type[Upload], value: str) -> Q:
        year, month = map(int, value.split("-"))
        return Q(uploaded_at__year=year, uploaded_at__month=month)


class UseFilter(_Filter):
    title = _("use")
    parameter_name = "used"
    options = (("yes", _("In use")), ("no", _("Unused")))

    def condition(self, model: type[Upload], value: str) -> Q:
        # The list of images shows it for each of them.
        condition = Q(is_used=True) if model is Picture else is_used(model)
        return condition if value == "yes" else ~condition


class AltFilter(_Filter):
    title = _("alternative text")
    parameter_name = "alt"
    options = (("no", _("Missing")), ("yes", _("Present")))

    def condition(self, model: type[Upload], value: str) -> Q:
        return Q(alt="") if value == "no" else ~Q(alt="")


class CleanedFilter(_Filter):
    title = _("names and places")
    parameter_name = "cleaned"
    options = (("no", _("Not removed")),)

    def condition(self, model: type[Upload], value: str) -> Q:
        return ~Q(uncleaned_because="")


class SizeFilter(_Filter):
    title = _("size")
    parameter_name = "size"
    options = (("large", _("Larger than 1 MB")),)

    def condition(self, model: type[Upload], value: str) -> Q:
        return Q(size__gt=LARGE)
