"""Posts and pages in the admin."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog import publishing
from blog.admin.autosaving import AutosaveMixin, PresenceChangeList
from blog.admin.conversion import ConversionMixin
from blog.admin.entry_form import EntryFormAdmin
from blog.admin.forms import LANGUAGES, LanguageForm, PageForm, PostForm
from blog.admin.revisions import RevisionsMixin
from blog.admin.trees import dashed, indented, tree_order
from blog.models import TEXTS, Category, Entry, Page, Post, Status
from blog.permissions import Anyone, edits_others, may_delete, may_edit, may_publish, may_view

# What is said about entries by what was done. `name` is “post” or “page”, or their plural.
_MESSAGES: Final[dict[str, Any]] = {
    Status.PUBLISHED: ngettext_lazy("%(name)s published.", "%(count)d %(name)s published.", "count"),
    "scheduled": ngettext_lazy("%(name)s scheduled.", "%(count)d %(name)s scheduled.", "count"),
    "unpublished": ngettext_lazy("%(name)s unpublished.", "%(count)d %(name)s unpublished.", "count"),
    Status.TRASH: ngettext_lazy("%(name)s moved to the trash.", "%(count)d %(name)s moved to the trash.", "count"),
    "restored": ngettext_lazy("%(name)s restored as a draft.", "%(count)d %(name)s restored as drafts.", "count"),
    "language": ngettext_lazy(
        "The language of one %(name)s was set.", "The language of %(count)d %(name)s was set.", "count"
    ),
    "refused": ngettext_lazy(
        "One %(name)s was not changed: it is in the trash, or you don't have permission to change it.",
        "%(count)d %(name)s were not changed: they are in the trash, or you don't have permission to change them.",
        "count",
    ),
}


# How many of the entries that would change are listed.
_MAX_SHOWN: Final = 100


class StatusFilter(admin.SimpleListFilter):
    """By status, with scheduled entries as one of their own. The trash is only listed if it is chosen."""

    title = _("status")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*Status.choices, ("scheduled", _("Scheduled"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case None:
                return queryset.exclude(status=Status.TRASH)
            case "scheduled":
                return queryset.scheduled()  # type: ignore[attr-defined, no-any-return]  # an EntryQuerySet
            case Status.PUBLISHED:
                return queryset.published()  # type: ignore[attr-defined, no-any-return]  # likewise
            case status:
                return queryset.filter(status=status)


class CategoryFilter(admin.SimpleListFilter):
    """By category, including its descendants."""

    title = _("category")
    parameter_name = "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(category.pk), dashed(category)) for category in Category.objects.order_by(tree_order())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if chosen is None:
            return queryset
        category = Category.objects.filter(pk=chosen).first() if chosen.isdecimal() else None
        return queryset.in_category(category) if category else queryset.none()  # type: ignore[attr-defined]  # likewise


class LanguageFilter(admin.SimpleListFilter):
    """By language, offering those in use."""

    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        names = dict(settings.LANGUAGES)
        used = model_admin.get_queryset(request).order_by("language").values_list("language", flat=True).distinct()
        return [(code, names.get(code, code)) for code in used if code]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(language=self.value())


class EntryChangeList(PresenceChangeList):
    """A list that does not load the texts."""

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        return super().get_queryset(request, *args, **kwargs).defer(*TEXTS)


def _result_message(result: str, entries: Sequence[Entry]) -> str:
    """Return the message about at least one entry, with a link if there is only one."""
    entry, meta, count = entries[0], entries[0]._meta, len(entries)
    name = meta.verbose_name if count == 1 else meta.verbose_name_plural
    text: str = capfirst(_MESSAGES[result] % {"count": count, "name": name})
    if count > 1:
        return text
    label = gettext("View %(name)s") if entry.is_public else gettext("Preview %(name)s")
    url = entry.get_absolute_url() if entry.is_public else entry.get_preview_url()
    return format_html('{} <a href="{}">{}</a>', text, url, label % {"name": name})


def _status_action(
    change_status: Callable[[QuerySet[Any], User], publishing.BulkChange],
    permission: str,
    label: Any,
    result: str,
    log_message: Any,
) -> Callable[[admin.ModelAdmin[Any], HttpRequest, QuerySet[Any]], None]:
    """Return an action that changes the status of entries, logs it, and reports the result and what was refused."""

    @admin.action(description=label, permissions=[permission])
    def action(entry_admin: admin.ModelAdmin[Any], request: HttpRequest, entries: QuerySet[Any]) -> None:
        user = cast("User", request.user)
        with transaction.atomic():
            change = change_status(entries, user)
            LogEntry.objects.log_actions(user.pk, change.changed, CHANGE, str(log_message))
        results = (
            ("refused", change.refused, messages.WARNING),
            (result, [entry for entry in change.changed if not entry.is_scheduled], messages.SUCCESS),
            ("scheduled", [entry for entry in change.changed if entry.is_scheduled], messages.SUCCESS),
        )
        for name, some, level in results:
            if some:
                entry_admin.message_user(request, _result_message(name, some), level)
        if not change.changed and not change.refused:
            entry_admin.message_user(request, gettext("Nothing was changed."), messages.WARNING)

    return action


class EntryAdmin(RevisionsMixin, AutosaveMixin, ConversionMixin, EntryFormAdmin):
    """The base of the admins of posts and pages, which name the columns and the fields of their own kind."""

    list_filter: ClassVar[Any] = (StatusFilter, LanguageFilter)
    list_select_related = ("author",)
    list_per_page = 50
    actions = ["publish", "unpublish", "set_language", "trash", "restore"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EntryChangeList

    # Permissions

    def has_view_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return super().has_view_permission(request, obj) if obj is None else may_view(request.user, obj)

    def has_change_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return super().has_change_permission(request, obj) if obj is None else may_edit(request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return super().has_delete_permission(request, obj) if obj is None else may_delete(request.user, obj)

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return may_publish(request.user, self.model)

    # The list

    @admin.display(description=_("title"), ordering="title")
    def title_or_placeholder(self, entry: Entry) -> str:
        return str(entry)

    @admin.display(description=_("status"), ordering="status")
    def status_label(self, entry: Any) -> str:
        # Only lists look up who is editing.
        return f"{self._status_in_words(entry)} {getattr(entry, 'editing', '')}".rstrip()

    def _status_in_words(self, entry: Entry) -> str:
        if entry.published_at and entry.is_scheduled:
            time = date_format(localtime(entry.published_at), "DATETIME_FORMAT")
            return gettext("Scheduled for %(time)s") % {"time": time}
        return entry.get_status_display()

    @admin.display(description=_("on the site"))
    def on_site(self, entry: Entry) -> SafeString:
        label = gettext("View") if entry.is_public else gettext("Preview")
        return format_html('<a href="{}" aria-label="{}: {}">{}</a>', self.view_on_site(entry), label, entry, label)

    # Actions

    publish = _status_action(publishing.publish, "publish", _("Publish"), "published", _("Published."))
    unpublish = _status_action(publishing.unpublish, "change", _("Unpublish"), "unpublished", _("Unpublished."))
    trash = _status_action(publishing.trash, "change", _("Move to trash"), "trash", _("Moved to the trash."))
    restore = _status_action(publishing.restore, "change", _("Restore as draft"), "restored", _("Restored as a draft."))

    @admin.action(description=_("Set language…"), permissions=["change"])
    def set_language(self, request: HttpRequest, entries: QuerySet[Any]) -> HttpResponse | None:
        """Ask for a language, show what would change, and when that is confirmed, set it and log it."""
        user = cast("User", request.user)
        form = LanguageForm(request.POST if "language" in request.POST else None)
        if not form.is_valid():
            return self._language_page(request, form, publishing.BulkChange())
        language = form.cleaned_data["language"]
        if "confirm" not in request.POST:
            return self._language_page(request, form, publishing.preview_language(entries, user, language))
        text = gettext("Language: %(name)s.") % {"name": dict(LANGUAGES)[language]}
        with transaction.atomic():
            change = publishing.set_language(entries, user, language)
            LogEntry.objects.log_actions(user.pk, change.changed, CHANGE, text)
        if change.changed:
            self.message_user(request, _result_message("language", change.changed), messages.SUCCESS)
        if change.refused:
            self.message_user(request, _result_message("refused", change.refused), messages.WARNING)
        if not change.changed and not change.refused:
            self.message_user(request, gettext("Nothing was changed."), messages.WARNING)
        return None

    def _language_page(self, request: HttpRequest, form: LanguageForm, change: publishing.BulkChange) -> HttpResponse:
        names = dict(settings.LANGUAGES)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Set language"),
            "form": form,
            "change": change,
            "shown": [(entry, names.get(entry.language, entry.language)) for entry in change.changed[:_MAX_SHOWN]],
            # Sent again with the form, as Django's own action for deleting does.
            "action": request.POST["action"],
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "select_across": request.POST.get("select_across", "0"),
        }
        return render(request, "admin/blog/set_language.html", context)

    # Deleting

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what would be deleted. What belongs to an entry, such as comments, needs no further permission."""
        to_delete, counts, _needed, protected = super().get_deleted_objects(objs, request)
        refused = any(not self.has_delete_permission(request, entry) for entry in objs)
        return to_delete, counts, {self.opts.verbose_name} if refused else set(), protected


