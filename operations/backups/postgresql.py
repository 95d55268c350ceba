"""Dumping a PostgreSQL database with pg_dump, and loading such a dump in one transaction.

The dump is loaded here and not by psql, for three reasons: a killed restore is rolled back; the tables can be
temporary, so that a backup can be verified next to the live site; and only statements that pg_dump writes for our
tables are executed.
"""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, Final

from django.db import DatabaseError, connection
from django.db.backends.postgresql.client import DatabaseClient
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from operations.backups.contents import Table
from operations.backups.errors import BackupError
from operations.backups.snapshots import LEFT_OUT, Progress, describe

# The schema of the site's tables, and of those that are loaded to verify a backup.
PUBLIC: Final = "public"
TEMPORARY: Final = "pg_temp"
_NAME: Final = rb'(?:\w+|"[^"]+")'
_IGNORED: Final = re.compile(rb"SET |SELECT pg_catalog\.set_config\(")
_ALLOWED: Final = re.compile(
    rb"(?:CREATE|ALTER) SEQUENCE public\."
    rb"|SELECT pg_catalog\.setval\('public\.[^']+', \d+, (?:true|false)\);\n$"
)
_DEFINITION: Final = re.compile(
    rb"CREATE TABLE public\.%(name)b \(\n|ALTER TABLE(?: ONLY)? public\.%(name)b\s"
    rb"|CREATE (?:UNIQUE )?INDEX %(name)b ON (?:ONLY )?public\." % {b"name": _NAME}
)
# Names of tables that may be before a parenthesis.
_TABLE_NAME: Final = re.compile(rb"\b(?:CREATE TABLE|REFERENCES) public\.(?:\w+|\"\")")
_COPY: Final = re.compile(rb"COPY public\.%(name)b \(%(name)b(?:, %(name)b)*\) FROM stdin;\n" % {b"name": _NAME})
_QUOTED: Final = re.compile(rb"'[^']*'|\"[^\"]*\"")
_BEFORE_PARENTHESIS: Final = re.compile(rb"[\w.\"\x80-\xff]+(?=\s*\()")
# What may be before a parenthesis where a table or index is defined. Its checks, defaults and expressions could call
# functions that read files, or others that an administrator has installed.
_KEYWORDS_AND_FUNCTIONS: Final = frozenset(
    b"and any btree by case check char character coalesce else exclude gen_random_uuid gin gist identity in include "
    b"key length lower not now nextval nullif numeric on or then time timestamp unique upper using varying when where "
    b"with".split()
)
# In bytes. A longer statement was not written by pg_dump for one of our tables.
_MAX_STATEMENT: Final = 2**20
_PIECE: Final = 2**18
# Closed connections, and those of killed processes, take a moment to disappear. The pause is in seconds.
_ATTEMPTS: Final = 50
_PAUSE: Final = 0.1


class PostgresqlSnapshot:
    """A transaction that sees the database as it was at its start, and the ID with which others see the same."""

    def __init__(self, snapshot: str, database: Any) -> None:
        self._id = snapshot
        self._database = database
        ((size,),) = self.rows("SELECT pg_database_size(current_database())")
        self.size = int(str(size))

    @contextmanager
    def dump(self, left_out: Sequence[str] = LEFT_OUT) -> Iterator[IO[bytes]]:
        options = [
            f"--snapshot={self._id}",
            "--format=plain",
            "--encoding=UTF8",
            "--no-owner",
            "--no-privileges",
            f"--table={PUBLIC}.*",
            *(f"--exclude-table-data={PUBLIC}.{table}" for table in left_out),
        ]
        command, environment = DatabaseClient.settings_to_cmd_args_env(self._database.settings_dict, options)
        with tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(  # noqa: S603  our own settings
                    ["pg_dump", *command[1:]],  # noqa: S607  the system knows where it is
                    env=os.environ | (environment or {}),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                )
            except FileNotFoundError as error:
                raise BackupError(
                    _("pg_dump is not installed. Install PostgreSQL's client programs (on Debian: postgresql-client).")
                ) from error
            try:
                assert process.stdout is not None  # noqa: S101  # it is a pipe
                with process.stdout:
                    yield process.stdout
                if process.wait():
                    errors.seek(0)
                    text = errors.read(2000).decode(errors="replace").strip()
                    raise BackupError(_("pg_dump failed, so nothing was backed up. Its error: %s") % text)
            finally:
                process.kill()
                process.wait()

    def tables(self, progress: Progress) -> dict[str, Table]:
        return describe_tables(self._database, PUBLIC, progress)

    def rows(self, sql: str) -> Iterator[tuple[object, ...]]:
        with self._database.cursor() as cursor:
            cursor.execute(sql)
            yield from cursor.fetchall()


