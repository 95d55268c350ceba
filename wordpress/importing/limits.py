"""The models' length limits, applied to values from exports."""

from typing import Any

from django.db.models import Model


def max_length(model: type[Model], name: str) -> int:
    """Return how many characters the field `name` of `model` allows. Raises TypeError if it has no limit."""
    field: Any = model._meta.get_field(name)
    return int(field.max_length)