@admin.register(Post)
class PostAdmin(EntryAdmin):
    form = PostForm
    own_fieldsets = [(_("Categories"), ["categories"]), (_("Tags"), ["tags"])]
    date_hierarchy = "published_at"
    list_display = ("title_or_placeholder", "author", "status_label", "published_at", "comment_count", "on_site")
    list_filter = (StatusFilter, CategoryFilter, ("author", admin.RelatedOnlyFieldListFilter), LanguageFilter)
    search_fields = ("title", "slug")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        posts = super().get_queryset(request)
        return posts if edits_others(request.user) else posts.filter(author_id=request.user.pk)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Search the tags as well."""
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        if search_term:
            tagged = Post.tags.through._default_manager.filter(tag__name__icontains=search_term.strip())
            found = found | queryset.filter(Q(pk__in=tagged.values("content_object")))
        return found, may_have_duplicates

    def get_editor_fields(self, user: Anyone) -> list[str]:
        return ["sticky", "author"] if edits_others(user) else []


@admin.register(Page)
class PageAdmin(EntryAdmin):
    form = PageForm
    own_fieldsets = [(_("Page attributes"), ["parent", "menu_order"])]
    list_display = ("indented_title", "author", "status_label", "menu_order", "comment_count", "on_site")
    search_fields = ("title", "path")
    ordering = (tree_order(),)

    @admin.display(description=_("title"), ordering=tree_order())
    def indented_title(self, page: Page) -> SafeString:
        return indented(page)