@contextmanager
def take_snapshot() -> Iterator[PostgresqlSnapshot]:
    """Hold a snapshot of the database for the duration of the block, while others read and write."""
    database = connection.copy()
    try:
        with database.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            ((snapshot,),) = cursor.fetchall()
            yield PostgresqlSnapshot(snapshot, database)
            cursor.execute("COMMIT")
    finally:
        database.close()


def describe_tables(database: Any, schema: str, progress: Progress) -> dict[str, Table]:
    """Describe each table in the database, or each temporary one. Tables in LEFT_OUT count as empty."""
    with database.cursor() as cursor:
        namespace = "pg_my_temp_schema()" if schema == TEMPORARY else f"'{PUBLIC}'::regnamespace"
        cursor.execute(
            f"SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = {namespace} ORDER BY relname"  # noqa: S608  # our own
        )
        names = [name for (name,) in cursor.fetchall()]
    found = {}
    for number, name in enumerate(names, start=1):
        quoted = f"{schema}.{database.ops.quote_name(name)}"
        if name in LEFT_OUT:
            found[name] = describe([])
        else:
            copy = f"COPY {quoted} TO STDOUT"
            with database.wrap_database_errors, database.connection.cursor() as cursor, cursor.copy(copy) as rows:
                found[name] = describe(map(bytes, rows))
        progress(number, len(names))
    return found


@contextmanager
def loaded(script: IO[bytes], schema: str) -> Iterator[Any]:
    """Load a dump in one transaction, replacing all existing tables, and yield the connection.

    The transaction is committed at the end of the block. With TEMPORARY, the site's tables are untouched, and the new
    ones are gone afterwards. Raises BackupError if the dump contains anything that Broadside never writes, or if the
    site is running.
    """
    if schema == PUBLIC:
        check_stopped()
    try:
        with _transaction() as database:
            if schema == PUBLIC:
                _drop_tables(database)
            with database.wrap_database_errors:
                _load(script, database, schema)
            yield database
            if schema == TEMPORARY:
                database.rollback()
    except DatabaseError as error:
        text = _("The database in this backup can't be loaded, so nothing was changed. PostgreSQL says: %s")
        raise BackupError(text % str(error).strip()) from error


def load_copy(script: IO[bytes], schema: str) -> None:
    """Load a dump into a new schema, next to the tables of the site. Raises BackupError."""
    try:
        with _transaction() as database:
            with database.cursor() as cursor:
                cursor.execute(f"CREATE SCHEMA {schema}")
            with database.wrap_database_errors:
                _load(script, database, schema)
    except DatabaseError as error:
        raise BackupError(_("The database can't be copied. PostgreSQL says: %s") % str(error).strip()) from error


@contextmanager
def _transaction() -> Iterator[Any]:
    """Yield a separate connection in a transaction, which is committed at the end of the block."""
    database = connection.copy()
    try:
        database.ensure_connection()
        database.set_autocommit(False)
        yield database
        database.commit()
    except BaseException:
        with suppress(DatabaseError):
            database.rollback()
        raise
    finally:
        database.close()


def check_stopped() -> None:
    """Make sure that nothing else uses the database. Raises BackupError."""
    # This process's own connections would be counted too.
    default: Any = connection
    default.close()
    default.close_pool()
    for _attempt in range(_ATTEMPTS):
        if not (others := _other_connections(default)):
            break
        time.sleep(_PAUSE)
    default.close()
    default.close_pool()
    if others:
        raise _running(others)


