"""The translations of a post or page: linking it to others, and writing a new one."""

from collections.abc import Callable
from typing import Any, Final, cast

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext

from accounts.models import User
from blog.admin.results import state_label
from blog.editing import translations
from blog.editing.link_search import title_condition
from blog.editing.original_changes import (
    ChangedAgainError,
    bring_up_to_date,
    changes_since,
    translated_version,
)
from blog.models import Entry, Post, Status, date_in_lists
from blog.permissions import may_edit, may_view
from core.admin import BaseAdmin
from core.admin_routes import route
from core.languages import known_languages
from core.text import parse_id, parse_time

_MAX_FOUND: Final = 10
# What a translation has in common with its original, besides its text, its image, and its place. It is as protected.
_TAKEN_OVER: Final = ("password", "noindex", "comments_open")


class TranslationsMixin(BaseAdmin[Any]):
    """Adds a section to the panel. Its buttons submit to a separate page, from which a script takes the new section."""

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        entry = context["original"]
        if original := context["adminform"].form.original:
            link = '<a href="{}" target="_blank">{}<span class="visually-hidden"> {}</span></a>'
            opens = gettext("(opens in a new tab)")
            context["original_link"] = format_html(link, self._url("change", original.pk), original, opens)
            context["original_language"] = original.language_name
        if entry is not None and self.has_change_permission(request, entry):
            context["translations"] = self._section(request, entry)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return the initial values, including those that a new translation takes from the entry it translates."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        original = self._viewable(request, parse_id(request.GET.get("translation_of", "")))
        if original is None:
            return {**initial, "translation_of": None}
        initial["original_version"] = original.modified_at.isoformat()
        taken_over = {name: getattr(original, name) for name in _TAKEN_OVER}
        taken_over |= {"featured_picture": original.featured_picture_id, "parent": original.parent_id}
        taken_over["source"] = translations.text_to_translate(original)
        if isinstance(original, Post):
            taken_over["categories"] = [category.pk for category in original.categories.all()]
        return {**taken_over, **initial}

    @route("<int:pk>/translations/", "translations")
    def translations_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show, find, link and unlink translations of an entry. The other fields of the form are ignored."""
        entry = self.find_object(request, pk, self.has_change_permission)
        if "_link" in request.POST:
            return self._act(request, entry, "_link", lambda other, by: translations.link(entry, other, by))
        if "_unlink" in request.POST:
            return self._act(request, entry, "_unlink", translations.unlink)
        if "_original" in request.POST:
            return self._bring_up_to_date(request, entry, request.POST["_original"])
        if "_write" in request.POST:
            language = request.POST.get("translation_language", "")
            query = urlencode({"translation_of": str(pk), "language": language})
            return HttpResponseRedirect(f"{self._url('add')}?{query}")
        return self.own_page(
            request,
            "admin/blog/entry/translations_page.html",
            gettext("Translations"),
            subtitle=str(entry),
            object=entry,
            entry=entry,
            translations=self._section(request, entry),
        )

    @route("<int:pk>/original/", "original")
    def original_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show how the original of an entry has changed since its translation. A POST marks that as up to date."""
        entry = self.find_object(request, pk, self.has_change_permission)
        seen = translated_version(entry)
        original = self._viewable(request, seen.entry_id) if seen else None
        if seen is None or original is None:
            raise Http404
        if request.method == "POST":
            return self._bring_up_to_date(request, entry, str(original.pk))
        return self.own_page(
            request,
            "admin/blog/entry/original_page.html",
            gettext("Changes to the original"),
            subtitle=str(entry),
            object=entry,
            entry=entry,
            original=original,
            version=original.modified_at.isoformat(),
            changes=changes_since(seen, original, entry),
        )

    def _viewable(self, request: HttpRequest, pk: int) -> Any:
        """Return the entry with this ID, or None if it doesn't exist or the user may not view it."""
        entry = self.get_object(request, str(pk)) if pk else None
        return entry if entry is not None and may_view(request.user, entry) else None

    def _bring_up_to_date(self, request: HttpRequest, entry: Entry, chosen: str) -> HttpResponse:
        """Record that an entry is up to date with the version of a translation that the user has seen."""
        original = get_object_or_404(entry.translations(), pk=parse_id(chosen))
        user, seen_at = cast("User", request.user), parse_time(request.POST.get("original_version", ""))
        try:
            bring_up_to_date(entry, original, user, seen_at=seen_at)
        except ChangedAgainError:
            text = gettext("“%s” has changed again in the meantime. Look at the newest changes.") % original
            self.message_user(request, text, messages.WARNING)
            return HttpResponseRedirect(self._url("original", entry.pk))
        text = gettext("Marked as up to date with “%s”.") % original
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(self._url("translations", entry.pk))

    def _act(
        self, request: HttpRequest, entry: Entry, button: str, action: Callable[[Any, User], None]
    ) -> HttpResponse:
        other = self._viewable(request, parse_id(request.POST[button]))
        if other is None:
            raise Http404
        try:
            with transaction.atomic():
                action(other, cast("User", request.user))
                linked, unlinked = gettext("Linked to “%s” as a translation."), gettext("No longer linked to “%s”.")
                text = linked if button == "_link" else unlinked
                # Not everyone who sees the history of this entry may see the other one.
                self.log_change(request, entry, text % (other if other.is_public else other.language_name))
            self.message_user(request, text % other, messages.SUCCESS)
        except translations.LinkError as error:
            self.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(self._url("translations", entry.pk))

    def _section(self, request: HttpRequest, entry: Entry) -> dict[str, Any]:
        linked = list(entry.translations())
        seen = translated_version(entry)
        taken = {each.language for each in (entry, *linked)}
        searched = "_search" in request.POST
        words = request.POST.get("translation_words", "") if searched else ""
        found: list[Any] = []
        if searched:
            others: Any = self.get_queryset(request).exclude(pk__in=[each.pk for each in (entry, *linked)])
            others = others.filter(title_condition(words)).exclude(status=Status.TRASH)
            found = list(others.without_texts().order_by(date_in_lists().desc(), "-pk")[:_MAX_FOUND])
        in_use = set(self.model._default_manager.order_by().values_list("language", flat=True).distinct())
        languages = sorted(known_languages().items(), key=lambda language: language[0] not in in_use)
        return {
            "url": self._url("translations", entry.pk),
            "entry": entry,
            "original_url": self._url("original", entry.pk),
            "linked": [
                {
                    "entry": each,
                    "state": state_label(each),
                    "may_unlink": may_edit(request.user, each),
                    "may_be_original": may_view(request.user, each),
                    "shows_title": each.is_public or may_view(request.user, each),
                    "changes": changes_since(seen, each, entry) if seen and seen.entry_id == each.pk else None,
                }
                for each in linked
            ],
            "searched": searched,
            "words": words,
            "found": [
                {"entry": each, "state": state_label(each), "may_link": each.language and each.language not in taken}
                for each in found
            ],
            "languages": [(code, name) for code, name in languages if code not in taken],
            "may_write": self.has_add_permission(request),
        }
