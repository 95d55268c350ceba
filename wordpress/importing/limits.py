"""The limits of the models, for values that come from exports."""

from django.db.models import Model


def max_length(model: type[Model], field: str) -> int:
    """Return how many characters a field of `model` takes."""
    length = getattr(model._meta.get_field(field), "max_length", None)
    if length is None:
        raise ValueError(f"{model.__name__}.{field} has no limit.")
    return int(length)
