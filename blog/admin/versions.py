"""Forms that notice if someone else saved the same object after they were opened."""

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext as _


class VersionedForm(forms.ModelForm[Any]):
    """A form with the field `version`, which the admin shows to users who may change the object."""

    # The version that the object had when the form was opened.
    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["version"] = self.stored_version()

    @cached_property
    def changed_data(self) -> list[str]:
        return [name for name in super().changed_data if name != "version"]

    def stored_version(self) -> str:
        """Return a string that changes whenever the stored object does."""
        return str(self.instance.modified_at.isoformat())

    def conflict_message(self) -> str:
        """Return a sentence that describes the conflict."""
        return _("This was changed elsewhere after you opened it.")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        name = self.add_prefix("version")
        # A form that is submitted twice has no changes the second time, and so no conflict.
        if not self.instance.pk or not self.changed_data or self.data.get(name) == self.initial["version"]:
            return cleaned
        # The form is shown with the current version, so that it is saved if it is submitted again.
        self.data = cast("QueryDict", self.data).copy()
        self.data[name] = self.initial["version"]
        meta = self.instance._meta
        raise ValidationError(
            format_html(
                '{} {} <a href="{}" target="_blank">{}</a>',
                self.conflict_message(),
                _(
                    "Your version is still below, but hasn't been saved. Look at the other version and copy what you "
                    "need from it. If you save again, your version replaces it."
                ),
                reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[self.instance.pk]),
                _("Open the other version in a new window"),
            ),
            code="conflict",
        )
