"""A connection to SQLite that reuses prepared statements, and lets other processes write between its transactions.

Django would search each statement for placeholders every time, although most are run again and again. And sqlite3 looks
up the prepared statement by its text, which is faster if it is always the same object. Together, this takes a tenth of
the time of a page.
"""

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar, Final

from django.db.backends.sqlite3 import base

# Seconds. Connections that wait for SQLite poll at least every 0.1 s, so they don't miss a gap of this length.
_GAP: Final = 0.12


class DatabaseWrapper(base.DatabaseWrapper):
    """SQLite doesn't queue writers: they try again from time to time.

    Long work in short transactions, one right after the other, would make them wait until they give up. So it leaves a
    gap at least once a second.
    """

    # Seconds for which it can hold the database, not counting shorter breaks, before a gap is due.
    max_held: ClassVar[float] = 1.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held = self._released = self._began = 0.0

    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor(factory=_Cursor)

    def set_autocommit(self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False) -> None:
        """Begin a transaction, after a gap if one is due, or go on after the end of one, as `atomic` does."""
        if not autocommit:
            self._leave_gap()
        elif self._began:
            self._released = time.monotonic()
            self._held += self._released - self._began
            self._began = 0.0
        super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)
        if not autocommit:
            self._began = time.monotonic()

    def _leave_gap(self) -> None:
        gap = time.monotonic() - self._released
        if gap < _GAP and self._held >= self.max_held:
            time.sleep(_GAP - gap)
            gap = _GAP
        if gap >= _GAP:
            self._held = 0.0


class _Cursor(base.SQLiteCursorWrapper):
    def convert_query(self, query: str, *, param_names: Sequence[str] | None = None) -> str:
        if param_names is not None:
            return str(super().convert_query(query, param_names=param_names))
        return _converted(query)


@lru_cache(maxsize=256)
def _converted(query: str) -> str:
    """Return the statement with `?` in place of `%s`, and `%` in place of `%%`."""
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")
