"""What both kinds of databases can do for an upgrade."""

from contextlib import AbstractContextManager
from typing import Final, Protocol

from operations.backups.snapshots import Progress

# Seconds in which those who are writing must have finished.
PATIENCE: Final = 60


class ChangedError(Exception):
    """Something has written to the database that was to stay as it was."""


class Copies(Protocol):
    """A database and, while it is upgraded, a copy of it."""

    def clear(self) -> None:
        """Remove what an earlier upgrade has left."""

    def held(self) -> AbstractContextManager[None]:
        """Keep others from writing to the database, until `replace` or the end of the block. Raises DatabaseError."""

    def copy(self, progress: Progress) -> str:
        """Copy the database as it is, and return the value of DATABASE_URL for the copy. Raises BackupError."""

    def replace(self) -> None:
        """Put the copy in the place of the database, in one step. Raises ChangedError if something has written."""

    def undo(self) -> None:
        """Put the database back as it was, in one step."""
