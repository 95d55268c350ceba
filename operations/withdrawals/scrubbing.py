"""Leaving nothing behind in the files of the database of what was changed or deleted."""

from collections.abc import Iterable, Iterator

from django.apps import apps
from django.db import connection

from operations.models import GoneUrl, Withdrawal, WithdrawnRow
from search.indexes import comment_index, entry_index


def overwrite_what_is_deleted() -> None:
    """Have SQLite overwrite with zeros what is deleted from now on through this connection."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")


def truncate_log() -> None:
    """Empty SQLite's log, if no one reads from it."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def scrub(labels: Iterable[str]) -> None:
    """Write the database anew without what was deleted from it: on PostgreSQL, the tables of the models with `labels`.

    Nothing can be written meanwhile, on PostgreSQL to one table after the other. Not within a transaction.
    """
    for index in (entry_index(), comment_index()):
        index.compact()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("VACUUM")
        else:
            for table in sorted(set(_tables(labels))):
                cursor.execute(f"VACUUM (FULL) {connection.ops.quote_name(table)}")
    truncate_log()


def _tables(labels: Iterable[str]) -> Iterator[str]:
    for label in labels:
        yield apps.get_model(label)._meta.db_table
    yield from (model._meta.db_table for model in (Withdrawal, WithdrawnRow, GoneUrl))
    yield from (table for table in connection.introspection.table_names() if table.startswith("search_"))
