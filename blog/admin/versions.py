"""Two people at one thing: a form notices that it was saved from elsewhere since somebody opened it."""

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _


class VersionField(forms.CharField):
    """What the stored thing was like when the form was opened. Part of the form, not of what is written."""

    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class VersionedForm(forms.ModelForm[Any]):
    """The admin shows the field `version` to those who may change something."""

    version = VersionField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["version"] = self.stored_version()

    def stored_version(self) -> str:
        """What is another one whenever something else is stored."""
        return str(self.instance.modified_at.isoformat())

    def saved_meanwhile(self) -> str:
        """The sentence that says so."""
        return _("This was saved from elsewhere after you had opened it.")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        # Somebody who sent the same twice has changed nothing in between.
        sent = self.data.get(self.add_prefix("version"))
        if self.instance.pk and sent != self.initial["version"] and self.changed_data:
            self._say_what_happened()
        return cleaned

    def _say_what_happened(self) -> None:
        # Sent once more, the form means it: it now knows of the other version.
        sent = cast("QueryDict", self.data).copy()
        sent[self.add_prefix("version")] = self.initial["version"]
        self.data = sent
        meta = self.instance._meta
        raise ValidationError(
            format_html(
                '{} {} <a href="{}" target="_blank">{}</a>',
                self.saved_meanwhile(),
                _(
                    "Nothing of yours is lost: it stands below and is not saved yet. Look at the other version and "
                    "take over what you need; when you save again, yours takes its place."
                ),
                reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[self.instance.pk]),
                _("See the other version in a new window"),
            ),
            code="changed_meanwhile",
        )
