"""What processes ask of the database: a SQLite file that stays readable, statements that end, a fast commit."""

import atexit
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Func, QuerySet

# Seconds. Rows are locked for as long as a form takes, so who waits longer waits for something that has gone wrong.
_LOCK_TIMEOUT = 10
# Likewise for a transaction in which nothing happens. The longest is that of a form whose files are being uploaded.
_IDLE_TIMEOUT = 600

_log = logging.getLogger(__name__)
# One for each process.
_held: list[BaseDatabaseWrapper] = []


def limit_statements() -> None:
    """Make PostgreSQL end what takes too long in this process: statements, waiting for a lock, idle transactions.

    One slow query would otherwise keep a thread of the server for good. Commands and the worker have no limit, because
    a migration or an import may take hours. Called before the first connection.
    """
    seconds: int = settings.BROADSIDE_DATABASE_TIMEOUT
    if not seconds:
        return
    limits = {
        "statement_timeout": seconds,
        "lock_timeout": min(seconds, _LOCK_TIMEOUT),
        "idle_in_transaction_session_timeout": _IDLE_TIMEOUT,
    }
    for alias in connections:
        if connections[alias].vendor == "postgresql":
            options = connections.settings[alias]["OPTIONS"]
            given = [f"-c {name}={limit}s" for name, limit in limits.items()]
            # The last one counts, and an owner's own options come last.
            options["options"] = " ".join([*given, options.get("options", "")]).strip()


def again_if_overtaken[Result](work: Callable[[], Result]) -> Result:
    """Return what `work` returns, which is a transaction, and do it again if a constraint of the database stops it.

    Someone else has just stored what it had found to be free, or deleted what it had found, and now it finds that.
    """
    with contextlib.suppress(IntegrityError):
        return work()
    return work()


def update_without_sync(rows: QuerySet[Any], **values: object) -> None:
    """Update rows with a commit that doesn't wait for the disk.

    It survives the death of this process at once, and a power cut from the next other commit on, because both are in
    the same log. Within a transaction it is a part of that one, and waits as long.
    Sources: https://www.sqlite.org/pragma.html#pragma_synchronous,
    https://www.postgresql.org/docs/current/wal-async-commit.html
    """
    if connection.in_atomic_block:
        rows.update(**values)
    elif connection.vendor == "sqlite":
        with commits_without_sync():
            rows.update(**values)
    else:
        rows.filter(_WithoutSync()).update(**values)


@contextlib.contextmanager
def commits_without_sync() -> Iterator[None]:
    """Have the commits of a block not wait for the disk, on SQLite (see update_without_sync).

    A power cut may undo the last of them. The first commit after the block takes all of them to the disk. Within a
    transaction nothing changes; nor on PostgreSQL, where a pool between us and the server may give the setting of our
    session to another one.
    """
    if connection.in_atomic_block or connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        before = cursor.fetchone()[0]
        cursor.execute("PRAGMA synchronous=NORMAL")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA synchronous={before}")


class _WithoutSync(Func):
    """A condition that is always true. The transaction of a statement that has it is committed asynchronously.

    It is part of that statement, because BEGIN, SET LOCAL and COMMIT in addition would take as long as the disk does.
    """

    template = "set_config('synchronous_commit', 'off', true) = 'off'"
    output_field = BooleanField()


def hold_open() -> None:
    """Hold a connection to a SQLite database for as long as this process lives.

    SQLite deletes the shared memory of readers when the last connection is closed. On a full disk the next connection
    could not create it again, and nobody could even read. Source: https://www.sqlite.org/wal.html, section 6.
    """
    if connection.vendor != "sqlite" or _held:
        return
    held = connection.copy()
    try:
        with held.cursor() as cursor:
            # Only reading something opens the shared memory.
            cursor.execute("SELECT count(*) FROM sqlite_master")
    except DatabaseError as error:
        # The server starts nevertheless, because the database may be available again by the first request.
        _log.error("The database cannot be opened: %s", error)
        held.close()
    else:
        _held.append(held)
        atexit.register(_write_back, held)


def _write_back(held: BaseDatabaseWrapper) -> None:
    """Copy what is in the log into the database file, which someone may back up while no process runs."""
    with contextlib.suppress(DatabaseError), held.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
