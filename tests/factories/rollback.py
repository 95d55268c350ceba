"""Undoing what a test has stored.

After tests that commit, Django's own method empties every table and has each app create its permissions, roles and
settings again, which takes longer than most tests.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.management.color import no_style
from django.db import connection, transaction

from core import memory


@contextmanager
def rolled_back() -> Iterator[None]:
    """Undo what the block stores, which takes less time than deleting it."""
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        # The same content version may soon stand for other content.
        cache.clear()
        memory.forget()


def remember_database() -> Callable[[], None]:
    """Return a function that restores the database to its present state."""
    restore = (_remember_file if connection.vendor == "sqlite" else _remember_tables)()

    def take_back() -> None:
        restore()
        # A test may have created others.
        ContentType.objects.clear_cache()

    return take_back


def _remember_file() -> Callable[[], None]:
    connection.ensure_connection()
    remembered = sqlite3.connect(":memory:")
    connection.connection.backup(remembered)

    def restore() -> None:
        # The copy would wait forever for another writer, but this waits only as long as the site would.
        with transaction.atomic():
            pass
        remembered.backup(connection.connection)

    return restore


def _remember_tables() -> Callable[[], None]:
    remembered = _rows_of_tables()
    # A test may have left the next IDs at those of existing rows.
    next_ids = "".join(connection.ops.sequence_reset_sql(no_style(), apps.get_models(include_auto_created=True)))

    def restore() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            changed = [table for table, rows in _rows_of_tables().items() if rows != remembered.get(table)]
            # Foreign keys are checked at the end.
            for table in changed:
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608  (names of our own tables)
            for table in changed:
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    copy.write(remembered.get(table, b""))
            cursor.execute(next_ids)
        with connection.cursor() as cursor:
            for table in _large_tables():
                cursor.execute(f"VACUUM (FULL) {table}")

    return restore


def _large_tables() -> list[str]:
    """Return tables that are large, or were large before rows were deleted or rolled back.

    PostgreSQL keeps such rows and their index entries for a while, and then plans queries differently.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace = current_schema()::regnamespace AND pg_total_relation_size(oid) > 2^20"
        )
        return [table for (table,) in cursor.fetchall()]


def _rows_of_tables() -> dict[str, bytes]:
    """Return the rows of each table in PostgreSQL's COPY format."""
    rows = {}
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            table = connection.ops.quote_name(name)
            with cursor.copy(f"COPY {table} TO STDOUT") as copy:
                rows[table] = b"".join(bytes(block) for block in copy)
    return rows
