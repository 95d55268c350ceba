"""Reading what is here already, and adding to it, in few queries whatever the number of rows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import batched
from operator import attrgetter
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, DateTimeField, Field, Max, Model
from django.db.models.constants import OnConflict

# Values that one query asks for at once.
_BATCH = 500
# What fields here store as it is; asking each would take most of the time.
_STORED_AS_IS = frozenset({int, str, type(None)})


def rows(
    model: type[Model], field: str, values: Iterable[Any], *columns: str, **only: Any
) -> Iterator[tuple[Any, ...]]:
    """`columns` of the rows whose `field` is among `values`."""
    for some in batched(dict.fromkeys(values), _BATCH, strict=False):
        found = model._default_manager.filter(**{f"{field}__in": some}, **only).order_by()
        yield from found.values_list(*columns)


def _preparing(field: Field[Any, Any], connection: BaseDatabaseWrapper) -> Callable[[Any], Any]:
    """What makes of a value of `field` what the database takes."""
    prepare = partial(field.get_db_prep_save, connection=connection)
    # Many rows share a moment, and to write one down costs more than the rest of the row.
    return cache(prepare) if isinstance(field, BooleanField | DateTimeField) else prepare


def highest_key(model: type[Model]) -> int:
    return model._default_manager.aggregate(highest=Max("pk"))["highest"] or 0


def add(objects: Sequence[Model]) -> None:
    """Store new `objects` of one model exactly as they are: no field sets itself, as that of the last change does."""
    if objects:
        fields = objects[0]._meta.concrete_fields
        values = map(attrgetter(*(field.attname for field in fields)), objects)
        add_rows(type(objects[0]), [field.name for field in fields], values)


def add_rows(
    model: type[Model], columns: Sequence[str], values: Iterable[Sequence[Any]], *, unique: Sequence[str] = ()
) -> None:
    """Add rows that give no more than their `columns` (names of fields), as `bulk_create` does but without objects.

    A row that is there already with the same values in the columns `unique`, if any are named, gets the new values.

    For the rows that there are most of: an object of a model costs ten times what its row does.
    """
    values = list(values)
    if not values:
        return
    connection = connections[DEFAULT_DB_ALIAS]
    by_name = {field.name: field for field in model._meta.concrete_fields}
    fields = [by_name[name] for name in columns]
    quoted = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    places = ", ".join(["%s"] * len(fields))
    by_column = [
        column if _STORED_AS_IS.issuperset(map(type, column)) else map(_preparing(field, connection), column)
        for field, column in zip(fields, zip(*values, strict=True), strict=True)
    ]
    rows = list(zip(*by_column, strict=True))
    conflict = ""
    if unique:
        column = {name: str(field.column) for name, field in zip(columns, fields, strict=True)}
        others = [column[name] for name in columns if name not in unique]
        conflict = connection.ops.on_conflict_suffix_sql(
            fields, OnConflict.UPDATE, others, [column[name] for name in unique]
        )
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({quoted}) VALUES ({places}) {conflict}", rows)  # noqa: S608  # quoted names
