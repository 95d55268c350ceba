"""Forms of the admin that overwrite nothing that someone else has saved since they were opened."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from core.database import wait_for_others
from core.versioned_form import VersionedForm


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

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        # The template shows the version, because it belongs to no fieldset.
        return [name for name in super().get_fields(request, obj) if name != "version"]
