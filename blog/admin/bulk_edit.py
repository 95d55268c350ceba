"""Bulk edit: making the same changes to all selected posts or pages, after a preview."""

from typing import Any, Final, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.actions import Action
from accounts.models import User
from blog.admin.entry_actions import MAX_SHOWN, EntryActions
from blog.admin.fields import ExistingTagsWidget, TagsField, possible_authors
from blog.admin.results import state_label
from blog.admin.trees import TreeCheckboxesField
from blog.editing import bulk_editing
from blog.editing.bulk_editing import BulkEdit, Changes
from blog.models import Category, Entry, Post, Status
from blog.permissions import UNDECIDED, edits_others, may_publish
from blog.publishing import in_batches

_NO_CHANGE: Final = ("", _("No change"))


class BulkEditForm(forms.Form):
    """Asks what to change, and offers only what `user` may change in entries of this kind."""

    add_categories = TreeCheckboxesField(Category.objects.all(), _("Add categories"))
    remove_categories = TreeCheckboxesField(Category.objects.all(), _("Remove categories"))
    add_tags = TagsField(
        label=_("Add tags"),
        required=False,
        help_text=_("Separate tags with commas. Tags that don't exist yet will be created."),
    )
    remove_tags = TagsField(label=_("Remove tags"), required=False, widget=ExistingTagsWidget)
    status = forms.ChoiceField(label=_("Status"), required=False)
    author = forms.ModelChoiceField(User.objects.none(), label=_("Author"), required=False, empty_label=_NO_CHANGE[1])
    comments = forms.ChoiceField(
        label=_("Comments"),
        required=False,
        choices=[_NO_CHANGE, ("open", _("Allow comments")), ("closed", _("Close comments"))],
    )

    def __init__(self, data: Any, user: User, model: type[Entry]) -> None:
        super().__init__(data, label_suffix="")
        fields: dict[str, Any] = self.fields
        if model is not Post:
            for name in ("add_categories", "remove_categories", "add_tags", "remove_tags"):
                del fields[name]
        elif not edits_others(user):
            del fields["author"]
        if "author" in fields:
            fields["author"].queryset = possible_authors(model)
        offered: list[Status] = [status for status in Status if status != Status.TRASH]
        if not may_publish(user, model):
            offered = list(UNDECIDED)
        fields["status"].choices = [_NO_CHANGE, *((status.value, status.label) for status in offered)]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        added, removed = data.get("add_categories") or (), data.get("remove_categories") or ()
        if both := set(added) & set(removed):
            names = ", ".join(sorted(str(category) for category in both))
            self.add_error(
                "remove_categories",
                gettext("You can't add and remove the same category: %(names)s.") % {"names": names},
            )
        added_names = {name.casefold() for name in data.get("add_tags") or ()}
        if both_names := [name for name in data.get("remove_tags") or () if name.casefold() in added_names]:
            self.add_error(
                "remove_tags",
                gettext("You can't add and remove the same tag: %(names)s.") % {"names": ", ".join(both_names)},
            )
        if not self.errors and not any(data.values()):
            raise ValidationError(gettext("Choose what to change."))
        return data

    def changes(self) -> Changes:
        """Return the changes that a valid form describes."""
        data = self.cleaned_data
        comments_open = {"open": True, "closed": False}.get(data["comments"])
        author = data.get("author")
        fields = {"author_id": author and author.pk, "status": data["status"] or None, "comments_open": comments_open}
        return Changes(
            add_categories=list(data.get("add_categories") or ()),
            remove_categories=list(data.get("remove_categories") or ()),
            add_tags=data.get("add_tags") or (),
            remove_tags=data.get("remove_tags") or (),
            fields={name: value for name, value in fields.items() if value is not None},
        )


class BulkEditAction(EntryActions):
    """The action “Edit…” of the lists."""

    @admin.action(description=_("Edit…"), permissions=["change"])
    def bulk_edit(self, request: HttpRequest, entries: QuerySet[Any]) -> HttpResponse | None:
        """Ask what to change, show which entries will change, and once confirmed, change and log them."""
        user = cast("User", request.user)
        form = BulkEditForm(request.POST if "edit" in request.POST else None, user, self.model)
        if not form.is_valid():
            return self._bulk_edit_page(request, entries, form, BulkEdit())
        changes = form.changes()
        if "confirm" not in request.POST:
            return self._bulk_edit_page(request, entries, form, bulk_editing.preview_edit(entries, user, changes))
        parts = in_batches(entries, lambda some: bulk_editing.edit(some, user, changes))
        self.report(request, parts, "edited", Action.CHANGED, gettext("Changed in bulk."))
        return None

    def _bulk_edit_page(
        self, request: HttpRequest, entries: QuerySet[Any], form: BulkEditForm, result: BulkEdit
    ) -> HttpResponse:
        return self.action_page(
            request,
            "admin/blog/bulk_edit.html",
            gettext("Edit %(name)s") % {"name": self.opts.verbose_name_plural},
            subtitle=gettext("Selected: %(n)d") % {"n": entries.count()},
            form=form,
            media=self.media + form.media,
            result=result,
            changed=[(entry, state_label(entry)) for entry in result.changed[:MAX_SHOWN]],
            refused=[(entry, state_label(entry)) for entry in result.refused[:MAX_SHOWN]],
        )
