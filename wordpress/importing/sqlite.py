"""What importing and exporting need of SQLite beyond what pages need."""

from django.db import OperationalError, connection


def disable_mmap() -> None:
    """Keep the database file out of this process's memory: importing and exporting read nearly all of it."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA mmap_size = 0")


def is_locked(error: OperationalError) -> bool:
    """Return whether others have been writing for longer than we wait (the `timeout` in the settings)."""
    return connection.vendor == "sqlite" and "database is locked" in str(error)