def check_still_stopped(database: Any) -> None:
    """Make sure that nothing has connected to the database since, such as a web server that was idle.

    Its queries wait until the tables have been replaced. Raises BackupError.
    """
    if others := _other_connections(database):
        raise _running(others)


def _other_connections(database: Any) -> int:
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        ((others,),) = cursor.fetchall()
    return int(others)


def _running(others: int) -> BackupError:
    text = ngettext(
        "The site is running: the database has %d other connection. Stop the web server and the worker, and everything "
        "else that uses the database, then try again. Nothing was changed.",
        "The site is running: the database has %d other connections. Stop the web server and the worker, and "
        "everything else that uses the database, then try again. Nothing was changed.",
        others,
    )
    return BackupError(text % others)


def _drop_tables(database: Any) -> None:
    with database.cursor() as cursor:
        for kind, sql in (("r", "TABLE"), ("S", "SEQUENCE")):
            if names := quoted_names(cursor, PUBLIC, kind):
                cursor.execute(f"DROP {sql} {', '.join(names)} CASCADE")


def quoted_names(cursor: Any, schema: str, kind: str) -> list[str]:
    """Return the quoted names of all tables (`r`) or sequences (`S`) in a schema."""
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relkind = %s AND relnamespace = to_regnamespace(%s) ORDER BY relname",
        [kind, schema],
    )
    return [f"{schema}.{connection.ops.quote_name(name)}" for (name,) in cursor.fetchall()]


def _load(script: IO[bytes], database: Any, schema: str) -> None:
    statement = b""
    # Only the rows of a COPY may be longer than a statement, and they are copied in pieces.
    while line := script.readline(_PIECE):
        if not statement and (line == b"\n" or line.startswith((b"--", b"\\restrict ", b"\\unrestrict "))):
            continue
        statement += line
        if len(statement) > _MAX_STATEMENT:
            raise _foreign(statement)
        if not statement.endswith(b";\n"):
            continue
        moved = statement.replace(b"public.", f"{schema}.".encode())
        if _COPY.fullmatch(statement):
            _copy_rows(script, database, moved)
        elif _ALLOWED.match(statement) or _is_harmless_definition(statement):
            with database.connection.cursor() as cursor:
                # In binary mode, the server accepts only a single statement.
                cursor.execute(moved, binary=True)
        elif not _IGNORED.match(statement):
            raise _foreign(statement)
        statement = b""
    if statement:
        raise BackupError(_("The database in this backup is incomplete. Choose another backup."))


def _is_harmless_definition(statement: bytes) -> bool:
    """Return whether a statement defines a table, a part of it or an index, and calls only harmless functions."""
    unquoted = _QUOTED.sub(b'""', statement)
    # Backslashes, dollars and comments could hide where a quotation ends, or that a name is a function's. AS could be
    # followed by a query.
    is_hiding = b"\\" in statement or re.search(rb"(?i)\$|--|/\*|\bAS\b(?! IDENTITY)", unquoted)
    if is_hiding or not _DEFINITION.match(statement):
        return False
    before = {name.lower() for name in _BEFORE_PARENTHESIS.findall(_TABLE_NAME.sub(b"", unquoted))}
    return before <= _KEYWORDS_AND_FUNCTIONS


def _copy_rows(script: IO[bytes], database: Any, statement: bytes) -> None:
    is_at_start = True
    with database.connection.cursor() as cursor, cursor.copy(statement) as copy:
        while line := script.readline(_PIECE):
            if is_at_start and line == b"\\.\n":
                return
            copy.write(line)
            is_at_start = line.endswith(b"\n")
        raise BackupError(_("The database in this backup is incomplete. Choose another backup."))


def _foreign(statement: bytes) -> BackupError:
    text = _("The database in this backup contains something that Broadside never writes, so it is not loaded: %s")
    return BackupError(text % statement[:80].decode(errors="replace").strip())
