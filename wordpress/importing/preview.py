"""A copy of the database for previews, which change nothing and block nobody.

Only running an import shows what happens to each item. Rolling back one long transaction would do on a site without
visitors, but it would hold locks for as long as the import takes.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction


@contextmanager
def throwaway_database() -> Iterator[None]:
    """Let this process read and change a copy of the database, which is deleted afterwards."""
    if connection.in_atomic_block:
        # The caller holds locks already, and a copy would lack what is not committed.
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    else:
        with _temporary_tables() if connection.vendor == "postgresql" else _copied_file():
            yield


@contextmanager
def _copied_file() -> Iterator[None]:
    """Work on a copy of SQLite's file. Copying waits for no writer and lets others write."""
    with tempfile.TemporaryDirectory(dir=settings.BROADSIDE_IMPORTS_DIR) as folder:
        original = connection.settings_dict
        copy = Path(folder, "copy.sqlite3")
        connection.ensure_connection()
        with closing(sqlite3.connect(copy)) as target:
            connection.connection.backup(target)
        connection.close()
        # Not changed in place: the connections of other threads share the settings.
        connection.settings_dict = {**original, "NAME": str(copy)}
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict = original


@contextmanager
def _temporary_tables() -> Iterator[None]:
    """Work on temporary tables, which hide the tables of the same names from this connection."""
    with transaction.atomic(), connection.cursor() as cursor:
        tables = [table.name for table in connection.introspection.get_table_list(cursor) if table.type == "t"]
        for name in map(connection.ops.quote_name, tables):
            cursor.execute(f"CREATE TEMPORARY TABLE {name} (LIKE public.{name} INCLUDING ALL)")
            cursor.execute(f"INSERT INTO pg_temp.{name} SELECT * FROM public.{name}")  # noqa: S608  # quoted names
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DISCARD TEMPORARY")
