"""One import at a time: two of them would give out the same IDs and URLs."""

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

# Any number that nothing else locks.
_LOCK_ID: Final = 2_010_031_200


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
