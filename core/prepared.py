"""Query sets whose SQL is compiled once in each process, for the queries of public pages.

Django compiles the SQL of a query set anew each time it is evaluated, which takes 0.3 to 1.6 ms of processor time.
SQLite runs it in a tenth of that.
"""

import datetime as dt
from collections.abc import Callable, Hashable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression
from django.db.models.sql.compiler import SQLCompiler

type Value = str | int | dt.datetime | dt.date | UUID

# How many statements of different shapes to keep for one query, at 40 kB each. Only crawlers of many pages reach it.
_MAX_STATEMENTS: Final = 24
# The size of an integer in the database, without its sign.
_MAX_BITS: Final = 63


class Parameter(Expression):
    """A placeholder in a prepared query: the index of a value, or of a sequence and of a value within it."""

    def __init__(self, *index: int) -> None:
        super().__init__()
        self.index = index

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        return "%s", [self]

    def choose(self, values: Sequence[Any]) -> Any:
        """Return the one of these values that the placeholder stands for."""
        value = values[self.index[0]]
        return value[self.index[1]] if len(self.index) > 1 else value


class Prepared[Row]:
    """A query set that takes values each time it is called, and returns its rows as a list.

        _by_slug = Prepared[Tag](lambda slug: Tag.objects.filter(slug=slug))
        _by_slug("peace")

    `build` makes the query set from a Parameter for each value, and a list of them for each sequence of values (for
    `__in`). Sequences are padded with their last value, so that they have few different lengths. Keyword arguments, as
    in `stop=10`, are not parameters but shape the query: there is a statement for each of their values, as for each
    length of a sequence. Prefetching is up to the caller.
    """

    def __init__(self, build: Callable[..., models.QuerySet[Any, Row]]) -> None:
        self._build = build
        self._statements: dict[Hashable, _Statement] = {}

    def __call__(self, *values: Value | list[int] | list[str], **shape: Hashable) -> list[Row]:
        """Return the rows for these values, from the database that the router chooses; none for impossible IDs."""
        try:
            statement, padded = self._statement(values, shape)
            return statement.run(padded)
        except EmptyResultSet:
            return []

    def _statement(self, values: Sequence[Any], shape: dict[str, Any]) -> tuple["_Statement", list[Any]]:
        """Return the statement for these values, and the values that it takes. Raises EmptyResultSet."""
        padded = [_padded(value) if isinstance(value, list | tuple) else value for value in values]
        lengths = tuple([len(value) if isinstance(value, list) else None for value in padded])
        key = (lengths, *shape.values())
        # All databases of a site are of the same kind.
        return self._statements.get(key) or self._compile(key, lengths, shape), padded

    def _compile(self, key: Hashable, lengths: Sequence[int | None], shape: dict[str, Any]) -> "_Statement":
        parameters = [
            Parameter(index) if length is None else [Parameter(index, position) for position in range(length)]
            for index, length in enumerate(lengths)
        ]
        statement = _Statement.of(self._build(*parameters, **shape))
        if statement.parameters != _Statement.of(self._build(*parameters, **shape)).parameters:
            raise ValueError("A prepared query contains something that changes, such as the time. Make it a parameter.")
        if len(self._statements) >= _MAX_STATEMENTS:
            # Drop the oldest. Another thread may be doing the same.
            self._statements.pop(next(iter(list(self._statements))), None)
        self._statements[key] = statement
        return statement


def together(*queries: tuple[Prepared[Any], Sequence[Any]]) -> list[list[Any]]:
    """Run these queries, each with its values, in one statement, and return the rows of each.

    Raises EmptyResultSet if one of them can't have any rows.
    """
    return [load() for load in read_together(*queries)]


def read_together(*queries: tuple[Prepared[Any], Sequence[Any]]) -> list[Callable[[], list[Any]]]:
    """Run the statement of `together`, and return a function for each query that makes its rows from the result."""
    statements, values = zip(*(query._statement(its_values, {}) for query, its_values in queries), strict=True)
    using = router.db_for_read(statements[0].rows.model)
    connection = connections[using]
    parameters: list[Any] = []
    for statement, its_values in zip(statements, values, strict=True):
        parameters += statement.bind(connection, its_values)
    with connection.cursor() as cursor:
        cursor.execute(_joined(statements), parameters)
        rows = cursor.fetchall()
    found: list[Callable[[], list[Any]]] = []
    start = 1
    for number, statement in enumerate(statements):
        end = start + statement.compiler.col_count
        its_rows = [row[start:end] for row in rows if row[0] == number]
        found.append(partial(statement.load, connection, using, its_rows))
        start = end
    return found


