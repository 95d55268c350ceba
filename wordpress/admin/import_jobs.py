"""Importing from WordPress in the admin, for owners without a shell: upload, preview, import, read the report."""

import uuid
from collections.abc import Iterator
from typing import Any, Final, TypeGuard, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe
from django_tasks_db.models import DBTaskResult

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from core.admin import BaseAdmin
from core.admin_routes import route
from core.dashboard import Concern
from core.kind_messages import KindMessages
from core.models import SiteSettings
from core.serving.rsgi import parse_size
from wordpress.importing.checklist import CHANGE_SETTINGS
from wordpress.models import ACTIVE_STATES, ImportJob, JobState, JobStep
from wordpress.uploads import lifecycle
from wordpress.uploads.display import job_display, job_progress, old_blog, state_label
from wordpress.uploads.folder import JobFolder
from wordpress.uploads.forms import ExportFilesForm, StartForm, too_large_message
from wordpress.uploads.tasks import create_job, start_step

# The steps that change the site. Reading or previewing an export does not.
_RECORDED: Final = {JobStep.IMPORT: Action.IMPORTED, JobStep.UNDO: Action.UNDONE}

# The tracebacks of task results are for the log; the page of an import tells owners what they need to know.
admin.site.unregister(DBTaskResult)


def may_import(user: User | AnonymousUser) -> TypeGuard[User]:
    """Return whether `user` may see, start and delete imports: only those who run the site, not the three roles.

    Exports contain drafts and e-mail addresses, and imported posts are published at once.
    """
    return isinstance(user, User) and user.is_staff and user.has_perm("wordpress.import_wordpress")


