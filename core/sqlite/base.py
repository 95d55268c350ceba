"""A connection to SQLite that reuses prepared statements, and lets other processes write between its transactions.

Django would search each statement for placeholders every time, although most are run again and again. And sqlite3 looks
up the prepared statement by its text, which is faster if it is always the same object. Together, this takes a tenth of
the time of a page.
"""

import sqlite3
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar, Final

from django.db.backends.sqlite3 import base

# Milliseconds. For this long, SQLite polls at least every 25 ms. After that, it would poll only about every 100 ms and
# miss most gaps, so the statement is run again instead. Source: sqliteDefaultBusyCallback in SQLite's main.c.
_POLLS_OFTEN: Final = 100
# Seconds. The default of Python's sqlite3.
_DEFAULT_TIMEOUT: Final = 5
# Seconds. Long enough for several writers, one after the other, and for other programs, which poll every 0.1 s.
_GAP: Final = 0.12


class DatabaseWrapper(base.DatabaseWrapper):
    """SQLite doesn't queue writers: they try again from time to time, for as long as the option `timeout` says.

    Long work in short transactions, one right after the other, would make them wait until they give up. So it leaves a
    gap at least once a second.
    """

    # Seconds for which it can hold the database, not counting shorter breaks, before a gap is due.
    max_held: ClassVar[float] = 1.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held = self._released = self._began = 0.0

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.execute(f"PRAGMA busy_timeout={_POLLS_OFTEN}")
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = self.connection.cursor(factory=_Cursor)
        cursor.patience = self.settings_dict["OPTIONS"].get("timeout", _DEFAULT_TIMEOUT)
        return cursor

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
    # Seconds.
    patience: float

    def execute(self, query: str, params: Any = None) -> Any:
        """Run a statement, and wait for other writers, unless this connection has been given a timeout of its own.

        Only outside a transaction or at its beginning are there others to wait for, so a statement may run again.
        """
        deadline = None
        while True:
            try:
                return super().execute(query, params)
            except sqlite3.OperationalError as error:
                now = time.monotonic()
                deadline = deadline or now + self.patience
                if now >= deadline or not self._polls_often(error):
                    raise

    def _polls_often(self, error: sqlite3.OperationalError) -> bool:
        """Return whether SQLite has stopped waiting for another writer only because it would poll less often."""
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            return False
        return bool(self.connection.execute("PRAGMA busy_timeout").fetchone() == (_POLLS_OFTEN,))

    def convert_query(self, query: str, *, param_names: Sequence[str] | None = None) -> str:
        if param_names is not None:
            return str(super().convert_query(query, param_names=param_names))
        return _converted(query)


@lru_cache(maxsize=256)
def _converted(query: str) -> str:
    """Return the statement with `?` in place of `%s`, and `%` in place of `%%`."""
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")
