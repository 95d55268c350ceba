"""Exporting the site in the admin, for owners without a shell: starting, watching and downloading exports."""

import uuid
from typing import Any, TypeGuard, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.confirmation import confirmation_required
from accounts.models import User
from core.admin import BaseAdmin
from core.admin_routes import route
from core.slugs import slugify
from wordpress.downloads import jobs
from wordpress.downloads.formats import FORMATS
from wordpress.models import ExportJob
from wordpress.uploads import lifecycle
from wordpress.uploads.display import job_progress
from wordpress.uploads.folder import JobFolder

_MAX_SHOWN = 50


def may_export(user: User | AnonymousUser) -> TypeGuard[User]:
    """Return whether `user` may see, start and download exports: only those who run the site may.

    Exports contain drafts, e-mail addresses of commenters and the passwords of posts.
    """
    return isinstance(user, User) and user.is_staff and user.has_perm("wordpress.export_site")


class ExportForm(forms.Form):
    format = forms.ChoiceField(
        label=_("Format"),
        choices=[(name, each.label) for name, each in FORMATS.items()],
        help_text=_("WordPress and Broadside import the first one. The others are for static site generators."),
    )


@admin.register(ExportJob)
class ExportJobAdmin(BaseAdmin[ExportJob]):
    """Shows one page in place of Django's list."""

    has_only_own_views = True

    def has_module_permission(self, request: HttpRequest, obj: ExportJob | None = None) -> bool:
        return may_export(request.user)

    has_view_permission = has_change_permission = has_delete_permission = has_module_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def _get_job(self, request: HttpRequest, pk: uuid.UUID) -> ExportJob:
        if not may_export(request.user):
            raise PermissionDenied
        return get_object_or_404(ExportJob, pk=pk)

    @route("", "changelist", confirmation_required)
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the exports and the form that starts one."""
        if not may_export(request.user):
            raise PermissionDenied
        form = ExportForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            return self._start(request, request.user, form.cleaned_data["format"])
        jobs.tidy_up()
        exports = ExportJob.objects.select_related("started_by")[:_MAX_SHOWN]
        return self.own_page(
            request,
            "admin/wordpress/export.html",
            gettext("Export"),
            form=form,
            active=next((self._row(job) for job in exports if lifecycle.is_active(job)), None),
            finished=[self._row(job) for job in exports if not lifecycle.is_active(job)],
        )

    def _start(self, request: HttpRequest, user: User, format_name: str) -> HttpResponse:
        try:
            job = jobs.start(format_name, user)
        except lifecycle.AnotherJobActiveError:
            text = gettext("Another export is in progress. Wait until it has finished, or cancel it, then try again.")
            self.message_user(request, text, messages.WARNING)
        else:
            record(Action.EXPORTED, [job], by=user, details=format_name)
        return redirect("admin:wordpress_exportjob_changelist")

    def _row(self, job: ExportJob) -> dict[str, Any]:
        return {
            "job": job,
            "label": FORMATS[job.format].label,
            "progress": job_progress(job),
            "lacks_worker": lifecycle.lacks_worker(job),
            "is_cancelling": JobFolder(job.pk).is_cancel_requested(),
            "is_downloadable": jobs.is_downloadable(job),
            "is_elsewhere": jobs.is_elsewhere(job),
            "expires_at": jobs.expires_at(job),
        }

    @route("<uuid:pk>/progress/", "progress", require_safe)
    def progress_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        return JsonResponse(job_progress(self._get_job(request, pk)))

    @route("<uuid:pk>/download/", "download", require_safe, confirmation_required)
    def download_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse | FileResponse:
        job = self._get_job(request, pk)
        if not jobs.is_downloadable(job):
            raise Http404(gettext("This export has been deleted. Start another one."))
        kind, path_here = FORMATS[job.format], jobs.file_of(job)
        record(Action.DOWNLOADED, [job], by=cast("User", request.user), details=job.format)
        site = slugify(str(request.site.title)) or "site"  # type: ignore[attr-defined]  # the middleware adds the site
        name = f"{site}-{job.format}-{job.started_at:%Y-%m-%d}.{kind.suffix}"
        response = FileResponse(path_here.open("rb"), as_attachment=True, filename=name, content_type=kind.media_type)
        response.headers["Cache-Control"] = "private, no-store"
        return response

    @route("<uuid:pk>/cancel/", "cancel", require_POST)
    def cancel_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        lifecycle.cancel(self._get_job(request, pk))
        return redirect("admin:wordpress_exportjob_changelist")

    @route("<uuid:pk>/remove/", "remove", require_POST)
    def remove_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        job = self._get_job(request, pk)
        if not lifecycle.is_active(job):
            JobFolder(job.pk).remove()
            self.log_deletions(request, ExportJob.objects.filter(pk=job.pk))
            job.delete()
            self.message_user(request, gettext("Export deleted."), messages.SUCCESS)
        return redirect("admin:wordpress_exportjob_changelist")
