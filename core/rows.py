"""Choosing rows in a form by their IDs."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from core.text import parse_id


class RowsField(forms.ModelMultipleChoiceField[Any]):
    """A choice of any number of rows. With Django's field, an ID that is too large for SQLite raises an error."""

    def clean(self, value: Any) -> Any:
        for sent in value or ():
            if isinstance(sent, str) and not parse_id(sent):
                raise ValidationError(self.error_messages["invalid_pk_value"], "invalid_pk_value", {"pk": sent})
        return super().clean(value)
