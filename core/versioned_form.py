"""Forms that overwrite nothing that someone else has saved since they were opened."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Protocol, cast

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from core.dates import format_datetime
from core.text import unify_line_ends

CONFLICT: Final = "conflict"


@dataclass(frozen=True, slots=True)
class Clash:
    """A value that both people changed, as it is in each version."""

    label: str
    mine: str
    theirs: str

    @property
    def mine_html(self) -> SafeString:
        return text_html(self.mine)

    @property
    def theirs_html(self) -> SafeString:
        return text_html(self.theirs)


class ShownChange(Protocol):
    """What one person changed."""

    @property
    def label(self) -> str: ...

    @property
    def html(self) -> SafeString: ...


@dataclass(frozen=True, slots=True)
class Change:
    """A value that one person changed."""

    label: str
    text: str

    @property
    def html(self) -> SafeString:
        return text_html(self.text)


@dataclass(slots=True)
class Merge:
    """The result of merging two versions. `name` is the person who saved the other one; empty if unknown.

    `is_own` says that it is the same person, who has the form open twice.
    """

    name: str = ""
    is_own: bool = False
    clashes: list[Clash] = field(default_factory=list)
    mine: list[ShownChange] = field(default_factory=list)
    theirs: Sequence[ShownChange] = ()

    def add(self, other: "Merge") -> None:
        self.clashes += other.clashes
        self.mine += other.mine
        self.theirs = [*self.theirs, *other.theirs]


class VersionedForm(forms.ModelForm[Any]):
    """A form of the admin with the hidden field `version`, which admin/change_form.html shows.

    If the stored object has changed, it refuses once to save, merges both versions, and shows the result.
    """

    # Whether a form without a version, such as that of a script, is refused as well.
    requires_version = False

    # Set if someone else has saved since the form was opened.
    merge: Merge | None = None

    # What the object was like when the form was opened.
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

    @property
    def has_only_merged(self) -> bool:
        """Whether the result of merging has to be looked at, and nothing else has to be corrected."""
        errors = self.errors.as_data()
        return errors.keys() == {NON_FIELD_ERRORS} and [each.code for each in errors[NON_FIELD_ERRORS]] == [CONFLICT]

    def stored_version(self) -> str:
        """Return a string that changes whenever a stored value does that the form shows."""
        values = {name: self._shown(name, self.get_initial_for_field(each, name)) for name, each in self._own_fields()}
        return json.dumps(values, default=str, sort_keys=True)

    def is_current(self, version: str) -> bool:
        """Return whether nothing has changed since the form was opened with this version."""
        return version == self.initial.get("version")

    def conflict_message(self, version: str) -> str:
        """Return a sentence that describes the conflict. `version` is the one that the form was opened with."""
        return gettext("This was changed elsewhere after you opened it.")

    def conflict_advice(self) -> str:
        """Return what to do about the conflict."""
        return gettext("Look at the merged version below, then save it.")

    def merge_with_stored(self, version: str) -> Merge:
        """Merge what others stored after `version` into the submitted data, which must be mutable.

        Fields that only they changed get their values. Where both changed a field, the submitted value stays, and is
        shown next to theirs.
        """
        merge, taken = Merge(), []
        opened = values_in(version)
        for name, form_field in self._own_fields():
            label = str(self[name].label)
            mine = self.submitted_value(name)
            theirs = self.get_initial_for_field(form_field, name)
            was_changed = name not in opened or json.dumps(self._shown(name, theirs), default=str) != json.dumps(
                opened[name]
            )
            if was_changed:
                taken.append(Change(label, self.display_value(name, theirs)))
            if not self._differs(name, theirs, mine):
                continue
            if name in opened and not self._differs(name, opened[name], mine):
                self.set_submitted(name, theirs)
                continue
            merge.mine.append(Change(label, self.display_value(name, mine)))
            if was_changed:
                merge.clashes.append(Clash(label, *(self.display_value(name, value) for value in (mine, theirs))))
        merge.theirs = taken if opened else ()
        return merge

    def submitted_value(self, name: str) -> Any:
        return self.fields[name].widget.value_from_datadict(self.data, self.files, self.add_prefix(name))

    def set_submitted(self, name: str, value: Any) -> None:
        """Set `value` in the submitted data, as the field's widget would submit it."""
        # An error in the replaced value no longer matters.
        self.errors.pop(name, None)
        set_submitted(cast("QueryDict", self.data), self.add_prefix(name), self.fields[name], value)

    def display_value(self, name: str, value: Any) -> str:
        """Return a submitted or stored value of this field for display."""
        form_field = self.fields[name]
        if value is None or value == []:
            return ""
        is_submitted = all(isinstance(each, str) for each in (value if isinstance(value, list) else [value]))
        try:
            value = form_field.clean(value) if is_submitted else value
        except ValidationError:
            return str(value)
        if isinstance(value, bool):
            return gettext("yes") if value else gettext("no")
        if isinstance(value, dt.datetime):
            return format_datetime(value)
        if isinstance(form_field, forms.ModelChoiceField):
            # There can be thousands of choices, so look up stored values too.
            value = value if is_submitted else form_field.to_python(value)
        elif isinstance(form_field, forms.ChoiceField):
            labels: dict[Any, Any] = dict(cast("Any", form_field.choices))
            chosen = value if isinstance(value, list) else [value]
            # The labels of roles contain HTML.
            value = ", ".join(strip_tags(str(labels.get(each, each))) for each in chosen)
        return "" if value is None else str(value)

    def changed_values(self) -> dict[str, Any]:
        """Return the cleaned values of the changed fields, because browsers change line ends and drop seconds."""
        return {name: value for name, value in self.cleaned_data.items() if name in self.changed_data}

    def clean(self) -> dict[str, Any]:
        super().clean()
        name, stored = self.add_prefix("version"), self.initial.get("version")
        version = self.data.get(name, "")
        # A form that is submitted twice has no changes the second time, and so no conflict.
        is_current = self.is_current(version) or not (version or self.requires_version)
        if not stored or is_current or not self.changed_data:
            return self.cleaned_data
        # Show the form with the current version, so that submitting it again saves it.
        self.data = cast("QueryDict", self.data).copy()
        self.data[name] = stored
        self.merge = self.merge_with_stored(version)
        raise ValidationError(self.conflict_message(version), code=CONFLICT)

    @property
    def conflict_help(self) -> SafeString:
        """What to do about the conflict, and a link to the other version."""
        meta = self.instance._meta
        lost = gettext("The files couldn't be kept. Choose them again.") if self.files else ""
        return format_html(
            '{} {} <a href="{}" target="_blank">{}</a>',
            self.conflict_advice(),
            lost,
            reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[self.instance.pk]),
            gettext("Open the other version in a new window"),
        )

    def _own_fields(self) -> list[tuple[str, forms.Field]]:
        return [(name, each) for name, each in self.fields.items() if name != "version" and not each.disabled]

    def _shown(self, name: str, value: Any) -> Any:
        """Return a stored value as the field's widget gets it."""
        value = self.fields[name].prepare_value(value)
        return unify_line_ends(value) if isinstance(value, str) else value

    def _differs(self, name: str, value: Any, submitted: Any) -> bool:
        return has_changed(self.fields[name], self._shown(name, value), submitted)


