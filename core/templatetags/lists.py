"""Lists of the admin on phones, where each row is a card."""

import re
from typing import Any, Final

from django import template
from django.contrib.admin.utils import label_for_field
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

register = template.Library()

# A cell as Django renders it. The heading of a row, which is a `th`, needs no label.
_CELL: Final = re.compile(r'<td class="field-(\w+)')


@register.filter
def with_labels(table: str, changes: Any) -> SafeString:
    """Return the table of the change list with the label of its column as the `data-label` of each cell."""
    labels = {
        getattr(name, "__name__", name): escape(
            capfirst(str(label_for_field(name, changes.model, changes.model_admin)))
        )
        for name in changes.list_display
    }
    labelled = _CELL.sub(lambda cell: f'<td data-label="{labels.get(cell[1], "")}" class="field-{cell[1]}', table)
    return mark_safe(labelled)  # noqa: S308  # Django has escaped the table, and the labels are escaped