@lru_cache(_MAX_STATEMENTS)
def _joined(statements: "tuple[_Statement, ...]") -> str:
    """Return the UNION of these statements. A row has the index of its statement and the columns of all of them."""
    nulls = [", ".join(f"CAST(NULL AS {kind})" for kind in statement.column_types) for statement in statements]
    parts = []
    for number, statement in enumerate(statements):
        columns = ", ".join([str(number), *nulls[:number], "part.*", *nulls[number + 1 :]])
        parts.append(f"SELECT {columns} FROM ({statement.sql}) AS part")  # noqa: S608  # compiled by Django
    return " UNION ALL ".join(parts)


@dataclass(frozen=True, slots=True, eq=False)
class _Statement:
    """The SQL of `rows`. Each of the `parameters` is a constant, or a Parameter that stands for a value."""

    rows: models.QuerySet[Any, Any]
    compiler: SQLCompiler
    sql: str
    parameters: Sequence[Any]
    converters: dict[int, tuple[list[Callable[..., Any]], Any]]
    has_composite_fields: bool

    @classmethod
    def of(cls, rows: models.QuerySet[Any, Any]) -> "_Statement":
        compiler = rows.query.get_compiler(using=rows.db)
        sql, parameters = compiler.as_sql()
        columns = [column for column, *_sql in compiler.select[: compiler.col_count]]
        converters = compiler.get_converters(columns)
        return cls(rows, compiler, sql, parameters, converters, compiler.has_composite_fields(columns))

    @property
    def column_types(self) -> list[str]:
        columns = self.compiler.select[: self.compiler.col_count]
        return [column.output_field.cast_db_type(self.compiler.connection) for column, *_sql in columns]

    def bind(self, connection: BaseDatabaseWrapper, values: Sequence[Any]) -> list[Any]:
        """Return the parameters of the statement with these values."""
        adapted = [_adapted(connection, value) for value in values]
        return [each.choose(adapted) if isinstance(each, Parameter) else each for each in self.parameters]

    def run(self, values: Sequence[Any]) -> list[Any]:
        using = router.db_for_read(self.rows.model)
        connection = connections[using]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.bind(connection, values))
            rows = cursor.fetchall()
        return self.load(connection, using, rows)

    def load(self, connection: BaseDatabaseWrapper, using: str, rows: list[Any]) -> list[Any]:
        """Return what Django makes of these rows from the database, as it does for any query set."""
        if not rows:
            return []
        compiler = copy(self.compiler)
        compiler.connection, compiler.using = connection, using
        compiler.execute_sql = lambda *_arguments, **_how: [rows]  # type: ignore[method-assign, assignment]  # for these rows
        # Both stay the same.
        compiler.get_converters = lambda expressions: self.converters  # type: ignore[method-assign]  # as above
        compiler.has_composite_fields = lambda expressions: self.has_composite_fields  # type: ignore[method-assign]  # as above
        iterable: Any = self.rows._iterable_class
        return [*iterable(_Bound(self.rows, compiler, using))]


class _Bound:
    """The attributes of a query set and its query that Django's iterables need."""

    def __init__(self, rows: Any, compiler: SQLCompiler, using: str) -> None:
        self.db, self.query, self.model = using, self, rows.model
        self._fetch_mode, self._known_related_objects = rows._fetch_mode, rows._known_related_objects
        self._compiler = compiler

    def get_compiler(self, using: str) -> SQLCompiler:
        return self._compiler


def _padded(values: Sequence[Any]) -> list[Any]:
    """Return the values, the last one repeated until their number is a power of two."""
    missing = (1 << (len(values) - 1).bit_length()) - len(values) if values else 0
    return [*values, *([values[-1]] * missing if missing else ())]


def _adapted(connection: BaseDatabaseWrapper, value: Any) -> Any:
    """Return a value, or a list of values, as the database takes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return [_adapted(connection, each) for each in value]
    if isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            raise EmptyResultSet
        return value
    if isinstance(value, dt.datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, dt.date):
        return connection.ops.adapt_datefield_value(value)
    if isinstance(value, UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    return value
