"""Leaving nothing in files of what was deleted: neither in those of the database, nor in copies of public pages.

SQLite overwrites what is deleted (`secure_delete`, config.database). That leaves its log, rows that it has moved from
one page to another, and parts of the search index. PostgreSQL overwrites nothing, so its tables are written anew.
docs/owners.md and docs/running.md say what remains for how long.
"""

import logging
import re
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from django.core.cache import cache
from django.db import DatabaseError, connection, models

from blog.caching.files import delete_stale_folders
from core.changes import content_version
from search.indexes import comment_index, entry_index

# In bytes. A larger database of SQLite, or table of PostgreSQL, is not written anew every night, because nothing can be
# saved meanwhile. 138 MB took two seconds on a busy machine.
MAX_NIGHTLY: Final = 2**29
# In milliseconds. How long emptying the log waits for those who read: nothing can be written meanwhile.
_PATIENCE: Final = 500
# In seconds. How long rewriting a table waits for others: they wait behind it.
_LOCK_TIMEOUT: Final = 5
# How often a table is written anew if it still has deleted rows, and the seconds between.
_ATTEMPTS: Final = 5
_PAUSE: Final = 1

_log = logging.getLogger(__name__)


def forget_copies() -> None:
    """Delete public pages that are out of date, and empty SQLite's log. Cheap enough for every hour."""
    version = content_version()
    cache.sweep(version)  # type: ignore[attr-defined]  # core.cache.FailSafeCache
    delete_stale_folders(version)
    truncate_log()


def truncate_log() -> None:
    """Empty SQLite's log, unless someone has been reading from it for a while."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        ((timeout,),) = cursor.execute("PRAGMA busy_timeout").fetchall()
        cursor.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {timeout}")


def rewrite_what_is_small() -> None:
    """Write the search index anew in small steps, and then the database, as far as it doesn't keep others waiting."""
    _compact_indexes()
    if connection.vendor == "sqlite":
        path = Path(connection.settings_dict["NAME"])
        size = path.stat().st_size
        # The copy, and the log with all of it.
        if size <= MAX_NIGHTLY and shutil.disk_usage(path.parent).free > 3 * size:
            _vacuum_file()
        truncate_log()
    else:
        for table, size in _tables():
            _vacuum_if_unused(table, is_rewritten=size <= MAX_NIGHTLY)
        _forget_log_and_samples()


def rewrite(changed: Collection[type[models.Model]] = ()) -> None:
    """Write the whole database anew; on PostgreSQL, the tables of the search and of `changed` models, or all tables.

    Nothing can be saved meanwhile, on PostgreSQL to one table after the other. Not within a transaction.
    """
    _compact_indexes()
    if connection.vendor == "sqlite":
        _vacuum_file()
        truncate_log()
        return
    names = {model._meta.db_table for model in changed}
    for table, _size in _tables():
        if not names or table in names or table.startswith("search_"):
            _vacuum(table, is_rewritten=True)
    _forget_log_and_samples()


def _compact_indexes() -> None:
    for index in (entry_index(), comment_index()):
        index.compact()


def _vacuum_file() -> None:
    # The copy is as large as the database, and needs the room of its disk. SQLite reads SQLITE_TMPDIR only once.
    folder = str(Path(connection.settings_dict["NAME"]).parent).replace("'", "''")
    ((before,),) = _execute("PRAGMA temp_store")
    _execute("PRAGMA temp_store = FILE")
    _execute(f"PRAGMA temp_store_directory = '{folder}'")
    try:
        _execute("VACUUM")
    finally:
        _execute("PRAGMA temp_store_directory = ''")
        _execute(f"PRAGMA temp_store = {before}")


def _tables() -> Iterator[tuple[str, int]]:
    """Yield the tables of PostgreSQL, with their sizes in bytes.

    How much was changed in them is no guide: PostgreSQL forgets that in a crash.
    """
    yield from _execute(
        "SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables "
        "WHERE schemaname = current_schema() ORDER BY relname"
    )


def _vacuum_if_unused(table: str, *, is_rewritten: bool) -> None:
    _execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}s'")
    try:
        _vacuum(table, is_rewritten=is_rewritten)
    except DatabaseError as error:
        # Someone has been using it for too long. It has its turn the next night.
        _log.warning("The table %s could not be written anew. %s", table, type(error).__name__)
    finally:
        _execute("RESET lock_timeout")


def _vacuum(table: str, *, is_rewritten: bool) -> None:
    name = connection.ops.quote_name(table)
    if is_rewritten:
        _write_anew(name)
    # Also afterwards, so that queries can be answered from an index alone again. ANALYZE takes new samples of values.
    _execute(f"VACUUM (ANALYZE) {name}")


def _write_anew(name: str) -> None:
    for _attempt in range(_ATTEMPTS):
        if not _keeps_deleted_rows(name):
            break
        time.sleep(_PAUSE)


def _keeps_deleted_rows(name: str) -> bool:
    """Write a table anew, and return whether it still has rows that were deleted.

    PostgreSQL keeps those that a transaction that began before might read, such as its own one that takes samples.
    """
    connection.ensure_connection()
    details: list[str] = []

    def note(diagnostic: Any) -> None:
        details.append(diagnostic.message_detail or "")

    connection.connection.add_notice_handler(note)
    try:
        _execute(f"VACUUM (FULL, VERBOSE) {name}")
    finally:
        connection.connection.remove_notice_handler(note)
    # It begins with how many there are, in any language.
    return any(found[0] != "0" for detail in details if (found := re.match(r"\d+", detail)))


def _forget_log_and_samples() -> None:
    """Let PostgreSQL delete its log and former samples of values, as far as it is allowed to us (docs/running.md)."""
    ((is_superuser, may_begin_log),) = _execute(
        "SELECT rolsuper, has_function_privilege('pg_switch_wal()', 'execute') AND EXISTS "
        "(SELECT FROM pg_roles WHERE rolname = 'pg_checkpoint' AND pg_has_role(oid, 'usage')) "
        "FROM pg_roles WHERE rolname = current_user"
    )
    if is_superuser:
        # Where no row is left, ANALYZE keeps the samples of those that were there.
        _execute("DELETE FROM pg_catalog.pg_statistic USING pg_class WHERE starelid = pg_class.oid AND reltuples = 0")
        _write_anew("pg_catalog.pg_statistic")
    if may_begin_log:
        _execute("SELECT pg_switch_wal()")
        _execute("CHECKPOINT")


def _execute(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []
