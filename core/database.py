"""Keeping a SQLite database readable when its disk is full."""

import atexit
import contextlib
import logging

from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

_log = logging.getLogger(__name__)
# One for each process.
_held: list[BaseDatabaseWrapper] = []


def hold_open() -> None:
    """Hold a connection to a SQLite database for as long as this process lives.

    SQLite deletes the shared memory of readers when the last connection is closed. On a full disk the next connection
    could not create it again, and nobody could even read. Source: https://www.sqlite.org/wal.html, section 6.
    """
    if connection.vendor != "sqlite" or _held:
        return
    held = connection.copy()
    try:
        with held.cursor() as cursor:
            # Only reading something opens the shared memory.
            cursor.execute("SELECT count(*) FROM sqlite_master")
    except DatabaseError as error:
        # The server starts nevertheless, because the database may be available again by the first request.
        _log.error("The database cannot be opened: %s", error)
        held.close()
    else:
        _held.append(held)
        atexit.register(_write_back, held)


def _write_back(held: BaseDatabaseWrapper) -> None:
    """Copy what is in the log into the database file, which someone may back up while no process runs."""
    with contextlib.suppress(DatabaseError), held.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
