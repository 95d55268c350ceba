"""The page in the admin that converts a post or page to Markdown."""

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext, gettext_noop

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from blog.editing.conversion import Conversion, convert_to_markdown
from blog.models import Entry
from blog.permissions import may_edit
from blog.publishing import save_entry
from blog.rendering import SourceTooLongError, UnknownMarkupError
from core.admin import BaseAdmin
from core.admin_routes import route


class ConversionMixin(BaseAdmin[Any]):
    """Adds the conversion page to the admin of posts or pages."""

    @route("<int:pk>/convert/", "convert")
    def convert(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Preview an entry as Markdown, and convert it once that is confirmed and the conversion is lossless."""
        user = cast("User", request.user)
        entry = get_object_or_404(self.model._default_manager, pk=pk)
        if not may_edit(user, entry):
            raise PermissionDenied
        url = self._url("change", entry.pk)
        if entry.markup == "markdown":
            messages.info(request, gettext("This text is already in Markdown."))
            return HttpResponseRedirect(url)
        conversion, error = _try_to_convert(entry)
        version = entry.modified_at.isoformat()
        if request.method == "POST" and conversion is not None and conversion.is_lossless:
            if request.POST.get("version") == version and _save(entry, conversion, user):
                messages.success(request, gettext("Converted to Markdown. Readers see no difference."))
                return HttpResponseRedirect(url)
            error = gettext("Someone else changed this first, so nothing was converted. Look at the result again.")
        return self.own_page(
            request,
            "admin/blog/convert.html",
            gettext("Convert to Markdown"),
            subtitle=str(entry),
            entry=entry,
            entry_url=url,
            conversion=conversion,
            error=error,
            version=version,
        )


def _try_to_convert(entry: Entry) -> tuple[Conversion | None, str]:
    """Return the conversion, or None and the reason it is impossible."""
    try:
        return convert_to_markdown(entry.source, entry.markup, entry, entry.language), ""
    except SourceTooLongError as error:
        return None, str(error)
    except UnknownMarkupError:
        return None, gettext("This text is in a format that this site doesn't support, so it can't be converted.")


def _save(entry: Entry, conversion: Conversion, user: User) -> bool:
    """Save the converted text and log it. Return False and save nothing if the entry has changed in the meantime."""
    with transaction.atomic():
        stored = type(entry)._default_manager.select_for_update().get(pk=entry.pk)
        if stored.modified_at != entry.modified_at or not may_edit(user, stored):
            return False
        stored.markup, stored.source = "markdown", conversion.source
        save_entry(stored, user)
        record(Action.CHANGED, [stored], by=user, details=gettext_noop("Converted to Markdown."))
    return True
