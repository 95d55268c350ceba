"""Forms that overwrite nothing that someone else has saved since they were opened."""

import json
from functools import cached_property
from hashlib import blake2b
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext


class VersionedForm(forms.ModelForm[Any]):
    """A form of the admin with the hidden field `version`, which admin/change_form.html shows.

    It refuses once to save if the stored object has changed, and keeps what was entered.
    """

    # Whether a form without a version, such as that of a script, is refused as well.
    requires_version = False

    # The version that the object had when the form was opened.
    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.set_version()

    def set_version(self) -> None:
        """Determine the stored version, again if the initial values have changed."""
        if self.instance.pk:
            self.initial["version"] = self.stored_version()

    @cached_property
    def changed_data(self) -> list[str]:
        return [name for name in super().changed_data if name != "version"]

    def stored_version(self) -> str:
        """Return a string that changes whenever a stored value does that the form shows."""
        values = {name: value for name, value in self.initial.items() if name != "version"}
        return blake2b(json.dumps(values, default=str, sort_keys=True).encode(), digest_size=12).hexdigest()

    def conflict_message(self, version: str) -> str:
        """Return a sentence that describes the conflict. `version` is the one that the form was opened with."""
        return gettext("This was changed elsewhere after you opened it.")

    def conflict_advice(self) -> str:
        """Return what to do about the conflict."""
        return gettext(
            "Your version is still below, but hasn't been saved. Look at the other version and copy what you need from "
            "it. If you save again, your version replaces it."
        )

    def merge_with_stored(self, version: str) -> None:
        """Merge what was stored after `version` into the submitted data. Does nothing by default."""

    def changed_values(self) -> dict[str, Any]:
        """Return the cleaned values of the changed fields, because browsers change line ends and drop seconds."""
        return {name: value for name, value in self.cleaned_data.items() if name in self.changed_data}

    def clean(self) -> dict[str, Any]:
        super().clean()
        name, stored = self.add_prefix("version"), self.initial.get("version")
        version = self.data.get(name, "")
        # A form that is submitted twice has no changes the second time, and so no conflict.
        is_current = version == stored or not (version or self.requires_version)
        if not stored or is_current or not self.changed_data:
            return self.cleaned_data
        # Show the form with the current version, so that submitting it again saves it.
        self.data = cast("QueryDict", self.data).copy()
        self.data[name] = stored
        self.merge_with_stored(version)
        meta = self.instance._meta
        raise ValidationError(
            format_html(
                '{} {} <a href="{}" target="_blank">{}</a>',
                self.conflict_message(version),
                self.conflict_advice(),
                reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[self.instance.pk]),
                gettext("Open the other version in a new window"),
            ),
            code="conflict",
        )
