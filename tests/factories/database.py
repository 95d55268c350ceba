"""The content of the database as a value, to compare it or search it for personal data, and executed statements."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection

from core.changes import ContentVersion

# Tables that describe the code and do not change in tests.
_ABOUT_THE_CODE = {"django_migrations", "django_content_type", "auth_permission"}
_OUR_APPS = {"core", "accounts", "mail", "media", "blog", "tags", "comments", "readers", "wordpress"}


def everything_stored() -> str:
    """Return every value of every row of every table in a fixed order, including tables without a model."""
    lines = []
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            if table in _ABOUT_THE_CODE:
                continue
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  (names of our own tables)
            lines += sorted(f"{table}: {row!r}" for row in cursor.fetchall())
    assert lines
    return "\n".join(lines)


def rows_of_all(*, without_version: bool = False) -> list[tuple[str, Any]]:
    """Return every row of the site's own tables, with the name of its model.

    `without_version` leaves out the content version, which counts changes, and the column that contains it.
    """
    rows = []
    with connection.cursor() as cursor:
        for model in apps.get_models():
            meta = model._meta
            if meta.app_label not in _OUR_APPS or meta.proxy or (without_version and model is ContentVersion):
                continue
            # Not through a manager, whose queries take longer to build than to execute.
            fields = [each for each in meta.concrete_fields if not without_version or each.name != "added_at_version"]
            columns = ", ".join(f'"{field.column}"' for field in fields)
            cursor.execute(f'SELECT {columns} FROM "{meta.db_table}" ORDER BY "{meta.pk.column}"')  # noqa: S608  (our own names)
            rows += [(meta.label, row) for row in cursor.fetchall()]
    return rows


def contents(*, without_version: bool = False) -> str:
    """Return a hash of every row of the site's own tables."""
    return hashlib.sha256(repr(rows_of_all(without_version=without_version)).encode()).hexdigest()


@contextmanager
def executed_statements() -> Iterator[list[tuple[str, Any]]]:
    """Yield a list of the statements that are executed in the block, with their parameters.

    Unlike Django's log of queries, an import does not clear it.
    """
    statements: list[tuple[str, Any]] = []

    def record(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        yield statements
