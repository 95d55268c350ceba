"""Forms of the admin that overwrite nothing that someone else has saved since they were opened."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from core.database import wait_for_others
from core.sent_forms import sent_context
from core.versioned_form import CONFLICT, Change, Merge, VersionedForm


class VersionedAdmin[Model: models.Model](admin.ModelAdmin[Model]):
    form: type[forms.ModelForm[Any]] = VersionedForm

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Model | None:
        self.wait_for_others(request, object_id)
        # Django looks for a field without a name if `_to_field` is empty.
        return super().get_object(request, object_id, from_field or None)

    def wait_for_others(self, request: HttpRequest, object_id: str) -> None:
        """Before a form is saved, wait for others that save the same one, so that it is compared with theirs."""
        if request.method == "POST":
            wait_for_others(f"form {self.opts.label_lower} {object_id}")

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show what was merged, in the form or in its rows. If nothing has to be corrected, the page says so."""
        form, rows = context["adminform"].form, [each.formset for each in context["inline_admin_formsets"]]
        for each in rows:
            if merge := getattr(each, "merge", None):
                form.merge = form.merge or Merge()
                form.merge.add(merge)
        errors = [*form.errors.as_data().values(), *(each.non_form_errors().as_data() for each in rows)]
        errors += [found for each in rows for row in each.errors for found in row.as_data().values()]
        if {error.code for found in errors for error in found} == {CONFLICT}:
            context["errors"] = []
        return super().render_change_form(request, context, *args, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the rows, and say which of them only someone else has changed since the form was opened."""
        super().save_related(request, form, formsets, change)
        merges: list[Merge] = [rows.merge for rows in formsets if getattr(rows, "merge", None)]
        texts = [f"{each.label}: {each.text}" for merge in merges for each in merge.theirs if isinstance(each, Change)]
        if texts:
            text = gettext("Someone else changed something here after you opened it. It was kept: %s.")
            self.message_user(request, text % "; ".join(texts), messages.INFO)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """Show the text in the form of an object that was deleted in the meantime. Without any, redirect."""
        sent = sent_context(request)
        if not any(each.kind == "text" for each in sent["sent"]):
            return super()._get_obj_does_not_exist_redirect(request, opts, object_id)  # type: ignore[misc,no-any-return]  # missing in the stubs
        context = {
            **self.admin_site.each_context(request),
            **sent,
            "sent_to": "",
            "title": gettext("Nothing was saved"),
            "text": gettext("What you were editing was deleted in the meantime. Copy what you still need from here."),
        }
        return TemplateResponse(request, "admin/error.html", context, status=404)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        # The template shows the version, because it belongs to no fieldset.
        return [name for name in super().get_fields(request, obj) if name != "version"]
