"""What moving in and out asks of SQLite beyond what pages do."""

from django.db import OperationalError, connection


def map_nothing() -> None:
    """Keep what is read of the file out of this process's memory: moving reads nearly all of it."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA mmap_size = 0")


def is_locked(error: OperationalError) -> bool:
    """Whether it says that somebody else wrote longer than we wait for (the setting's `timeout`)."""
    return connection.vendor == "sqlite" and "database is locked" in str(error)
