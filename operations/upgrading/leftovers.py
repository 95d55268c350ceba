"""Deleting what a killed upgrade has left: copies of the database, with what was deleted from it since."""

from contextlib import suppress

from django.db import connection

from operations.backups.errors import BackupError
from operations.backups.work import work_folder
from operations.upgrading.postgresql import PostgresqlCopies


def delete_leftovers() -> None:
    """Delete them, unless an upgrade, a backup or a restore is running. The next upgrade would do so as well."""
    # A folder to work in is emptied first, and copies of SQLite's database are there.
    with suppress(BackupError), work_folder():
        if connection.vendor == "postgresql":
            PostgresqlCopies.clear()
