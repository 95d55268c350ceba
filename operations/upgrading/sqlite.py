"""Copies of a SQLite database, in files."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from django.db import connection

from operations.backups.snapshots import Progress
from operations.backups.work import require_space
from operations.upgrading.copies import PATIENCE, ChangedError

# How many pages are copied between progress reports: 4 MiB.
_PAGES: Final = 1024


class SqliteCopies:
    """Two copies in `folder`, a work folder: the database as it was, and the one that is migrated.

    The latter replaces the database through SQLite's backup API, in one transaction, so concurrent readers still see
    the old state. If it is killed, the transaction is rolled back.
    """

    def __init__(self, folder: Path) -> None:
        self._path = Path(connection.settings_dict["NAME"])
        self._before, self._copy = folder / "before.sqlite3", folder / "copy.sqlite3"
        # While the database is held: a connection that keeps others from writing, and one that notices their changes.
        self._holding: tuple[sqlite3.Connection, ...] = ()

    def clear(self) -> None:
        """Do nothing: the work folder is empty."""

    @contextmanager
    def held(self) -> Iterator[None]:
        with closing(_open(self._path)) as writer, closing(_open(self._path)) as observer:
            writer.execute("BEGIN IMMEDIATE")
            self._holding = writer, observer
            yield

    def copy(self, progress: Progress) -> str:
        # For the two copies, the write-ahead log of one, and the database's own log when it is replaced.
        require_space(self._before.parent, 4 * self._path.stat().st_size)
        for path in (self._before, self._copy):
            path.unlink(missing_ok=True)
            path.touch(mode=0o600)
        _copy(self._path, self._before, lambda remaining, total: progress(total - remaining, total))
        shutil.copyfile(self._before, self._copy)
        return f"sqlite:///{self._copy}"

    def replace(self) -> None:
        writer, observer = self._holding
        seen = _changes(observer)

        def check(remaining: int, total: int) -> None:
            # By the first call, others can no longer write.
            if _changes(observer) != seen:
                raise ChangedError

        writer.execute("ROLLBACK")
        _copy(self._copy, self._path, check)

    def undo(self) -> None:
        _copy(self._before, self._path, lambda remaining, total: None)


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)


def _changes(observer: sqlite3.Connection) -> int:
    """Return a number that differs after each change by another connection."""
    ((number,),) = observer.execute("PRAGMA data_version").fetchall()
    return int(number)


def _copy(source: Path, target: Path, advance: Callable[[int, int], None]) -> None:
    """Make `target` equal to `source` in one transaction of `target`. `advance` may raise an error to undo it."""
    deadline = time.monotonic() + PATIENCE
    with closing(_open(source)) as reading, closing(_open(target)) as writing:
        # Later writes by others are not seen. Without this transaction, each of them would restart the copy.
        reading.execute("BEGIN")
        ((pages,),) = reading.execute("PRAGMA page_count").fetchall()
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()

        def show(status: int, remaining: int, total: int) -> None:
            if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                if time.monotonic() > deadline:
                    raise sqlite3.OperationalError("The database is locked.")
                return
            # Once everything is copied, it can't be undone.
            if status != sqlite3.SQLITE_DONE:
                advance(remaining, total)

        # At least two steps, so that the first one is not the last.
        reading.backup(writing, pages=max(1, min(_PAGES, pages // 2)), progress=show, sleep=0.05)
        with suppress(sqlite3.OperationalError):
            # If this fails, the log is written back later.
            writing.execute("PRAGMA wal_checkpoint(PASSIVE)")
