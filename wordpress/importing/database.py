"""How an import shares the database: one import at a time, and previews on a copy."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from core.disk import try_lock

# An arbitrary number that no other lock uses.
_LOCK_ID: Final = 2_010_031_200


class AlreadyRunningError(Exception):
    """Another import is running, or one is being undone. The message says so."""

    def __init__(self) -> None:
        super().__init__(_("Another import is running. Wait until it has finished, then try again."))


@contextmanager
def only_import() -> Iterator[None]:
    """Make sure that no other import runs: two would allocate the same IDs and URLs. Raises AlreadyRunningError."""
    # Both kinds of lock end with the process.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK_ID])
            if not cursor.fetchone()[0]:
                raise AlreadyRunningError
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK_ID])
    else:
        with (settings.DATA_DIR / "import.lock").open("w") as file:
            if not try_lock(file.fileno()):
                raise AlreadyRunningError
            yield


@contextmanager
def throwaway_database() -> Iterator[None]:
    """Let this process read and change a copy of the database, which is deleted afterwards.

    Only running an import shows what will happen to each item. Rolling back one long transaction would show it too, but
    would hold locks for as long as the import takes.
    """
    if connection.in_atomic_block:
        # The caller already holds locks, and a copy would lack uncommitted changes.
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    else:
        with _temporary_tables() if connection.vendor == "postgresql" else _copied_file():
            yield


@contextmanager
def _copied_file() -> Iterator[None]:
    """Work on a copy of SQLite's file. Copying neither waits for writers nor blocks them."""
    with tempfile.TemporaryDirectory(dir=settings.BROADSIDE_IMPORTS_DIR) as folder:
        original = connection.settings_dict
        copy = Path(folder, "copy.sqlite3")
        connection.ensure_connection()
        with closing(sqlite3.connect(copy)) as target:
            connection.connection.backup(target)
        connection.close()
        # Replaced, not changed in place, because the connections of other threads share the dictionary.
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


def tune_for_bulk(*, writes: bool) -> None:
    """Set up this process's connection for reading nearly all of the database, or for writing that much.

    SQLite's file is not mapped into memory. An import changes the same index pages in every batch, so more of them are
    cached, and they are copied from the log into the database less often.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA mmap_size = 0")
            if writes:
                # In pages of 4 KiB; ten times the default.
                cursor.execute("PRAGMA wal_autocheckpoint = 10000")
                # In KiB, because it is negative.
                cursor.execute("PRAGMA cache_size = -2048")


def is_locked(error: OperationalError) -> bool:
    """Return whether another writer held the database for longer than we wait (`timeout` in the database settings)."""
    return connection.vendor == "sqlite" and "database is locked" in str(error)
