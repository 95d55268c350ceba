"""Removing all traces of deleted data from files: those of the database, and copies of public pages.

SQLite overwrites deleted rows (`secure_delete`, config.database), but traces remain in its log, in rows that it has
moved from one page to another, and in parts of the search index. PostgreSQL overwrites nothing, so its tables are
rewritten. docs/owners.md and docs/running.md say what remains and for how long.
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
from core.database import lock_timeout, pragma
from search.indexes import comment_index, entry_index

# In bytes. A larger SQLite database or PostgreSQL table is not rewritten every night, because nothing can be saved in
# the meantime. 138 MB took two seconds on a busy machine.
MAX_NIGHTLY: Final = 2**29
# In milliseconds. How long emptying the log waits for readers. Until then, nothing can be written.
_PATIENCE: Final = 500
# In seconds. How long rewriting a table waits for its lock. Until then, new queries queue behind it.
_LOCK_TIMEOUT: Final = 5
# How often a table is rewritten if it still contains deleted rows, and the seconds in between.
_ATTEMPTS: Final = 5
_PAUSE: Final = 1

_log = logging.getLogger(__name__)


def forget_copies() -> None:
    """Delete public pages that are out of date, and empty SQLite's log. Cheap enough to do every hour."""
    version = content_version()
    cache.sweep(version)  # type: ignore[attr-defined]  # core.cache.FailSafeCache
    delete_stale_folders(version)
    truncate_log()


def truncate_log() -> None:
    """Empty SQLite's log, unless a reader keeps it in use."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    with pragma("busy_timeout", _PATIENCE):
        _execute("PRAGMA wal_checkpoint(TRUNCATE)")


def rewrite_if_small() -> None:
    """Rewrite the search index in small steps, and then as much of the database as doesn't keep others waiting."""
    _compact_indexes()
    if connection.vendor == "sqlite":
        path = Path(connection.settings_dict["NAME"])
        size = path.stat().st_size
        # For the copy, and the log, which contains all of it.
        if size <= MAX_NIGHTLY and shutil.disk_usage(path.parent).free > 3 * size:
            _vacuum_file()
        truncate_log()
    else:
        for table, size in _tables():
            _vacuum_if_unused(table, is_rewritten=size <= MAX_NIGHTLY)
        _forget_log_and_samples()


def rewrite(changed: Collection[type[models.Model]] = ()) -> None:
    """Rewrite the whole database; on PostgreSQL, the tables of the search and of `changed` models, or all tables.

    Nothing can be saved in the meantime; on PostgreSQL, one table at a time. Must not be called in a transaction.
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
    # The copy is as large as the database, so it is made on the same disk. SQLite reads SQLITE_TMPDIR only once.
    folder = str(Path(connection.settings_dict["NAME"]).parent).replace("'", "''")
    with pragma("temp_store", "FILE"):
        _execute(f"PRAGMA temp_store_directory = '{folder}'")
        try:
            _execute("VACUUM")
        finally:
            _execute("PRAGMA temp_store_directory = ''")


def _tables() -> Iterator[tuple[str, int]]:
    """Yield the tables of PostgreSQL, with their sizes in bytes.

    The statistics of changes are no guide to which need rewriting, because PostgreSQL loses them in a crash.
    """
    yield from _execute(
        "SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables "
        "WHERE schemaname = current_schema() ORDER BY relname"
    )


def _vacuum_if_unused(table: str, *, is_rewritten: bool) -> None:
    with lock_timeout(connection, f"{_LOCK_TIMEOUT}s"):
        try:
            _vacuum(table, is_rewritten=is_rewritten)
        except DatabaseError as error:
            # It has been in use for too long, and is rewritten the next night.
            _log.warning("The table %s could not be rewritten. %s", table, type(error).__name__)


def _vacuum(table: str, *, is_rewritten: bool) -> None:
    name = connection.ops.quote_name(table)
    if is_rewritten:
        _rewrite_table(name)
    # After rewriting too, so that index-only scans work again. ANALYZE takes new samples of values.
    _execute(f"VACUUM (ANALYZE) {name}")


def _rewrite_table(name: str) -> None:
    for _attempt in range(_ATTEMPTS):
        if not _rewrite_once(name):
            break
        time.sleep(_PAUSE)


def _rewrite_once(name: str) -> bool:
    """Rewrite a table, and return whether it still contains deleted rows.

    PostgreSQL keeps the rows that older transactions might read, such as its own one that takes samples.
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
    # The message starts with the number of such rows, in any language.
    return any(found[0] != "0" for detail in details if (found := re.match(r"\d+", detail)))


def _forget_log_and_samples() -> None:
    """Make PostgreSQL delete its log and former samples of values, as far as our role may (docs/running.md)."""
    ((is_superuser, may_switch_log),) = _execute(
        "SELECT rolsuper, has_function_privilege('pg_switch_wal()', 'execute') AND EXISTS "
        "(SELECT FROM pg_roles WHERE rolname = 'pg_checkpoint' AND pg_has_role(oid, 'usage')) "
        "FROM pg_roles WHERE rolname = current_user"
    )
    if is_superuser:
        # If a table is empty, ANALYZE keeps the samples of its former rows.
        _execute("DELETE FROM pg_catalog.pg_statistic USING pg_class WHERE starelid = pg_class.oid AND reltuples = 0")
        _rewrite_table("pg_catalog.pg_statistic")
    if may_switch_log:
        _execute("SELECT pg_switch_wal()")
        _execute("CHECKPOINT")


def _execute(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []
