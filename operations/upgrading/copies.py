"""The steps of an upgrade that both kinds of databases implement."""

from contextlib import AbstractContextManager
from typing import Final, Protocol

from operations.backups.snapshots import Progress

# How many seconds to wait for running writes.
PATIENCE: Final = 60


class ChangedError(Exception):
    """Something has written to the database that was supposed to stay unchanged."""


class Copies(Protocol):
    """A database and, while it is upgraded, a copy of it."""

    def clear(self) -> None:
        """Remove the leftovers of an earlier upgrade."""

    def held(self) -> AbstractContextManager[None]:
        """Keep others from writing to the database, until `replace` or the end of the block. Raises DatabaseError."""

    def copy(self, progress: Progress) -> str:
        """Copy the database as it is, and return the value of DATABASE_URL for the copy. Raises BackupError."""

    def replace(self) -> None:
        """Replace the database with the copy, in one step. Raises ChangedError if something has written to it."""

    def undo(self) -> None:
        """Restore the database to what it was, in one step."""
