"""Errors of backups and restores."""

import errno
import sqlite3


class BackupError(Exception):
    """A backup can't be made, read or restored. The message says why and what to do, in plain sentences."""


class NotTriedError(BackupError):
    """Another backup or restore is running, or the requested backup or key is missing. No backup is known to be bad."""


class BusyError(NotTriedError):
    """Another backup or restore is running."""


class RetentionError(BackupError):
    """The new backup, named `backup`, is complete, but older ones could not be removed."""

    def __init__(self, message: str, backup: str) -> None:
        super().__init__(message)
        self.backup = backup


def is_disk_full(error: BaseException) -> bool:
    """Whether something could not be written for lack of space."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    return getattr(error.__cause__, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
