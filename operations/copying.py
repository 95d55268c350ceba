"""Copying a whole site from a SQLite file into a new PostgreSQL database."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import batched
from pathlib import Path
from traceback import clear_frames
from typing import Any, Final

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import DataError, IntegrityError, connection, connections, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _

from accounts.models import User
from blog.models import Entry
from core.bulk import insert_rows
from core.changes import content_changed
from core.progress_callback import ProgressCallback
from core.sqlite.base import DatabaseWrapper

_FILE: Final = "file"
_BATCH: Final = 1000
# What SQLite accepts for a column, whatever the column's type, may raise one of these when it is read or inserted.
_UNUSABLE: Final = (DataError, ValueError, TypeError, ArithmeticError)


class CopyError(Exception):
    """Says why nothing was copied, and what to do."""


def copy_from_sqlite(path: Path, progress: ProgressCallback) -> int:
    """Copy all rows of the SQLite database at `path` into the site's, and return how many. All of them or none.

    The search index, which is not made of rows, has to be built afterwards. Raises CopyError if the site's database is
    not a new one on PostgreSQL, or the file doesn't belong to this release.
    """
    if connection.vendor != "postgresql":
        raise CopyError(_("Set DATABASE_URL to the new PostgreSQL database first."))
    if not path.is_file():
        raise CopyError(_("There is no file %s.") % path)
    with _opened(path), transaction.atomic(_FILE), transaction.atomic():
        if _applied(_FILE) != _applied("default"):
            raise CopyError(_("The databases belong to different releases. Run `manage.py migrate` for both of them."))
        if any(model._base_manager.exists() for model in (User, Entry)):
            raise CopyError(_("The PostgreSQL database already has accounts or posts. Use a new one."))
        every_model = apps.get_models(include_auto_created=True)
        count = _copy(path, [model for model in every_model if model._meta.can_migrate(connection)], progress)
        content_changed()
    # Types of content have the IDs of the file now.
    ContentType.objects.clear_cache()
    return count


@contextmanager
def _opened(path: Path) -> Iterator[None]:
    """Make the database at `path` available under the alias _FILE."""
    settings = {**connections.settings["default"], "NAME": str(path), "OPTIONS": {}, "CONN_MAX_AGE": 0}
    connections[_FILE] = DatabaseWrapper(settings, _FILE)
    try:
        yield
    finally:
        connections[_FILE].close()
        del connections[_FILE]


def _applied(alias: str) -> set[tuple[str, str]]:
    return set(MigrationRecorder(connections[alias]).applied_migrations())


def _copy(path: Path, tables: list[type[models.Model]], progress: ProgressCallback) -> int:
    total, done = sum(model._base_manager.using(_FILE).count() for model in tables), 0
    with connection.cursor() as cursor:
        # A new database has rows as well, such as roles and permissions, with other IDs.
        for statement in connection.ops.sql_flush(no_style(), [model._meta.db_table for model in tables]):
            cursor.execute(statement)
        for model in tables:
            before, fields = done, model._meta.concrete_fields
            try:
                for batch in batched(_rows(model, fields).iterator(_BATCH), _BATCH):
                    with transaction.atomic():
                        insert_rows(model, [field.name for field in fields], batch)
                    done += len(batch)
                    progress(_("Rows"), done, total)
            except _UNUSABLE as error:
                # They hold a cursor, which can't be closed after its connection.
                clear_frames(error.__traceback__)
                raise CopyError(_describe_unusable(path, model, done - before, error)) from error
        # IDs of rows that have been deleted stay used, because e-mails may have links with them.
        used = dict(connections[_FILE].cursor().execute("SELECT name, seq FROM sqlite_sequence").fetchall())
        for model in tables:
            table, column = model._meta.db_table, model._meta.pk.column
            if last := used.get(table):
                name = connection.ops.quote_name(table)
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [name, column, last])
    return done


def _rows(model: type[models.Model], fields: Sequence[models.Field[Any, Any]]) -> models.QuerySet[Any, tuple[Any, ...]]:
    return model._base_manager.using(_FILE).order_by("pk").values_list(*(field.attname for field in fields))


def _describe_unusable(path: Path, model: type[models.Model], start: int, error: Exception) -> str:
    """Describe what can't be copied in the batch of rows that begins at `start`, and what to do."""
    fields, stop = model._meta.concrete_fields, start + _BATCH
    while stop - start > 1:
        middle = (start + stop) // 2
        if found := _try_to_copy(model, fields, start, middle):
            error, stop = found, middle
        else:
            start = middle
    place = model._meta.db_table
    for field in fields:
        if found := _try_to_copy(model, [field], start, stop):
            error, place = found, f"{place}.{field.column}"
            break
    with connections[_FILE].cursor() as cursor:
        quote = connection.ops.quote_name
        key = quote(str(model._meta.pk.column))
        cursor.execute(
            f"SELECT rowid FROM {quote(model._meta.db_table)} ORDER BY {key} LIMIT 1 OFFSET %s",  # noqa: S608  # quoted
            [start],
        )
        ((row,),) = cursor.fetchall()
    text = _(
        "Nothing was copied, because PostgreSQL can't store what is in %(place)s where rowid = %(row)d: %(error)s. "
        "Correct it in %(file)s, for example with the program sqlite3, and try again."
    )
    return text % {"place": place, "row": row, "error": str(error).strip(), "file": path}


def _try_to_copy(
    model: type[models.Model], fields: Sequence[models.Field[Any, Any]], start: int, stop: int
) -> Exception | None:
    """Copy these fields of some rows, and return the error if a value is not usable."""
    try:
        with transaction.atomic():
            insert_rows(model, [field.name for field in fields], _rows(model, fields)[start:stop])
    except _UNUSABLE as error:
        return error
    except IntegrityError:
        # The values were usable, but without the other fields, they are no complete row.
        return None
    return None
