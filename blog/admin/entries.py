"""What the admin of posts and that of pages have in common."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.db import transaction
from django.db.models import Q, QuerySet
from django.forms import Field
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog import publishing
from blog.models import Entry
from blog.permissions import may_delete, may_edit, may_publish, may_view
from blog.rendering import get_markups

# Large, and not shown in a list.
TEXTS = ("source", "lead_html", "body_html", "extract", "excerpt")


class EntryList(ChangeList):
    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        return super().get_queryset(request, *args, **kwargs).defer(*TEXTS)


class EntryAdmin(admin.ModelAdmin[Any]):
    list_select_related = ("author",)
    list_per_page = 50
    # Chosen in a window of its own: a list of all would be as long as the library.
    raw_id_fields = ("featured_picture",)
    actions = ["publish", "withdraw", "trash", "restore"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EntryList

    # Who may do what

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
        """The entry, and while it is being saved with its row locked: two people at once is the normal case."""
        entry = super().get_object(request, object_id, from_field)
        if entry is not None and request.method == "POST" and transaction.get_connection().in_atomic_block:
            entry.refresh_from_db(from_queryset=self.model._default_manager.select_for_update())
        return entry

    def get_form(self, request: HttpRequest, obj: Entry | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.user = request.user  # type: ignore[attr-defined]  # an EntryForm
        if "published_at" in form.base_fields:
            _say_the_time_zone(form.base_fields["published_at"])
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"author": request.user.pk, **super().get_changeform_initial_data(request)}

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "author":
            wrote = self.model._default_manager.order_by().values("author")
            kwargs["queryset"] = User.objects.filter(Q(is_staff=True) | Q(pk__in=wrote)).order_by("display_name", "pk")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "author":
            # Without the signs to change and delete people beside it.
            field.widget = field.widget.widget
        return field

    def save_model(self, request: HttpRequest, obj: Entry, form: Any, change: bool) -> None:
        if not change and "author" not in form.fields and isinstance(request.user, User):
            obj.author = request.user
        super().save_model(request, obj, form, change)

    def view_on_site(self, obj: Any) -> str:
        """The page that readers see, or the preview of it."""
        return str(obj.get_absolute_url() if obj.is_public else obj.get_preview_url())

    @admin.display(description=_("written in"))
    def written_in(self, entry: Entry) -> str:
        markup = get_markups().get(entry.markup)
        return markup.label if markup else entry.markup

    # The list

    @admin.display(description=_("title"), ordering="title")
    def named(self, entry: Entry) -> str:
        return str(entry)

    @admin.display(description=_("status"), ordering="status")
    def state(self, entry: Entry) -> str:
        if entry.is_scheduled:
            return gettext("Scheduled for %(time)s") % {"time": _time(entry.published_at)}
        return entry.get_status_display()

    @admin.display(description=_("on the site"))
    def on_site(self, entry: Entry) -> SafeString:
        words = gettext("View") if entry.is_public else gettext("Preview")
        return format_html('<a href="{}" aria-label="{}: {}">{}</a>', self.view_on_site(entry), words, entry, words)

    # The actions

    @admin.action(description=_("Publish"), permissions=["publish"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        done = self._act(request, publishing.publish, queryset, _("Published."))
        said = ngettext("%d is published, or scheduled.", "%d are published, or scheduled.", done)
        self.message_user(request, said % done, messages.SUCCESS if done else messages.WARNING)

    @admin.action(description=_("Withdraw to draft"), permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        done = self._act(request, publishing.withdraw, queryset, _("Withdrawn to draft."))
        said = ngettext("%d is a draft now.", "%d are drafts now.", done)
        self.message_user(request, said % done, messages.SUCCESS if done else messages.WARNING)

    @admin.action(description=_("Move to trash"), permissions=["change"])
    def trash(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        done = self._act(request, publishing.trash, queryset, _("Moved to trash."))
        said = ngettext("%d is in the trash now.", "%d are in the trash now.", done)
        self.message_user(request, said % done, messages.SUCCESS if done else messages.WARNING)

    @admin.action(description=_("Restore from trash, as draft"), permissions=["change"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        done = self._act(request, publishing.restore, queryset, _("Restored from trash."))
        said = ngettext("%d is a draft again.", "%d are drafts again.", done)
        self.message_user(request, said % done, messages.SUCCESS if done else messages.WARNING)

    def _act(
        self,
        request: HttpRequest,
        action: Callable[[QuerySet[Any], User], publishing.Outcome],
        queryset: QuerySet[Any],
        noted: Any,
    ) -> int:
        """Do it, note it in each history, say what was refused. The number of those that were changed."""
        if not isinstance(request.user, User):
            return 0
        with transaction.atomic():
            outcome = action(queryset, request.user)
            LogEntry.objects.log_actions(request.user.pk, outcome.changed, CHANGE, str(noted))
        refused = len(outcome.refused)
        if refused:
            said = ngettext(
                "%d was left as it is: it is in the trash, or not yours to change.",
                "%d were left as they are: they are in the trash, or not yours to change.",
                refused,
            )
            self.message_user(request, said % refused, messages.WARNING)
        return len(outcome.changed)

    # Deleting

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What hangs on an entry goes with it: its comments need no permission of their own."""
        shown, counts, _needed, protected = super().get_deleted_objects(objs, request)
        refused = any(not self.has_delete_permission(request, entry) for entry in objs)
        return shown, counts, {self.opts.verbose_name} if refused else set(), protected

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        # One by one: `delete` tells the cache of it.
        with transaction.atomic():
            for entry in queryset:
                entry.delete()


def _time(moment: Any) -> str:
    return date_format(localtime(moment), "DATETIME_FORMAT")


def _say_the_time_zone(field: Field) -> None:
    field.help_text = gettext(
        "Times are those of %(zone)s, where it is %(now)s now. Empty: the moment you publish. A time to come: readers "
        "see it from then on."
    ) % {"zone": settings.TIME_ZONE.replace("_", " "), "now": date_format(localtime(), "DATETIME_FORMAT")}
