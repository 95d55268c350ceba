"""Moving in from the admin, for owners without a shell: upload, try it out, import, read the report."""

import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from wordpress import imports, showing
from wordpress.folders import Folder
from wordpress.forms import StartForm, UploadForm, too_large
from wordpress.models import Import, State, Step
from wordpress.permissions import may_import

# The traces in there are for the log; what an owner needs to know stands on the page of an import.
admin.site.unregister(DBTaskResult)


@admin.register(Import)
class ImportAdmin(admin.ModelAdmin[Import]):
    list_display = ("__str__", "situation", "started_by", "uploaded_at")
    list_select_related = ("started_by",)
    list_per_page = 40

    # Who may do what

    def has_view_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        return may_import(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_import(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_import(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        return may_import(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        return may_import(request.user) and (obj is None or not imports.is_active(obj))

    def get_urls(self) -> list[URLPattern]:
        def view(function: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
            return self.admin_site.admin_view(function)

        return [
            path("<uuid:pk>/start/", view(require_POST(self.start_view)), name="wordpress_import_start"),
            path("<uuid:pk>/cancel/", view(require_POST(self.cancel_view)), name="wordpress_import_cancel"),
            path("<uuid:pk>/progress/", view(require_safe(self.progress_view)), name="wordpress_import_progress"),
            path("<uuid:pk>/report.json", view(require_safe(self.report_view)), name="wordpress_import_report"),
            *super().get_urls(),
        ]

    def _import(self, request: HttpRequest, pk: uuid.UUID) -> Import:
        if not may_import(request.user):
            raise PermissionDenied
        return get_object_or_404(Import.objects.select_related("started_by"), pk=pk)

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Import]:
        return super().get_queryset(request).defer("report", "found", "options")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": gettext("Imports from WordPress"), **(extra_context or {})})

    @admin.display(description=_("state"), ordering="state")
    def situation(self, found: Import) -> SafeString:
        return format_html('<span class="state {}">{}</span>', found.state, showing.headline(found))

    # Uploading

    @method_decorator(csrf_exempt)
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Judge an upload by its length and sender first: looking for its CSRF token would read all of it."""
        if not may_import(request.user):
            raise PermissionDenied
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.BROADSIDE_IMPORT_MAX_BYTES:
            return self._upload_page(request, UploadForm(), refused=too_large(), status=413)
        response: HttpResponse = csrf_protect(self._upload)(request)
        return response

    def _upload(self, request: HttpRequest) -> HttpResponse:
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method != "POST" or not isinstance(request.user, User) or not form.is_valid():
            return self._upload_page(request, form)
        try:
            found, new = imports.upload(form.cleaned_data["key"], form.cleaned_data["exports"], request.user)
        except imports.AnotherIsActive:
            return self._another(request)
        if new:
            self.log_addition(request, found, [{"added": {}}])
        return redirect(found)

    def _upload_page(self, request: HttpRequest, form: UploadForm, **context: Any) -> HttpResponse:
        limit = settings.BROADSIDE_IMPORT_MAX_BYTES
        return self._page(request, "upload", form, max_bytes=limit, too_large=too_large(), **context)

    def _another(self, request: HttpRequest) -> HttpResponse:
        text = gettext("Another import is under way. There is one at a time: wait until it is done, or cancel it.")
        self.message_user(request, text, messages.WARNING)
        found = Import.objects.filter(state__in=(State.WAITING, State.RUNNING)).first()
        return redirect(found or "admin:wordpress_import_changelist")

    # One import

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        try:
            found = self._import(request, uuid.UUID(object_id))
        except ValueError:
            raise Http404 from None
        return self._show(request, found, StartForm(found) if imports.can_start(found) else None)

    def _show(self, request: HttpRequest, found: Import, form: StartForm | None) -> HttpResponse:
        context = {"import": found, "shown": showing.Shown(found), "limit": settings.BROADSIDE_IMPORT_KEEP_DAYS}
        return self._page(request, "import", form, **context)

    def _page(self, request: HttpRequest, name: str, form: Any, status: int = 200, **context: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Import from WordPress"),
            "form": form,
            **context,
        }
        return TemplateResponse(request, f"admin/wordpress/import/{name}.html", context, status=status)

    def start_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        found = self._import(request, pk)
        if not imports.can_start(found):
            # A second click, or somebody else was quicker: the page says what goes on.
            return redirect(found)
        form = StartForm(found, request.POST)
        if not form.is_valid() or not isinstance(request.user, User):
            return self._show(request, found, form)
        try:
            imports.start(found, Step(form.cleaned_data["step"]), form.options, request.user)
        except imports.AnotherIsActive:
            return self._another(request)
        return redirect(found)

    def cancel_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        found = self._import(request, pk)
        imports.cancel(found)
        return redirect(found)

    def progress_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        return JsonResponse(showing.Shown(self._import(request, pk)).as_dict())

    def report_view(self, request: HttpRequest, pk: uuid.UUID) -> FileResponse:
        found = self._import(request, pk)
        try:
            file = Folder(found.pk).report.open("rb")
        except FileNotFoundError:
            raise Http404 from None
        return FileResponse(file, as_attachment=True, filename=f"import-{found.uploaded_at:%Y-%m-%d}.json")

    # Deleting

    def delete_model(self, request: HttpRequest, obj: Import) -> None:
        folder = Folder(obj.pk)
        super().delete_model(request, obj)
        folder.remove()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Import]) -> None:
        for found in queryset:
            self.delete_model(request, found)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:wordpress_import_change", args=[object_id]))
