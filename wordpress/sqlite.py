"""What moving in and out asks of SQLite beyond what pages do."""

from django.db import connection


def map_nothing() -> None:
    """Keep what is read of the file out of this process's memory: moving reads nearly all of it."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA mmap_size = 0")
