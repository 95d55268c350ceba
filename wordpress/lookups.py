"""Reading what is here already, in few queries whatever the number asked for."""

from collections.abc import Iterable, Iterator
from itertools import batched
from typing import Any

from django.db.models import Max, Model

# Values that one query asks for at once.
_BATCH = 500


def rows(
    model: type[Model], field: str, values: Iterable[Any], *columns: str, **only: Any
) -> Iterator[tuple[Any, ...]]:
    """`columns` of the rows whose `field` is among `values`."""
    for some in batched(dict.fromkeys(values), _BATCH, strict=False):
        found = model._default_manager.filter(**{f"{field}__in": some}, **only).order_by()
        yield from found.values_list(*columns)


def highest_key(model: type[Model]) -> int:
    return model._default_manager.aggregate(highest=Max("pk"))["highest"] or 0
