"""Dumping a SQLite database, and putting another one in its place."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from django.db import connection
from django.utils.translation import gettext as _

from media.storage import Readable
from operations.backups.contents import Table
from operations.backups.errors import BackupError
from operations.backups.snapshots import LEFT_OUT, Progress, describe

# How many pages are copied before there is progress to show: 16 MiB.
_PAGES: Final = 4096
_NO_SIDE_FILES: Final = "DELETE"
# How often to try whether the site has stopped, and the pause in between, in seconds.
_ATTEMPTS: Final = 20
_PAUSE: Final = 0.25


class SqliteSnapshot:
    """A copy of the database in a file of its own, without what was deleted from it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    @contextmanager
    def dump(self) -> Iterator[Readable]:
        with self._path.open("rb") as file:
            yield file

    def tables(self, progress: Progress) -> dict[str, Table]:
        with closing(open_untrusted(self._path)) as database:
            return describe_tables(database, progress)

    def rows(self, sql: str) -> Iterator[tuple[object, ...]]:
        with closing(open_untrusted(self._path)) as database:
            yield from database.execute(sql)


@contextmanager
def take_snapshot(path: Path, progress: Progress) -> Iterator[SqliteSnapshot]:
    """Copy the database to `path`, while others read and write. Raises sqlite3.DatabaseError."""
    whole = path.with_name("whole.sqlite3")
    for file in (whole, path):
        file.touch(mode=0o600)
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as source:
        # What others write from now on is not seen. Without this, copying would start again each time they do.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(whole, isolation_level=None)) as target:

            def show(status: int, remaining: int, total: int) -> None:
                progress(total - remaining, total)

            source.backup(target, pages=_PAGES, progress=show)
            target.execute(f"PRAGMA journal_mode = {_NO_SIDE_FILES}")
            names = {name for (name,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for table in names.intersection(LEFT_OUT):
                target.execute(f"DELETE FROM {table}")  # noqa: S608  # one of our own names
            # This file still contains what was deleted, now or long ago.
            target.execute("VACUUM INTO ?", [str(path)])
    whole.unlink()
    yield SqliteSnapshot(path)


def open_untrusted(path: Path) -> sqlite3.Connection:
    """Open a database in a file that someone else may have prepared. Nothing in its schema is executed."""
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    return database


def describe_tables(database: sqlite3.Connection, progress: Progress) -> dict[str, Table]:
    """Describe each table that is in the file itself, which is all that virtual tables consist of as well."""
    listed = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL %' ORDER BY name"
    )
    names = [name for (name,) in listed]
    # A text that isn't valid can be compared as well.
    database.text_factory = bytes
    found = {}
    for number, name in enumerate(names, start=1):
        quoted = name.replace('"', '""')
        rows = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608  # a quoted name
        found[name] = describe(repr(row).encode() for row in rows)
        progress(number, len(names))
    return found


def check_file(path: Path) -> None:
    """Check a database before anything else opens it. Raises BackupError if it is damaged, or runs code by itself."""
    try:
        with closing(open_untrusted(path)) as database:
            ((state,), *_others) = database.execute("PRAGMA integrity_check(1)").fetchall()
            foreign = database.execute("SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchall()
    except sqlite3.DatabaseError as error:
        raise BackupError(_("The database in this backup is damaged: %s. Choose another backup.") % error) from error
    if state != "ok":
        raise BackupError(_("The database in this backup is damaged: %s. Choose another backup.") % state)
    if foreign:
        raise BackupError(
            _("The database in this backup contains code (%s), so it was not Broadside that made it.") % foreign[0][0]
        )


@contextmanager
def stopped_site() -> Iterator[Path]:
    """Yield the path of the database, which no other process has open, all in that one file. Raises BackupError."""
    path = Path(connection.settings_dict["NAME"])
    connection.close()
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, timeout=_PAUSE, isolation_level=None)) as database:
        try:
            # A process that has just been stopped may need a moment to end.
            if not any(_lock(database) for _attempt in range(_ATTEMPTS)):
                raise BackupError(
                    _(
                        "The site is running. Stop the web server and the worker, and everything else that uses the "
                        "database, then try again. Nothing was changed."
                    )
                )
        except sqlite3.OperationalError as error:
            raise BackupError(_("The database can't be replaced: %s. Nothing was changed.") % error) from error
        except sqlite3.DatabaseError:
            # It is damaged beyond reading, which is a reason to restore a backup.
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
        yield path


def _lock(database: sqlite3.Connection) -> bool:
    """Try to lock a database, all of it in one file, which only the last one that has it open may do.

    Raises sqlite3.DatabaseError if something else keeps it from being locked.
    """
    try:
        (mode,) = database.execute(f"PRAGMA journal_mode = {_NO_SIDE_FILES}").fetchone()
        if mode == _NO_SIDE_FILES.lower():
            database.execute("BEGIN EXCLUSIVE")
            return True
    except sqlite3.OperationalError as error:
        # The first byte says what failed, the others say more about it.
        if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise
    time.sleep(_PAUSE)
    return False
