"""The base of the admins of posts and pages."""

from collections.abc import Callable
from typing import Any, ClassVar, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.views.main import ChangeList
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog import publishing
from blog.admin.filters import LanguageFilter, StatusFilter
from blog.admin.results import changed_message, saved_message, state_of
from blog.models import TEXTS, Entry, Status
from blog.permissions import Anyone, may_delete, may_edit, may_publish, may_view
from blog.rendering.markups import markups


class EntryChangeList(ChangeList):
    """A list that does not read the texts."""

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        return super().get_queryset(request, *args, **kwargs).defer(*TEXTS)


class EntryAdmin(admin.ModelAdmin[Any]):
    """The admin of one kind of entry. Subclasses name its columns and the fields that only this kind has."""

    # The title and the fields of the fieldset between the text and the publication.
    own_fieldset: ClassVar[tuple[Any, list[str]]]

    list_filter: ClassVar[Any] = (StatusFilter, LanguageFilter)
    list_select_related = ("author",)
    list_per_page = 50
    readonly_fields = ("markup_label", "modified_at")
    # Chosen in a separate window, because there can be thousands.
    raw_id_fields = ("featured_picture",)
    actions = ["publish", "unpublish", "trash", "restore"]

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

    # The form

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the entry. Its row is locked while it is saved, because two people may save it at the same time."""
        entry = super().get_object(request, object_id, from_field)
        if entry is not None and request.method == "POST" and transaction.get_connection().in_atomic_block:
            entry.refresh_from_db(from_queryset=self.model._default_manager.select_for_update())
            entry.previous_state = state_of(entry)
        return entry

    def get_form(self, request: HttpRequest, obj: Entry | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.user = request.user  # type: ignore[attr-defined]  # an EntryForm
        if "published_at" in form.base_fields:
            form.base_fields["published_at"].help_text = _publication_time_help()
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Entry | None = None) -> Any:
        user = request.user
        editable = obj is None or may_edit(user, obj)
        writing = ["title", "source"]
        details = ["slug", "excerpt", "featured_picture", "language", "comments_open", *self.get_editor_fields(user)]
        if obj is not None:
            details += ["markup_label", "modified_at"]
            writing += ["version"] if editable else []
        # A form that can't be changed shows the time to everyone.
        publishing = ["status", "published_at"] if may_publish(user, self.model) or not editable else ["status"]
        own_title, own_fields = self.own_fieldset
        return [
            (None, {"fields": writing, "classes": ["writing"]}),
            (own_title, {"fields": own_fields}),
            (_("Publishing"), {"fields": publishing}),
            (_("Details"), {"fields": details}),
        ]

    def get_editor_fields(self, user: Anyone) -> list[str]:
        """Return the fields that only those can set who may change everyone's entries."""
        return ["author"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"author": request.user.pk, **super().get_changeform_initial_data(request)}

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "author":
            authors = self.model._default_manager.order_by().values("author")
            kwargs["queryset"] = User.objects.filter(Q(is_staff=True) | Q(pk__in=authors)).order_by(
                "display_name", "pk"
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "author":
            # Without the icons for changing and deleting users.
            field.widget = field.widget.widget
        return field

    def save_model(self, request: HttpRequest, obj: Entry, form: Any, change: bool) -> None:
        categories, tags = (form.cleaned_data.get(name) for name in ("categories", "tags"))
        publishing.save_entry(obj, cast("User", request.user), categories=categories, tags=tags)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the formsets. Categories and tags were saved together with the entry."""
        for formset in formsets:
            self.save_formset(request, form, formset, change=change)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            return super().response_add(request, obj, post_url_continue)
        return self._response_after_save(request, obj, saved_message(obj))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            return super().response_change(request, obj)
        return self._response_after_save(request, obj, saved_message(obj, obj.previous_state))

    def _response_after_save(self, request: HttpRequest, entry: Entry, message: SafeString) -> HttpResponse:
        """Say what happened, where Django would only say that something was changed."""
        self.message_user(request, message, messages.SUCCESS)
        if "_continue" in request.POST:
            url = reverse(f"admin:blog_{entry.kind}_change", args=[entry.pk])
        elif "_addanother" in request.POST:
            url = reverse(f"admin:blog_{entry.kind}_add")
        else:
            return self.response_post_save_change(request, entry)
        filters: dict[str, Any] = {"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}
        return HttpResponseRedirect(add_preserved_filters(filters, url))

    def view_on_site(self, obj: Any) -> str:
        """Return the URL of the page that readers see, or of its preview."""
        return str(obj.get_absolute_url() if obj.is_public else obj.get_preview_url())

    @admin.display(description=_("format"))
    def markup_label(self, entry: Entry) -> str:
        markup = markups.get(entry.markup)
        return markup.label if markup else entry.markup

    # The list

    @admin.display(description=_("title"), ordering="title")
    def title_or_placeholder(self, entry: Entry) -> str:
        return str(entry)

    @admin.display(description=_("status"), ordering="status")
    def status_label(self, entry: Entry) -> str:
        if entry.published_at and entry.is_scheduled:
            time = date_format(localtime(entry.published_at), "DATETIME_FORMAT")
            return gettext("Scheduled for %(time)s") % {"time": time}
        return entry.get_status_display()

    @admin.display(description=_("on the site"))
    def on_site(self, entry: Entry) -> SafeString:
        label = gettext("View") if entry.is_public else gettext("Preview")
        return format_html('<a href="{}" aria-label="{}: {}">{}</a>', self.view_on_site(entry), label, entry, label)

    # Actions

    @admin.action(description=_("Publish"), permissions=["publish"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        changed = self._change_status(request, queryset, publishing.publish, _("Published."))
        self._announce(request, Status.PUBLISHED, [entry for entry in changed if not entry.is_scheduled])
        self._announce(request, "scheduled", [entry for entry in changed if entry.is_scheduled])

    @admin.action(description=_("Unpublish"), permissions=["change"])
    def unpublish(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        changed = self._change_status(request, queryset, publishing.unpublish, _("Unpublished."))
        self._announce(request, "unpublished", changed)

    @admin.action(description=_("Move to trash"), permissions=["change"])
    def trash(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        changed = self._change_status(request, queryset, publishing.trash, _("Moved to the trash."))
        self._announce(request, Status.TRASH, changed)

    @admin.action(description=_("Restore as draft"), permissions=["change"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        changed = self._change_status(request, queryset, publishing.restore, _("Restored as a draft."))
        self._announce(request, "restored", changed)

    def _change_status(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        change_status: Callable[[QuerySet[Any], User], publishing.StatusChange],
        log_message: Any,
    ) -> list[Any]:
        """Change the status of these entries, log it for each and report those that were refused."""
        user = cast("User", request.user)
        with transaction.atomic():
            change = change_status(queryset, user)
            LogEntry.objects.log_actions(user.pk, change.changed, CHANGE, str(log_message))
        self._announce(request, "refused", change.refused, messages.WARNING)
        if not change.changed and not change.refused:
            self.message_user(request, gettext("Nothing was changed."), messages.WARNING)
        return change.changed

    def _announce(self, request: HttpRequest, result: str, entries: list[Any], level: int = messages.SUCCESS) -> None:
        if entries:
            self.message_user(request, changed_message(result, entries), level)

    # Deleting

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what would be deleted. Whatever belongs to an entry, such as comments, needs no further permission."""
        to_delete, counts, _needed, protected = super().get_deleted_objects(objs, request)
        refused = any(not self.has_delete_permission(request, entry) for entry in objs)
        return to_delete, counts, {self.opts.verbose_name} if refused else set(), protected


def _publication_time_help() -> str:
    return gettext(
        "Leave empty to publish immediately, or set a future time to schedule. It is now %(now)s in the site's time "
        "zone, %(zone)s."
    ) % {"zone": settings.TIME_ZONE.replace("_", " "), "now": date_format(localtime(), "DATETIME_FORMAT")}
