"""Actions on posts and pages from their lists, one or several at once, and the messages that report their results."""

import uuid
from collections.abc import Callable, Iterable
from itertools import batched
from typing import Any, Final, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import ActionLocation
from django.contrib.admin.utils import NestedObjects
from django.db import router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from blog import publishing
from blog.admin.fields import languages
from blog.admin.forms import LanguageForm
from blog.admin.results import action_message, overtaken_message, step_message
from blog.editing import undoing
from blog.editing.duplicates import duplicate
from blog.editing.workflow import Step
from blog.models import Entry, Post, PostInCategory, ReviewNotice, Status, UndoableEdit
from blog.permissions import may_publish
from blog.rendering import SourceTooLongError, UnknownMarkupError
from core.admin import BaseAdmin, delete_selected, is_worth_mentioning
from core.admin_routes import route
from core.languages import known_languages
from core.text import parse_id

# How many of the entries that would change are listed in a preview.
MAX_SHOWN: Final = 100
# How many entries one transaction deletes, with all that belongs to them, such as comments.
_DELETED_AT_ONCE: Final = 50
# The actions that are available in the trash, and only there.
_IN_TRASH: Final = ("restore", "delete_selected")

type StatusAction = Callable[["EntryActions", HttpRequest, QuerySet[Any]], None]


def _status_action(
    change_status: Callable[[QuerySet[Any], User], publishing.BulkChange],
    permission: str,
    label: Any,
    result: str,
    recorded: Action,
) -> StatusAction:
    """Return an action that changes the status of entries, records it, and reports what was changed or refused."""

    @admin.action(description=label, permissions=[permission])
    def action(entry_admin: "EntryActions", request: HttpRequest, entries: QuerySet[Any]) -> None:
        user = cast("User", request.user)
        parts = publishing.in_batches(entries, lambda some: change_status(some, user))
        entry_admin.report(request, parts, result, recorded)

    return action


