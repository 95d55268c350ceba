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

# An arbitrary number that no other lock uses.
_LOCK_ID: Final = 2_010_031_200
# How long the database stays free after a transaction, as a share of the time that it was held. A waiting connection
# polls at least every 0.1 s and finds the database free a third of the time: within 3 s in all but one of ten million
# cases.
_FREE_SHARE: Final = 0.5
# Seconds. The time that the database was held includes the time that this import itself waited for it.
_MAX_PAUSE: Final = 0.5


class AlreadyRunningError(Exception):
    """Another import is running, or one is being undone. The message says so."""

    def __init__(self) -> None:
        super().__init__(_("Another import is running. Wait until it has finished, then try again."))


def only_import() -> AbstractContextManager[None]:
    """Make sure that no other import runs. Raises AlreadyRunningError. A killed process leaves no lock behind."""
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
    """Measures how long each transaction takes, and waits before the next one."""

    def __init__(self) -> None:
        self._held = self._released = 0.0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Wait until others have had their turn, then open a transaction."""
        # Work that was done since the last transaction counts as waiting.
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
    """Return whether others were writing for longer than we wait (`timeout` in the database settings)."""
    return connection.vendor == "sqlite" and "database is locked" in str(error)
