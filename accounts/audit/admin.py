"""The audit log in the admin. Owners read and export it; it can't be changed."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.actions import Action
from accounts.audit import recording
from accounts.audit.exporting import FORMATS
from accounts.audit.reading import with_people
from accounts.models import AuditRecord, User
from accounts.owners import is_owner, owners_only
from core.admin import ReadOnlyAdmin
from core.admin_routes import route
from core.change_list import FilterChangeList
from core.dates import format_datetime
from core.kind_messages import KindMessages
from core.text import parse_id


class PersonFilter(admin.SimpleListFilter):
    """Shows what one person did, and what was done to their account. Erased accounts are found by their ID."""

    title = _("person")
    parameter_name = "person"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        people = User.objects.filter(is_staff=True).order_by("display_name", "pk")
        others = [("server", _("The server")), ("strangers", _("People who were not logged in"))]
        return [*((str(person.pk), str(person)) for person in people), *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditRecord]) -> QuerySet[AuditRecord]:
        value = self.value()
        if value is None:
            return queryset
        if value == "server":
            return queryset.filter(person=None, role=AuditRecord.SERVER)
        if value == "strangers":
            return queryset.filter(person=None, role="")
        pk = parse_id(value)
        return queryset.filter(Q(person=pk) | Q(kind=AuditRecord.PERSON, object_id=str(pk))) if pk else queryset.none()


class AuditChangeList(FilterChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = with_people(self.result_list)


class AuditRecordAdmin(ReadOnlyAdmin):
    kind_messages = KindMessages(empty=_("Nothing has been recorded yet."))
    list_display = ("time_cell", "who_cell", "role_cell", "text_cell", "kind_cell", "object_cell")
    list_display_links = None
    list_filter = (PersonFilter, "action", "at")
    search_fields = ("title", "details")
    search_help_text = _("Searches object names and details.")
    # Sorting a million records by any other column would be slow.
    sortable_by = ()
    actions = None
    list_per_page = 100
    list_max_show_all = 0
    # Records have no pages of their own.
    has_only_own_views = True

    class Media:
        css = {"all": ["admin-broadside/audit_log.css"]}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_owner(request)

    has_module_permission = has_view_permission

    @route("", "changelist")
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": gettext("Audit log"), **(extra_context or {})})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[AuditChangeList]:
        return AuditChangeList

    @route("export/<slug:format_name>/", "export", require_GET, owners_only)
    def export_view(self, request: HttpRequest, format_name: str) -> StreamingHttpResponse:
        """Export the records of all pages of the list, with the same filters. The export itself is recorded, too."""
        if format_name not in FORMATS:
            raise Http404
        try:
            records = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            raise Http404 from None
        user: Any = request.user
        recording.record(Action.EXPORTED, [AuditRecord()], by=user)
        kind = FORMATS[format_name]
        name = f"audit-log-{timezone.localdate():%Y-%m-%d}.{format_name}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
        return StreamingHttpResponse(kind.write(records), content_type=kind.media_type, headers=headers)

    @admin.display(description=_("time"))
    def time_cell(self, record: AuditRecord) -> str:
        return format_datetime(record.at)

    @admin.display(description=_("person"))
    def who_cell(self, record: AuditRecord) -> str:
        return format_html("<bdi>{}</bdi>", record.who)

    @admin.display(description=_("role"))
    def role_cell(self, record: AuditRecord) -> str:
        return record.role_label

    @admin.display(description=_("action"))
    def text_cell(self, record: AuditRecord) -> str:
        return format_html("<bdi>{}</bdi>", record.text)

    @admin.display(description=_("kind"))
    def kind_cell(self, record: AuditRecord) -> str:
        return capfirst(record.kind_label)

    @admin.display(description=_("object"))
    def object_cell(self, record: AuditRecord) -> str:
        if record.count is not None and not record.object_id:
            return gettext("A name without an account")
        if url := record.admin_url:
            return format_html('<a href="{}"><bdi>{}</bdi></a>', url, record.what)
        return format_html("<bdi>{}</bdi>", record.what)
