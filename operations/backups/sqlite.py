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

# How many pages are copied between progress reports: 16 MiB.
_PAGES: Final = 4096
_NO_SIDE_FILES: Final = "DELETE"
# How often to check whether the site has stopped, and the pause in between, in seconds.
_ATTEMPTS: Final = 20
_PAUSE: Final = 0.25


class SqliteSnapshot:
    """A copy of the database in its own file, without any trace of deleted rows."""

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
        # Later writes by others are not seen. Without this transaction, each of them would restart the copy.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(whole, isolation_level=None)) as target:

            def show(status: int, remaining: int, total: int) -> None:
                progress(total - remaining, total)

            # Both files are thrown away after the backup, so there is no need to wait for the disk.
            target.execute("PRAGMA synchronous = OFF")
            source.backup(target, pages=_PAGES, progress=show)
            target.execute(f"PRAGMA journal_mode = {_NO_SIDE_FILES}")
            names = {name for (name,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for table in names.intersection(LEFT_OUT):
                target.execute(f"DELETE FROM {table}")  # noqa: S608  # one of our own names
            # This file still contains deleted rows, recent and old.
            target.execute("VACUUM INTO ?", [str(path)])
    whole.unlink()
    yield SqliteSnapshot(path)


def open_untrusted(path: Path) -> sqlite3.Connection:
    """Open a database file that may have been manipulated. Nothing in its schema is executed."""
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    return database


def describe_tables(database: sqlite3.Connection, progress: Progress) -> dict[str, Table]:
    """Describe each table in the file. Virtual tables are skipped, because they consist of such tables themselves."""
    listed = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL %' ORDER BY name"
    )
    names = [name for (name,) in listed]
    # So that invalid text can be compared too.
    database.text_factory = bytes
    found = {}
    for number, name in enumerate(names, start=1):
        quoted = name.replace('"', '""')
        rows = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608  # a quoted name
        found[name] = describe(repr(row).encode() for row in rows)
        progress(number, len(names))
    return found


def check_file(path: Path) -> None:
    """Check a database before anything else opens it. Raises BackupError if it is damaged or contains code."""
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
            _("The database in this backup contains code (%s), so it was not made by Broadside.") % foreign[0][0]
        )


@contextmanager
def stopped_site() -> Iterator[Path]:
    """Yield the path of the database as a single file that no other process has open. Raises BackupError."""
    path = Path(connection.settings_dict["NAME"])
    connection.close()
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, timeout=_PAUSE, isolation_level=None)) as database:
        try:
            # A process that has just been stopped may need a moment to exit.
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
            # It is too damaged to be read, which is why a backup is being restored.
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
        yield path


def _lock(database: sqlite3.Connection) -> bool:
    """Try to lock the database as a single file, which is possible only if no other process has it open.

    Raises sqlite3.DatabaseError if it can't be locked for any other reason.
    """
    try:
        (mode,) = database.execute(f"PRAGMA journal_mode = {_NO_SIDE_FILES}").fetchone()
        if mode == _NO_SIDE_FILES.lower():
            database.execute("BEGIN EXCLUSIVE")
            return True
    except sqlite3.OperationalError as error:
        # The lowest byte is the primary error code; the others are details.
        if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise
    time.sleep(_PAUSE)
    return False