def has_changed(form_field: forms.Field, shown: Any, submitted: Any) -> bool:
    """Return whether a submitted value differs from the one that was shown. Their line ends don't count."""
    if isinstance(submitted, str):
        submitted = unify_line_ends(submitted)
    try:
        # What was shown may be forged, and of any type.
        return form_field.has_changed(shown, submitted)
    except (AttributeError, TypeError, ValueError):
        return True


def set_submitted(data: QueryDict, key: str, form_field: forms.Field, value: Any) -> None:
    """Set `value` in submitted data, as the widget of its field would submit it."""
    widget, value = form_field.widget, form_field.prepare_value(value)
    if isinstance(widget, forms.CheckboxInput):
        data.setlist(key, ["on"] if value else [])
    elif isinstance(widget, forms.CheckboxSelectMultiple):
        data.setlist(key, [str(each) for each in value or ()])
    else:
        shown = widget.format_value(value)
        data[key] = (shown[0] if isinstance(shown, list) and shown else shown) or ""


def text_html(text: str) -> SafeString:
    """Return a text with its spaces and line breaks."""
    return format_html('<div class="pieces" dir="auto">{}</div>', text)


def values_in(version: str) -> dict[str, Any]:
    """Return the values in a submitted `version`; none if it is malformed."""
    try:
        values = json.loads(version)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
