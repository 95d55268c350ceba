"""Reading, inserting, changing and deleting many rows in few queries."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import batched
from operator import attrgetter
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, DateTimeField, Field, JSONField, Max, Model, QuerySet
from django.db.models.constants import OnConflict

# The maximum number of values in the condition of one query.
_BATCH = 500
# How many rows one statement deletes.
_DELETE_BATCH = 1000
# Values of these types are stored as they are. Converting each through its field would take most of the time.
_STORED_AS_IS = frozenset({int, str, type(None)})


def fetch_rows(
    model: type[Model], field: str, values: Iterable[Any], *columns: str, **conditions: Any
) -> Iterator[tuple[Any, ...]]:
    """Yield the `columns` of the rows whose `field` has one of `values`."""
    for batch in batched(dict.fromkeys(values), _BATCH):
        rows = model._default_manager.filter(**{f"{field}__in": batch}, **conditions).order_by()
        yield from rows.values_list(*columns)


def batches[Row: Model](rows: QuerySet[Row], size: int) -> Iterator[list[Row]]:
    """Yield the rows by primary key, `size` at a time, so that they need little memory, and may change meanwhile."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:size]):
        yield batch
        last = batch[-1].pk


def delete_in_batches(rows: QuerySet[Any]) -> int:
    """Delete rows, and return how many with all that was deleted along with them. Can be interrupted.

    Each batch is a short transaction, so that no request has to wait. An index should have the order of the rows.
    """
    deleted = 0
    while pks := list(rows.values_list("pk", flat=True)[:_DELETE_BATCH]):
        deleted += rows.filter(pk__in=pks).delete()[0]
    return deleted


def _converter(field: Field[Any, Any], connection: BaseDatabaseWrapper) -> Callable[[Any], Any]:
    """Return the function that converts values of `field` for the database."""
    convert = partial(field.get_db_prep_save, connection=connection)
    # Many rows share a datetime, and converting it takes longer than the rest of the row.
    return cache(convert) if isinstance(field, BooleanField | DateTimeField) else convert


def _is_stored_as_is(field: Field[Any, Any], column: Iterable[Any]) -> bool:
    return _STORED_AS_IS.issuperset(map(type, column)) and not isinstance(field, JSONField)


def _fields(model: type[Model], names: Iterable[str]) -> list[Field[Any, Any]]:
    by_name = {field.name: field for field in model._meta.concrete_fields}
    return [by_name[name] for name in names]


def _converted(fields: Sequence[Field[Any, Any]], rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Return rows of values of these fields as the database takes them."""
    connection = connections[DEFAULT_DB_ALIAS]
    by_column = [
        column if _is_stored_as_is(field, column) else map(_converter(field, connection), column)
        for field, column in zip(fields, zip(*rows, strict=True), strict=True)
    ]
    return list(zip(*by_column, strict=True))


def max_pk(model: type[Model]) -> int:
    return model._default_manager.aggregate(highest=Max("pk"))["highest"] or 0


def insert(objects: Sequence[Model]) -> None:
    """Insert new `objects` of one model exactly as they are. No field, such as an auto_now one, sets its own value."""
    if objects:
        fields = objects[0]._meta.concrete_fields
        values = map(attrgetter(*(field.attname for field in fields)), objects)
        insert_rows(type(objects[0]), [field.name for field in fields], values)


def update(objects: Sequence[Model], names: Sequence[str]) -> None:
    """Store these fields of stored `objects` of one model exactly as they are. Nothing else happens, as with `insert`.

    Django's `bulk_update` makes one expression of all values, which takes 1 to 3 ms for each object.
    """
    if not objects:
        return
    meta = type(objects[0])._meta
    fields = _fields(type(objects[0]), [*names, meta.pk.name])
    rows = _converted(fields, map(attrgetter(*(field.attname for field in fields)), objects))
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    *columns, pk = (f"{quote(str(field.column))} = %s" for field in fields)
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.executemany(f"UPDATE {quote(meta.db_table)} SET {', '.join(columns)} WHERE {pk}", rows)  # noqa: S608  # all names are quoted


def insert_rows(
    model: type[Model], columns: Sequence[str], values: Iterable[Sequence[Any]], *, unique: Sequence[str] = ()
) -> None:
    """Insert rows given as the values of their `columns` (field names). Model objects would take ten times as long.

    With `unique`, a stored row with the same values in these columns is updated instead.
    """
    values = list(values)
    if not values:
        return
    fields = _fields(model, columns)
    rows = _converted(fields, values)
    connection = connections[DEFAULT_DB_ALIAS]
    quoted = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    placeholders = ", ".join(["%s"] * len(fields))
    conflict = ""
    if unique:
        column = {name: str(field.column) for name, field in zip(columns, fields, strict=True)}
        others = [column[name] for name in columns if name not in unique]
        conflict = connection.ops.on_conflict_suffix_sql(
            fields, OnConflict.UPDATE, others, [column[name] for name in unique]
        )
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({quoted}) VALUES ({placeholders}) {conflict}", rows)  # noqa: S608  # all names are quoted
