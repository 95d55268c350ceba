"""Deleting what a killed upgrade has left: copies of the database, which still contain what was deleted since."""

from contextlib import suppress

from django.db import connection

from operations.backups.errors import BackupError
from operations.backups.work import work_folder
from operations.upgrading.postgresql import PostgresqlCopies


def delete_leftovers() -> None:
    """Delete them unless an upgrade, a backup or a restore is running. The next upgrade would do so too."""
    # The copies of a SQLite database are in the work folder, which is emptied whenever it is used.
    with suppress(BackupError), work_folder():
        if connection.vendor == "postgresql":
            PostgresqlCopies.clear()
