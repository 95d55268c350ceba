"""How an import shares the database with everything else: one import at a time, and in turns with other writers.

Two imports would give out the same IDs and URLs. On SQLite nobody queues for the database.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

# Any number that nothing else locks.
_LOCK_ID: Final = 2_010_031_200
# For how much of the time that it was held the database stays free afterwards. Whoever waits looks every 0.1 s at
# least, and finds it free in a third of all cases: after 3 s in all but one of ten million.
_FREE_SHARE: Final = 0.5
# Seconds. The measured time includes that in which this import itself waited.
_MAX_PAUSE: Final = 0.5


class AlreadyRunningError(Exception):
    """Another import is running, or one is being undone. The message says so."""

    def __init__(self) -> None:
        super().__init__(_("Another import is running. Wait until it has finished, then try again."))


def only_import() -> AbstractContextManager[None]:
    """Make sure that no other import runs. Raises AlreadyRunningError.

    A process that is killed leaves no lock behind.
    """
    return _advisory_lock() if connection.vendor == "postgresql" else _file_lock()


@contextmanager
def _file_lock() -> Iterator[None]:
    with (settings.DATA_DIR / "import.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunningError from error
        yield


@contextmanager
def _advisory_lock() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK_ID])
        if not cursor.fetchone()[0]:
            raise AlreadyRunningError
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK_ID])


class Pacer:
    """Measures how long the database is held, and waits before it is held again."""

    def __init__(self) -> None:
        self._held = self._released = 0.0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Wait until others have had their turn, then open a transaction."""
        # What has been done since the last transaction counts.
        pause = self._held * _FREE_SHARE - (time.monotonic() - self._released)
        if pause > 0 and connection.vendor == "sqlite":
            time.sleep(min(pause, _MAX_PAUSE))
        start = time.monotonic()
        try:
            with transaction.atomic():
                yield
        finally:
            self._released = time.monotonic()
            self._held = self._released - start


def disable_mmap() -> None:
    """Keep the database file out of this process's memory: importing and exporting read nearly all of it."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA mmap_size = 0")


def is_locked(error: OperationalError) -> bool:
    """Return whether others have been writing for longer than we wait (the `timeout` in the settings)."""
    return connection.vendor == "sqlite" and "database is locked" in str(error)
