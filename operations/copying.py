"""Copying a whole site from a SQLite file into a new PostgreSQL database."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import batched
from pathlib import Path
from typing import Final

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connection, connections, models, transaction
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
        count = _copy([model for model in every_model if model._meta.can_migrate(connection)], progress)
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


def _copy(tables: list[type[models.Model]], progress: ProgressCallback) -> int:
    rows = {model: model._base_manager.using(_FILE).order_by("pk") for model in tables}
    total, done = sum(each.count() for each in rows.values()), 0
    with connection.cursor() as cursor:
        # A new database has rows as well, such as roles and permissions, with other IDs.
        for statement in connection.ops.sql_flush(no_style(), [model._meta.db_table for model in tables]):
            cursor.execute(statement)
        for model, stored in rows.items():
            fields = model._meta.concrete_fields
            values = stored.values_list(*(field.attname for field in fields))
            for batch in batched(values.iterator(_BATCH), _BATCH):
                insert_rows(model, [field.name for field in fields], batch)
                done += len(batch)
                progress(_("Rows"), done, total)
        for statement in connection.ops.sequence_reset_sql(no_style(), tables):
            cursor.execute(statement)
    return done