class EntryActions(BaseAdmin[Any]):
    """The actions of the lists of posts and pages. In the trash, entries can only be restored or deleted."""

    actions = ["bulk_edit", "publish", "unpublish", "set_language", "trash", "restore", "delete_selected"]

    publish = _status_action(publishing.publish, "publish", _("Publish"), Status.PUBLISHED, Action.PUBLISHED)
    unpublish = _status_action(publishing.unpublish, "change", _("Unpublish"), "unpublished", Action.UNPUBLISHED)
    trash = _status_action(publishing.trash, "change", _("Move to trash"), Status.TRASH, Action.TRASHED)
    restore = _status_action(publishing.restore, "change", _("Restore as draft"), "restored", Action.RESTORED)

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return may_publish(request.user, self.model)

    def get_actions(self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST) -> Any:
        """Return the actions that apply to the entries in the current list."""
        actions = super().get_actions(request, action_location=action_location)
        in_trash = request.GET.get("state") == Status.TRASH
        return {name: action for name, action in actions.items() if (name in _IN_TRASH) == in_trash}

    @admin.action(description=_("Delete permanently…"), permissions=["delete"])
    def delete_selected(self, request: HttpRequest, entries: QuerySet[Any]) -> HttpResponse | None:
        """List what will be deleted, and delete it once confirmed."""
        response: HttpResponse | None = delete_selected(self, request, entries)
        return response

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete entries, in short transactions. If this is interrupted, the others are still in the trash."""
        entries = self.model._default_manager
        for some in batched(sorted(queryset.order_by().values_list("pk", flat=True)), _DELETED_AT_ONCE):
            entries.filter(pk__in=some).delete()

    def report(
        self,
        request: HttpRequest,
        parts: Iterable[Callable[[], publishing.BulkChange]],
        result: str,
        recorded: Action,
        details: str = "",
    ) -> None:
        """Change entries, record the change, and report what was changed and what was refused.

        Each of the `parts` changes some of them, in a transaction of its own, so that others don't have to wait. If one
        fails, what was changed so far is recorded and reported, and repeating the action continues.
        """
        change, undoable = publishing.BulkChange(), None
        try:
            for change_some in parts:
                with transaction.atomic():
                    part = change_some()
                    latest = undoing.remember(part, undoable)
                    record(recorded, part.changed, by=cast("User", request.user), details=details)
                undoable = latest
                change.add(part)
        finally:
            self._report_change(request, change, result, self._undo_url(request, undoable))

    def _report_change(self, request: HttpRequest, change: publishing.BulkChange, result: str, undo_url: str) -> None:
        done: dict[str, list[Any]] = {result: [], "scheduled": []}
        for entry in change.changed:
            done["scheduled" if result == Status.PUBLISHED and entry.is_scheduled else result].append(entry)
        if change.refused:
            self.message_user(request, action_message("refused", change.refused), messages.WARNING)
        if texts := [action_message(name, some) for name, some in done.items() if some]:
            text = format_html_join(" ", "{}", ((each,) for each in texts))
            self.report_done(request, text, undo_url)
        if change.overtaken:
            self.message_user(request, overtaken_message(change.overtaken), messages.WARNING)
        if not (change.changed or change.refused or change.overtaken):
            self.message_user(request, gettext("Nothing was changed."), messages.WARNING)

    def report_step(self, request: HttpRequest, step: Step, entry: Entry, *, in_form: bool = False) -> None:
        """Report what happened to an entry that was saved, in its own form or in quick edit."""
        undoable: UndoableEdit | None = getattr(entry, "undoable", None)
        undo_url = self._undo_url(request, undoable, entry.pk if in_form and step != Step.TRASH else 0)
        self.report_done(request, step_message(step, entry, is_hidden=undoable is not None), undo_url)

    @route("undo/<uuid:edit>/", "undo", require_POST, permission="change")
    def undo_view(self, request: HttpRequest, edit: uuid.UUID) -> HttpResponse:
        """Undo an edit of one or more entries, and lead back to the list or, with `?entry=ID`, to the entry's form."""
        parts = undoing.undo_in_batches(edit, self.model, cast("User", request.user))
        self.report(request, parts, "undone", Action.UNDONE)
        if pk := parse_id(request.GET.get("entry", "")):
            return HttpResponseRedirect(self.with_filters(request, self._url("change", pk)))
        return self.redirect_to_list(request)

    def _undo_url(self, request: HttpRequest, undoable: UndoableEdit | None, back_to: int = 0) -> str:
        """Return the URL where a POST undoes this edit. It leads `back_to` the form of this entry, or to the list."""
        if undoable is None:
            return ""
        query = f"?entry={back_to}" if back_to else ""
        return self.with_filters(request, f"{self._url('undo', undoable.pk)}{query}")

    # The trash

    @route("<int:pk>/trash/", "trash", require_POST, permission="change")
    def trash_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Move the entry of one row of the list to the trash."""
        return self._act_on(self.trash, request, pk)

    @route("<int:pk>/restore/", "restore", require_POST, permission="change")
    def restore_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._act_on(self.restore, request, pk)

    def _act_on(self, action: Callable[..., None], request: HttpRequest, pk: int) -> HttpResponse:
        action(request, self.get_queryset(request).filter(pk=pk))
        return self.redirect_to_list(request)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what would be deleted: the titles of the entries, and the numbers of comments and other related rows.

        Deleting related rows needs no further permission. Rows that only link an entry to a tag or category, and review
        notices, are not mentioned.
        """
        entries: list[Entry] = list(objs)
        # Django's own function would also name each row, and take several queries for each post.
        collector: Any = NestedObjects(using=router.db_for_write(self.model), origin=entries)
        collector.collect(entries)
        counts = {
            model._meta.verbose_name_plural: len(rows)
            for model, rows in collector.model_objs.items()
            if is_worth_mentioning(model) and model not in {Post.tags.through, PostInCategory, ReviewNotice}
        }
        protected = [
            format_html('<a href="{}">{}</a>', self._url("change", each.pk), each) for each in collector.protected
        ]
        refused = any(not self.has_delete_permission(request, entry) for entry in entries)
        return [str(entry) for entry in entries], counts, {self.opts.verbose_name} if refused else set(), protected

    # Duplicating

    @route("<int:pk>/duplicate/", "duplicate", require_POST, permission="add")
    def duplicate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a draft with the content of an entry that this user sees, and open it for editing."""
        user = cast("User", request.user)
        entry = self.find_object(request, pk, self.has_view_permission)
        try:
            copy, is_new = duplicate(entry, user)
        except (SourceTooLongError, UnknownMarkupError):
            text = gettext(
                "“%s” can't be duplicated, because its text is too long or in a format that this site doesn't support."
            )
            self.message_user(request, text % entry, messages.ERROR)
            return self.redirect_to_list(request)
        if is_new:
            record(Action.ADDED, [copy], by=user)
            text = gettext("This is your draft with the same content as “%s”.") % entry
            self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(self.with_filters(request, self._url("change", copy.pk)))

    # The language

    @admin.action(description=_("Set language…"), permissions=["change"])
    def set_language(self, request: HttpRequest, entries: QuerySet[Any]) -> HttpResponse | None:
        """Ask for a language, show what would change, and once confirmed, set it and log it."""
        user = cast("User", request.user)
        form = LanguageForm(request.POST if "language" in request.POST else None)
        if not form.is_valid():
            return self._language_page(request, form, publishing.BulkChange())
        language = form.cleaned_data["language"]
        if "confirm" not in request.POST:
            return self._language_page(request, form, publishing.preview_language(entries, user, language))
        text = gettext("Language: %(name)s.") % {"name": dict(languages())[language]}
        parts = publishing.in_batches(entries, lambda some: publishing.set_language(some, user, language))
        self.report(request, parts, "language", Action.CHANGED, text)
        return None

    def _language_page(self, request: HttpRequest, form: LanguageForm, change: publishing.BulkChange) -> HttpResponse:
        names = known_languages()
        shown = [(entry, names.get(entry.language, entry.language)) for entry in change.changed[:MAX_SHOWN]]
        title = gettext("Set language")
        return self.action_page(request, "admin/blog/set_language.html", title, form=form, change=change, shown=shown)

    def action_page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        """Return the intermediate page of an action. As on Django's own, its form submits the selection again."""
        return self.own_page(
            request,
            template,
            title,
            action=request.POST["action"],
            selected=request.POST.getlist(ACTION_CHECKBOX_NAME),
            select_across=request.POST.get("select_across", "0"),
            **context,
        )
