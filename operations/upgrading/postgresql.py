"""Copies of a PostgreSQL database, in schemas of their own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.db import OperationalError, connection

from operations.backups import postgresql
from operations.backups.errors import BackupError
from operations.backups.snapshots import Progress
from operations.backups.work import work_folder
from operations.upgrading.copies import PATIENCE

_PUBLIC: Final = postgresql.PUBLIC
_COPY: Final = "upgrade_copy"
_BEFORE: Final = "upgrade_before"
# Seconds. While the move of a table waits for a reader, later readers wait too, so it soon gives up and tries again.
_LOCK_TIMEOUT: Final = 1
_PAUSE: Final = 0.5


class PostgresqlCopies:
    """A copy in its own schema. When it replaces the database, the previous tables are moved to another schema.

    Moving tables between schemas changes no row and is one transaction. `url` is DATABASE_URL.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._holding: Any = None

    @staticmethod
    def clear() -> None:
        def drop() -> None:
            with connection.cursor() as cursor:
                for schema in (_COPY, _BEFORE):
                    cursor.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")

        _retry(drop)

    @contextmanager
    def held(self) -> Iterator[None]:
        self._holding = connection.copy()
        try:
            with self._holding.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
                cursor.execute(f"LOCK TABLE {', '.join(postgresql.quoted_names(cursor, _PUBLIC, 'r'))} IN SHARE MODE")
            yield
        finally:
            self._holding.close()
            self._holding = None

    def copy(self, progress: Progress) -> str:
        self.clear()
        with postgresql.take_snapshot() as snapshot, snapshot.dump(left_out=()) as script:
            postgresql.load_copy(script, _COPY)
        progress(1, 1)
        return _url_of_schema(self._url, _COPY)

    def replace(self) -> None:
        with connection.cursor() as cursor:
            _grant_as_before(cursor)
            for name in postgresql.quoted_names(cursor, _COPY, "r"):
                # Without statistics, a query of a table may be very slow.
                cursor.execute(f"ANALYZE {name}")
        _move(self._holding, (_PUBLIC, _BEFORE), (_COPY, _PUBLIC))

    def undo(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {_COPY} CASCADE")
        _move(connection, (_PUBLIC, _COPY), (_BEFORE, _PUBLIC))


def delete_leftovers() -> None:
    """Delete what a killed upgrade has left, unless an upgrade, a backup or a restore is running.

    The next upgrade would do so too, but these copies still contain what was deleted since. Those of a SQLite database
    are in the work folder, which is emptied whenever it is used.
    """
    with suppress(BackupError), work_folder():
        if connection.vendor == "postgresql":
            PostgresqlCopies.clear()


def _move(database: Any, *moves: tuple[str, str]) -> None:
    """Move all tables from one schema to another, in one transaction. The schema they come from is removed."""

    def move() -> None:
        with database.cursor() as cursor:
            # Within the transaction of `held`, if there is one, so that its locks are kept if this fails.
            is_inside = database.connection.info.transaction_status.name == "INTRANS"
            cursor.execute("SAVEPOINT moving" if is_inside else "BEGIN")
            try:
                _cancel_waiting(cursor)
                cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}s'")
                for source, target in moves:
                    _move_tables(cursor, source, target)
            except BaseException:
                cursor.execute("ROLLBACK TO SAVEPOINT moving" if is_inside else "ROLLBACK")
                raise
            cursor.execute("COMMIT")

    _retry(move)


def _retry(work: Callable[[], None]) -> None:
    """Run `work`. Try it again for a while if a reader holds a lock that it needs, or if both wait for each other."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return work()
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)


def _move_tables(cursor: Any, source: str, target: str) -> None:
    if target != _PUBLIC:
        cursor.execute(f"CREATE SCHEMA {target}")
    # A table's indexes and the sequence of its primary key move with it.
    for name in postgresql.quoted_names(cursor, source, "r"):
        cursor.execute(f"ALTER TABLE {name} SET SCHEMA {target}")
    for name in postgresql.quoted_names(cursor, source, "S"):
        cursor.execute(f"ALTER SEQUENCE {name} SET SCHEMA {target}")
    if source != _PUBLIC:
        cursor.execute(f"DROP SCHEMA {source}")


def _cancel_waiting(cursor: Any) -> None:
    """Cancel the statements waiting for this transaction, which would continue in tables no longer the site's."""
    cursor.execute(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    )
    cursor.fetchall()


def _grant_as_before(cursor: Any) -> None:
    """Grant roles other than the owner, such as the one that reads replicas, the same privileges on the copy."""
    cursor.execute(
        """
        SELECT CASE relkind WHEN 'r' THEN 'TABLE' ELSE 'SEQUENCE' END, relname, privilege_type, grantee::regrole::text
        FROM pg_class, aclexplode(relacl)
        WHERE relkind IN ('r', 'S') AND relnamespace = to_regnamespace(%s) AND grantee NOT IN (relowner, 0)
        """,
        [_PUBLIC],
    )
    for kind, name, privilege, role in cursor.fetchall():
        copy = f"{_COPY}.{connection.ops.quote_name(name)}"
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [copy])
        if cursor.fetchone()[0]:
            cursor.execute(f"GRANT {privilege} ON {kind} {copy} TO {role}")


def _url_of_schema(url: str, schema: str) -> str:
    """Return a URL of the same database with another schema as the search path."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    query["options"] = f"{query.get('options', '')} -c search_path={schema}".strip()
    return parts._replace(query=urlencode(query)).geturl()
