"""The page that shows the revisions of a post or page, and restores one."""

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext

from accounts.models import User
from blog import publishing
from blog.models import Entry, Revision
from blog.permissions import may_delete_revisions
from blog.revisions.describing import differences
from core.admin import BaseAdmin
from core.admin_routes import route
from core.dates import format_datetime_with_seconds
from core.text import parse_id

_PER_PAGE = 50


class RevisionsMixin(BaseAdmin[Any]):
    """Adds the revisions page for everyone who can see the entry. Restoring takes permission to change the entry."""

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        entry = context["original"]
        context["revisions_url"] = self._url("revisions", entry.pk) if entry is not None else ""
        return super().render_change_form(request, context, *args, **kwargs)

    @route("<int:object_id>/revisions/", "revisions")
    def revisions_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show the revisions of an entry and what one of them changed. A POST restores it, or deletes older ones."""
        if request.method != "POST":
            return self._revisions_page(request, self.find_object(request, object_id, self.has_view_permission))
        # `get_object` locks the entry, so that no newer text is saved in the meantime.
        with transaction.atomic():
            entry = self.find_object(request, object_id, self.has_view_permission)
            return self._delete_older(request, entry) if "delete" in request.POST else self._restore(request, entry)

    def _restore(self, request: HttpRequest, entry: Entry) -> HttpResponse:
        revision = self._posted_revision(request, entry)
        if request.POST.get("version") != entry.modified_at.isoformat():
            text = gettext(
                "Someone else changed this first, so nothing was restored. Look at the newest version, then decide "
                "again."
            )
            self.message_user(request, text, messages.WARNING)
            return HttpResponseRedirect(f"{self._url('revisions', entry.pk)}?revision={revision.pk}")
        publishing.restore_revision(revision, entry, cast("User", request.user))
        time = format_datetime_with_seconds(revision.created_at)
        self.log_change(request, entry, gettext("Restored the version of %(time)s.") % {"time": time})
        text = gettext("The version of %(time)s was restored. The version it replaced is still in the revisions.") % {
            "time": time
        }
        self.message_user(request, text, messages.SUCCESS)
        if entry.language != revision.settings["language"]:
            text = gettext("The language was not restored, because there is already a translation in that language.")
            self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(self._url("change", entry.pk))

    def _posted_revision(self, request: HttpRequest, entry: Entry) -> Revision:
        return get_object_or_404(Revision, entry=entry.pk, pk=parse_id(request.POST.get("revision", "")))

    def _delete_older(self, request: HttpRequest, entry: Entry) -> HttpResponse:
        if not may_delete_revisions(request.user, entry):
            raise PermissionDenied
        revision = self._posted_revision(request, entry)
        count, _by_model = Revision.objects.filter(entry=entry.pk, pk__lt=revision.pk).delete()
        self.log_change(request, entry, gettext("Deleted older revisions: %(count)d.") % {"count": count})
        self.message_user(request, gettext("Older revisions were deleted."), messages.SUCCESS)
        return HttpResponseRedirect(self._url("revisions", entry.pk))

    def _revisions_page(self, request: HttpRequest, entry: Entry) -> HttpResponse:
        revisions = Revision.objects.filter(entry=entry.pk).select_related("by").order_by("-pk")
        page = Paginator(revisions.defer("source", "settings"), _PER_PAGE).get_page(request.GET.get("p"))
        chosen = parse_id(request.GET.get("revision", ""))
        revision = (revisions.filter(pk=chosen) if chosen else revisions).first()
        current = Revision.of(entry, by=None)
        previous = revisions.filter(pk__lt=revision.pk).first() if revision else None
        with_current = "current" in request.GET
        found = []
        if revision and with_current:
            found = differences(revision, current)
        elif revision and previous:
            found = differences(previous, revision)
        is_current = revision is not None and revision.digest == current.digest
        return self.own_page(
            request,
            "admin/blog/revisions.html",
            gettext("Revisions"),
            subtitle=str(entry),
            object=entry,
            page=page,
            revision=revision,
            previous=previous,
            is_current=is_current,
            with_current=with_current,
            differences=found,
            version=entry.modified_at.isoformat(),
            may_restore=revision is not None and not is_current and self.has_change_permission(request, entry),
            may_delete=previous is not None and may_delete_revisions(request.user, entry),
        )
