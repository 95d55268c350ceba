"""Database behaviour per process: timeouts, one retry after a conflict, fast commits, a readable SQLite file."""

import atexit
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Func, QuerySet

# In seconds. Rows are locked only while a form is handled, so a longer wait means that something has gone wrong.
_LOCK_TIMEOUT = 10
# In seconds, for an idle transaction. The longest expected one is that of a form whose files are being uploaded.
_IDLE_TIMEOUT = 600

_log = logging.getLogger(__name__)
# At most one connection in each process.
_held: list[BaseDatabaseWrapper] = []


def limit_statements() -> None:
    """Make PostgreSQL abort slow statements, long waits for locks and idle transactions of this process.

    Without this, a slow query could occupy a thread of the server indefinitely. Commands and the worker have no limits,
    because a migration or an import may take hours. Called before the first connection.
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
            # The last value of an option wins, so the owner's own options come last.
            options["options"] = " ".join([*given, options.get("options", "")]).strip()


def retry_on_conflict[Result](work: Callable[[], Result]) -> Result:
    """Run `work`, which is one transaction, and return its result. Retry it once if it violates a constraint.

    A concurrent transaction may have taken a value that `work` found free, or deleted a row that it found. The second
    attempt sees that.
    """
    with contextlib.suppress(IntegrityError):
        return work()
    return work()


def wait_for_others(name: str) -> None:
    """Wait for the transactions that have called this with the same `name` before, until they end.

    On SQLite, all transactions wait for each other. On PostgreSQL, this is a lock of its own, and the first one that a
    transaction takes. Rows are locked in an order that depends on what is done, such as posts before their categories,
    so locking one before that could cause a deadlock.
    """
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def update_without_sync(rows: QuerySet[Any], **values: object) -> None:
    """Update rows with a commit that doesn't wait for the disk.

    The update survives a crash of this process immediately, and a power cut as soon as any other commit follows,
    because both are in the same log. Inside a transaction, it is committed with that transaction, which does wait.
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
    """Make the commits within a block not wait for the disk, on SQLite (see update_without_sync).

    A power cut may undo the last of them. The first commit after the block writes all of them to disk. Inside a
    transaction this has no effect; nor on PostgreSQL, where a connection pooler may apply our session's setting to
    another session.
    """
    if connection.in_atomic_block or connection.vendor != "sqlite":
        yield
        return
    with pragma("synchronous", "NORMAL"):
        yield


@contextlib.contextmanager
def pragma(name: str, value: object) -> Iterator[None]:
    """Change a PRAGMA of this thread's connection to SQLite within a block."""
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        ((before,),) = cursor.fetchall()
        cursor.execute(f"PRAGMA {name}={value}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA {name}={before}")


@contextlib.contextmanager
def lock_timeout(database: BaseDatabaseWrapper, value: str) -> Iterator[None]:
    """Change how long a connection to PostgreSQL waits for locks within a block, such as `2s`. `0` means no limit."""
    with database.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        ((before,),) = cursor.fetchall()
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [value])
    try:
        yield
    finally:
        # If the connection was lost, the block has raised that.
        with contextlib.suppress(DatabaseError), database.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [before])


class _WithoutSync(Func):
    """A condition that is always true, and makes the transaction of its statement commit asynchronously.

    It is part of the statement because separate BEGIN, SET LOCAL and COMMIT statements would take as long as the disk.
    """

    template = "set_config('synchronous_commit', 'off', true) = 'off'"
    output_field = BooleanField()


def hold_open() -> None:
    """Keep a connection to a SQLite database open for the lifetime of this process.

    SQLite deletes the readers' shared memory when the last connection is closed. On a full disk, the next connection
    could not create it again, so even reading would fail. Source: https://www.sqlite.org/wal.html, section 6.
    """
    if connection.vendor != "sqlite" or _held:
        return
    held = connection.copy()
    try:
        with held.cursor() as cursor:
            # The shared memory is opened by the first read.
            cursor.execute("SELECT count(*) FROM sqlite_master")
    except DatabaseError as error:
        # Start the server anyway: the database may be available again by the first request.
        _log.error("The database can't be opened: %s. Run `manage.py doctor`, which says what to do.", error)
        held.close()
    else:
        _held.append(held)
        atexit.register(_write_back, held)


def _write_back(held: BaseDatabaseWrapper) -> None:
    """Copy the write-ahead log into the database file, which may be backed up while no process is running."""
    with contextlib.suppress(DatabaseError), held.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
