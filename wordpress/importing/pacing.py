"""Leaving other writers their turn on SQLite, where nobody queues for the database."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection, transaction

# For how much of the time that it was held the database stays free afterwards. Whoever waits looks every 0.1 s at
# least, and finds it free in a third of all cases: after 3 s in all but one of ten million.
_FREE_SHARE: Final = 0.5
# Seconds. The measured time includes that in which this import itself waited.
_MAX_PAUSE: Final = 0.5


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
