"""The page in the admin that converts a post or page to Markdown."""

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from blog.conversion import Conversion, convert_to_markdown
from blog.models import Entry
from blog.permissions import may_edit
from blog.publishing import save_entry
from blog.rendering import SourceTooLongError, UnknownMarkupError


class ConversionMixin:
    """Adds the page to the admin of posts or pages."""

    model: Any
    opts: Any
    admin_site: Any

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.convert)
        name = f"blog_{self.opts.model_name}_convert"
        urls: list[URLPattern] = super().get_urls()  # type: ignore[misc]  # of ModelAdmin
        return [path("<int:entry_id>/convert/", view, name=name), *urls]

    def convert(self, request: HttpRequest, entry_id: int) -> HttpResponse:
        """Show what an entry becomes in Markdown, and convert it when that is confirmed and nothing gets lost."""
        user = cast("User", request.user)
        entry = self.model._default_manager.filter(pk=entry_id).first()
        if entry is None:
            raise Http404
        if not may_edit(user, entry):
            raise PermissionDenied
        url = reverse(f"admin:blog_{self.opts.model_name}_change", args=[entry.pk])
        if entry.markup == "markdown":
            messages.info(request, gettext("This text is in Markdown already."))
            return HttpResponseRedirect(url)
        conversion, error = _try_to_convert(entry)
        version = entry.modified_at.isoformat()
        if request.method == "POST" and conversion is not None and conversion.is_lossless:
            if request.POST.get("version") == version and _save(entry, conversion, user):
                messages.success(request, gettext("Converted to Markdown. Readers see the same as before."))
                return HttpResponseRedirect(url)
            error = gettext("Someone else changed this first, so nothing was converted. Look at the result again.")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Convert to Markdown"),
            "entry": entry,
            "entry_url": url,
            "conversion": conversion,
            "error": error,
            "version": version,
        }
        return render(request, "admin/blog/convert.html", context)


def _try_to_convert(entry: Entry) -> tuple[Conversion | None, str]:
    """Return the conversion, or None and the reason why there is none."""
    try:
        return convert_to_markdown(entry.source, entry.markup, entry, entry.language), ""
    except SourceTooLongError as error:
        return None, str(error)
    except UnknownMarkupError:
        return None, gettext("This text is in a format that this site doesn't support, so it can't be converted.")


def _save(entry: Entry, conversion: Conversion, user: User) -> bool:
    """Save the converted text and log it. Return False, with nothing saved, if the entry was changed meanwhile."""
    with transaction.atomic():
        stored = type(entry)._default_manager.select_for_update().get(pk=entry.pk)
        if stored.modified_at != entry.modified_at or not may_edit(user, stored):
            return False
        stored.markup, stored.source = "markdown", conversion.source
        save_entry(stored, user)
        record(Action.CHANGED, [stored], by=user, details=gettext("Converted to Markdown."))
    return True
