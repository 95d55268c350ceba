"""Previews of posts and pages: of unsaved text in another tab, and links for people without an account."""

from collections.abc import Collection
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.models import User
from blog import publishing
from blog.admin.forms import EntryForm
from blog.caching import mark_private
from blog.editing import preview_links
from blog.editing.advice import advice_for
from blog.entry_pages import entry_response
from blog.models import Category, Entry, Post
from core.admin import BaseAdmin
from core.admin_routes import route
from core.dates import format_datetime
from core.models import SiteSettings
from core.site import SiteRequest
from core.slugs import slugify
from core.text import parse_id


def _days() -> list[tuple[int, str]]:
    return [(days, ngettext("%(n)d day", "%(n)d days", days) % {"n": days}) for days in (1, 3, 7, 30)]


class PreviewLinkForm(forms.Form):
    """Asks how long a new link works."""

    days = forms.TypedChoiceField(label=_("The link works for"), choices=_days, coerce=int, initial=7)


def review(entry: Entry, categories: Collection[Category] | None, tags: Collection[str] | None) -> dict[str, Any]:
    """Return the context of `_review.html` for an entry, saved or not. None stands for its stored terms."""
    is_stored_post = isinstance(entry, Post) and entry.pk
    if categories is None:
        categories = entry.categories.all() if is_stored_post else []
    if tags is None:
        tags = [tag.name for tag in entry.tags.all()] if is_stored_post else []
    advice = advice_for(entry, categories, tags)
    return {
        "advice": advice.sentences,
        "descriptions": advice.descriptions,
        "title": str(entry),
        "description": entry.excerpt or entry.auto_excerpt,
        "host": settings.SITE_HOST,
        "slug": entry.slug or slugify(entry.title),
        "picture": entry.featured_picture,
    }


class PreviewAdmin(BaseAdmin[Any]):
    """The previews of posts and pages."""

    def _unsaved(self, request: HttpRequest, pk: int | None) -> EntryForm:
        """Return the submitted form of a new entry or of the one with this ID, validated, if the user may save it."""
        entry = None if pk is None else self.find_object(request, pk, self.has_change_permission)
        if entry is None and not self.has_add_permission(request):
            raise PermissionDenied
        data = request.POST.copy()
        fields = flatten_fieldsets(self.get_fieldsets(request, entry))
        form = self.get_form(request, entry, change=entry is not None, fields=fields)(data, instance=entry)
        if entry is not None:
            # Ignore what others have saved in the meantime.
            data["version"] = form.initial["version"]
        form.full_clean()
        return cast("EntryForm", form)

    @route("preview/", "preview_new", require_POST)
    @route("<int:pk>/preview/", "preview", require_POST)
    def preview_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Show the submitted form as the page that readers would get if it were published. Nothing is saved."""
        form = self._unsaved(request, pk)
        if form.errors:
            errors = [(bound, bound.errors) for bound in form if bound.errors]
            template, title = "admin/blog/entry/preview_errors.html", gettext("Preview")
            return self.own_page(request, template, title, status_code=400, errors_by_field=errors, form=form)
        shown = form.save(commit=False)
        shown.is_unlocked = True
        categories, tags = (form.cleaned_data.get(name) for name in ("categories", "tags"))
        with publishing.as_published(shown, cast("User", request.user), categories=categories, tags=tags):
            # The page has a content version of its own, so nothing of it gets into the caches for readers.
            site_request = cast("SiteRequest", request)
            site_request.site = SiteSettings.current()
            # Readers don't see the staff bar.
            response = entry_response(site_request, shown, preview=True, is_unsaved=True, staff=None)
        mark_private(response)
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    @route("advice/", "advice_new", require_POST)
    @route("<int:pk>/advice/", "advice", require_POST)
    def advice_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Show advice about the submitted form, and how it will look elsewhere. The script puts it into the panel."""
        form = self._unsaved(request, pk)
        categories, tags = (form.cleaned_data.get(name) for name in ("categories", "tags"))
        shown = review(form.instance, categories, tags)
        return self.own_page(request, "admin/blog/entry/review_page.html", gettext("Before you publish"), review=shown)

    @route("<int:pk>/preview-links/", "preview_links")
    def preview_links_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """List, create and revoke the links with which people without an account can see this entry."""
        entry = self.find_object(request, pk, self.has_change_permission)
        form = PreviewLinkForm(request.POST if "days" in request.POST else None)
        if request.method == "POST" and "revoke" in request.POST:
            return self._revoke(request, entry)
        if form.is_valid():
            with transaction.atomic():
                preview_links.create(entry, cast("User", request.user), form.cleaned_data["days"])
                self.log_change(request, entry, gettext("Created a preview link."))
            self.message_user(request, gettext("Preview link created. Copy it and send it."), messages.SUCCESS)
            return HttpResponseRedirect(request.path)
        links = [
            (link, preview_links.url_of(link), format_datetime(link.expires_at))
            for link in preview_links.working_links(entry.preview_links.all())
        ]
        return self.own_page(
            request,
            "admin/blog/entry/preview_links.html",
            gettext("Preview links"),
            subtitle=str(entry),
            object=entry,
            entry=entry,
            form=form,
            links=links,
        )

    def _revoke(self, request: HttpRequest, entry: Entry) -> HttpResponse:
        link = get_object_or_404(entry.preview_links, pk=parse_id(request.POST["revoke"]))
        with transaction.atomic():
            link.delete()
            self.log_change(request, entry, gettext("Revoked a preview link."))
        self.message_user(request, gettext("Preview link revoked. It no longer works."), messages.SUCCESS)
        return HttpResponseRedirect(request.path)
