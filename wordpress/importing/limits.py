"""The models' length limits, applied to values from exports."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Model


def max_length(model: type[Model], name: str) -> int:
    """Return how many characters the field `name` of `model` allows. Raises TypeError if it has no limit."""
    field: Any = model._meta.get_field(name)
    return int(field.max_length)


def set_texts(target: Model, texts: Mapping[str, str], *names: str) -> None:
    """Set each of the fields `names` for which `texts` has a text that fits."""
    for name in names:
        limit: int | None = getattr(target._meta.get_field(name), "max_length", None)
        if name in texts and (limit is None or len(texts[name]) <= limit):
            setattr(target, name, texts[name])
