"""Rows in forms of the admin, such as the former slugs of a tag. They overwrite nothing that someone else has saved."""

import json
import re
from copy import deepcopy
from typing import Any, Final, cast

from django import forms
from django.contrib.admin import StackedInline
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.formsets import INITIAL_FORM_COUNT, TOTAL_FORM_COUNT, ManagementForm
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext

from core.versioned_form import CONFLICT, Change, Clash, Merge, has_changed, set_submitted, values_in

_DELETE: Final = "DELETE"


class _VersionedManagementForm(ManagementForm):
    # What the rows were like when the form was opened.
    version = forms.CharField(required=False, widget=forms.HiddenInput)


class VersionedFormSet(forms.BaseInlineFormSet[Any, Any, Any]):
    """The rows of an inline. What others have changed since the form was opened is merged.

    If this person has changed something as well, it refuses once to save, and shows the result.
    """

    # Set if someone else has saved since the form was opened.
    merge: Merge | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version = self.data.get(f"{self.prefix}-version", "") if self.is_bound else ""
        if version and version != self._stored_version and self.management_form.is_valid():
            self.merge = self._merge({pk: row for pk, row in values_in(version).items() if isinstance(row, dict)})
            # It is made again from the merged data.
            del self.management_form

    @cached_property
    def management_form(self) -> ManagementForm:
        if self.is_bound:
            sent = _VersionedManagementForm(self.data, auto_id=self.auto_id, prefix=self.prefix)
            sent.full_clean()
            return sent
        initial = {**super().management_form.initial, "version": self._stored_version}
        return _VersionedManagementForm(auto_id=self.auto_id, prefix=self.prefix, initial=initial)

    def clean(self) -> None:
        super().clean()
        if self.merge is not None and self.merge.mine:
            raise ValidationError(gettext("This was changed elsewhere after you opened it."), code=CONFLICT)

    @cached_property
    def _stored_version(self) -> str:
        """The columns of each row, except binary ones: whenever one of these changes, so does another column."""
        columns = [each for each in self._opts.concrete_fields if each.get_internal_type() != "BinaryField"]
        stored = self.get_queryset()
        rows = {str(row.pk): {each.attname: each.value_from_object(row) for each in columns} for row in stored}
        return json.dumps(rows, default=str, sort_keys=True)

    @property
    def _opts(self) -> Any:
        return cast("Any", self.model)._meta

    def _merge(self, opened: dict[str, Any]) -> Merge:
        """Replace the submitted rows by the stored ones, with the rows that this person has changed or added."""
        merge, stored = Merge(), json.loads(self._stored_version)
        label = str(next(iter(self._fields.values())).label)
        mine = self._changed_rows(opened)
        theirs = {pk: row for pk, row in stored.items() if row != opened.get(pk)}
        removed = [row | {_DELETE: "on"} for pk, row in opened.items() if pk not in stored]
        merge.theirs = [Change(label, self._text(row)) for row in [*theirs.values(), *removed]]
        merge.mine = [Change(label, self._text(row)) for row in mine.values()]
        merge.clashes = [
            Clash(label, self._text(mine[pk]), self._text(row)) for pk, row in theirs.items() if pk in mine
        ]
        rows = [mine.pop(pk, values) | {self._opts.pk.name: pk} for pk, values in stored.items()]
        # A row that was deleted elsewhere stays if it was changed here. Files can't be kept.
        rows += [row for row in mine.values() if not row.get(_DELETE) and self._values(row)]
        data = cast("QueryDict", self.data).copy()
        for key in [key for key in data if re.match(rf"{re.escape(str(self.prefix))}-\d+-", key)]:
            del data[key]
        for index, row in enumerate(rows):
            self._write(data, self.add_prefix(index), row)
        data[f"{self.prefix}-{TOTAL_FORM_COUNT}"] = str(len(rows))
        data[f"{self.prefix}-{INITIAL_FORM_COUNT}"] = str(len(stored))
        data[f"{self.prefix}-version"] = self._stored_version
        self.data = data
        return merge

    def _changed_rows(self, opened: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the submitted values of changed and new rows, by their ID, or by a name for those that have none."""
        rows = {}
        for index in range(self.total_form_count()):
            prefix = self.add_prefix(index)
            pk = self.data.get(f"{prefix}-{self._opts.pk.name}", "")
            before = opened.get(pk, {})
            row: dict[str, Any] = {
                name: each.widget.value_from_datadict(self.data, self.files, f"{prefix}-{name}")
                for name, each in self._fields.items()
            }
            is_changed = any(has_changed(each, before.get(name), row[name]) for name, each in self._fields.items())
            if f"{prefix}-{_DELETE}" in self.data:
                row[_DELETE] = "on"
            if is_changed or _DELETE in row:
                rows[pk or f"new {index}"] = row
        return rows

    @cached_property
    def _fields(self) -> dict[str, forms.Field]:
        # Widgets remember what they read, and those of the class belong to all requests.
        return deepcopy(dict(self.form.base_fields))

    def _text(self, row: dict[str, Any]) -> str:
        """Return what became of a row for display. Files can't be shown."""
        values = ", ".join(self._values(row))
        if _DELETE in row:
            return gettext("%s (removed)") % values
        is_removed = any(row.get(name) is False for name, each in self._fields.items() if _is_file(each))
        return values or (gettext("removed") if is_removed else gettext("changed"))

    def _values(self, row: dict[str, Any]) -> list[str]:
        """Return the values of a row that can be shown."""
        shown = [row.get(name) for name, each in self._fields.items() if not _is_file(each)]
        return [str(value) for value in shown if value not in (None, "")]

    def _write(self, data: QueryDict, prefix: str, row: dict[str, Any]) -> None:
        for name, value in row.items():
            each = self._fields.get(name)
            if each is None:
                data[f"{prefix}-{name}"] = str(value)
            elif not _is_file(each):
                set_submitted(data, f"{prefix}-{name}", each, value)
            elif value is False:
                data[f"{prefix}-{name}-clear"] = "on"


class VersionedInline[Model: models.Model, Parent: models.Model](StackedInline[Model, Parent]):
    """The rows of `Model` that belong to a `Parent`, in its form. They need neither Django's scripts nor jQuery."""

    formset = VersionedFormSet

    @property
    def media(self) -> forms.Media:
        return forms.Media()


def _is_file(form_field: forms.Field) -> bool:
    return bool(form_field.widget.needs_multipart_form)