@admin.register(ImportJob)
class ImportJobAdmin(BaseAdmin[ImportJob]):
    kind_messages = KindMessages(add=_("Import from WordPress"))
    list_display = ("__str__", "state_label", "started_by", "uploaded_at")
    list_select_related = ("started_by",)
    list_per_page = 40

    def has_module_permission(self, request: HttpRequest, obj: ImportJob | None = None) -> bool:
        return may_import(request.user)

    has_view_permission = has_add_permission = has_change_permission = has_module_permission

    def has_delete_permission(self, request: HttpRequest, obj: ImportJob | None = None) -> bool:
        return may_import(request.user) and (obj is None or not lifecycle.is_active(obj))

    def _get_job(self, request: HttpRequest, pk: uuid.UUID) -> ImportJob:
        if not may_import(request.user):
            raise PermissionDenied
        return get_object_or_404(ImportJob.objects.select_related("started_by"), pk=pk)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportJob]:
        return super().get_queryset(request).defer("report", "contents", "options")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": gettext("WordPress imports"), **(extra_context or {})})

    @admin.display(description=_("state"), ordering="state")
    def state_label(self, job: ImportJob) -> SafeString:
        return format_html('<span class="state {}">{}</span>', job.state, state_label(job))

    @method_decorator(csrf_exempt)
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Check an upload's size and sender before its CSRF token, which can't be found without reading all of it."""
        if not may_import(request.user):
            raise PermissionDenied
        if (parse_size(request.META.get("CONTENT_LENGTH")) or 0) > settings.BROADSIDE_IMPORT_MAX_BYTES:
            return self._upload_page(request, ExportFilesForm(), error=too_large_message(), status=413)
        response: HttpResponse = csrf_protect(self._upload)(request)
        return response

    def _upload(self, request: HttpRequest) -> HttpResponse:
        form = ExportFilesForm(request.POST or None, request.FILES or None)
        if request.method != "POST" or not isinstance(request.user, User) or not form.is_valid():
            return self._upload_page(request, form)
        try:
            job, is_new = create_job(form.cleaned_data["key"], form.cleaned_data["exports"], request.user)
        except lifecycle.AnotherJobActiveError:
            return self._redirect_to_active_job(request)
        if is_new:
            self.log_addition(request, job, [{"added": {}}])
        return redirect(job)

    def _upload_page(self, request: HttpRequest, form: ExportFilesForm, **context: Any) -> HttpResponse:
        limit = settings.BROADSIDE_IMPORT_MAX_BYTES
        return self._page(request, "upload", form, max_bytes=limit, too_large=too_large_message(), **context)

    def _redirect_to_active_job(self, request: HttpRequest) -> HttpResponse:
        text = gettext("Another import is in progress. Wait until it has finished, or cancel it, then try again.")
        self.message_user(request, text, messages.WARNING)
        job = ImportJob.objects.filter(state__in=ACTIVE_STATES).first()
        return redirect(job or "admin:wordpress_importjob_changelist")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        try:
            job = self._get_job(request, uuid.UUID(object_id))
        except ValueError:
            raise Http404 from None
        return self._job_page(request, job, StartForm(job) if lifecycle.can_start(job) else None)

    def _job_page(self, request: HttpRequest, job: ImportJob, form: StartForm | None) -> HttpResponse:
        keep_days = settings.BROADSIDE_IMPORT_KEEP_DAYS
        return self._page(request, "job", form, job=job, display=job_display(job, request.user), keep_days=keep_days)

    def _page(self, request: HttpRequest, name: str, form: Any, status: int = 200, **context: Any) -> HttpResponse:
        template, title = f"admin/wordpress/import/{name}.html", gettext("Import from WordPress")
        return self.own_page(request, template, title, status_code=status, form=form, **context)

    @route("<uuid:pk>/start/", "start", require_POST)
    def start_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        job = self._get_job(request, pk)
        if not lifecycle.can_start(job):
            # The button was pressed twice, or someone else pressed it first. The job's page shows its current state.
            return redirect(job)
        form = StartForm(job, request.POST)
        if not form.is_valid():
            return self._job_page(request, job, form)
        return self._start(request, job, JobStep(form.cleaned_data["step"]), form.options)

    @route("<uuid:pk>/undo/", "undo", require_POST)
    def undo_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        job = self._get_job(request, pk)
        return self._start(request, job, JobStep.UNDO, {}) if lifecycle.can_undo(job) else redirect(job)

    def _start(self, request: HttpRequest, job: ImportJob, step: JobStep, options: dict[str, Any]) -> HttpResponse:
        try:
            is_started = start_step(job, step, request.user, options)
        except lifecycle.AnotherJobActiveError:
            return self._redirect_to_active_job(request)
        if is_started and (action := _RECORDED.get(step)):
            record(action, [job], by=cast("User", request.user))
        return redirect(job)

    @route("<uuid:pk>/take-title/", "take_title", require_POST)
    def take_title_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """Give this site the title and tagline of the blog that was imported."""
        job, user = self._get_job(request, pk), request.user
        if not (may_import(user) and user.has_perm(CHANGE_SETTINGS)):
            raise PermissionDenied
        blog, site = old_blog(job), SiteSettings.current()
        changed = [name for name, value in blog.settings.items() if getattr(site, name) != value] if blog else []
        if blog and changed:
            for name in changed:
                setattr(site, name, blog.settings[name])
            with transaction.atomic():
                site.save(update_fields=changed)
                text = gettext_noop("Adopted the title and tagline of the old blog.")
                record(Action.CHANGED, [site], by=user, details=text)
            self.message_user(request, gettext("This site now has the title and tagline of the old blog."))
        return redirect(job)

    @route("<uuid:pk>/cancel/", "cancel", require_POST)
    def cancel_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        job = self._get_job(request, pk)
        lifecycle.cancel(job)
        return redirect(job)

    @route("<uuid:pk>/progress/", "progress", require_safe)
    def progress_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        return JsonResponse(job_progress(self._get_job(request, pk)))

    @route("<uuid:pk>/report.json", "report", require_safe)
    def report_view(self, request: HttpRequest, pk: uuid.UUID) -> FileResponse:
        job = self._get_job(request, pk)
        try:
            file = JobFolder(job.pk).report.open("rb")
        except FileNotFoundError:
            raise Http404 from None
        return FileResponse(file, as_attachment=True, filename=f"import-{job.uploaded_at:%Y-%m-%d}.json")

    def delete_model(self, request: HttpRequest, obj: ImportJob) -> None:
        folder = JobFolder(obj.pk)
        super().delete_model(request, obj)
        folder.remove()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ImportJob]) -> None:
        for job in queryset:
            self.delete_model(request, job)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return redirect("admin:wordpress_importjob_change", object_id)


def unfinished_imports(request: HttpRequest) -> Iterator[Concern]:
    """Yield the newest import if it is waiting for the owner's decision."""
    job = ImportJob.objects.defer("report", "contents", "options").order_by("-uploaded_at").first()
    if job is not None and may_import(request.user) and job.state in {JobState.READY, JobState.INTERRUPTED}:
        text = gettext("The import of %(name)s: %(state)s") % {"name": job, "state": state_label(job)}
        yield Concern(text, reverse("admin:wordpress_importjob_change", args=[job.pk]))
