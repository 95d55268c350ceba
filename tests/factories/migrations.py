"""A program that applies all migrations, and reverses ours."""

import json
import sys
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

_CHANGES = ("ALTER", "CREATE", "DELETE", "DROP", "INSERT", "UPDATE")
# The table in which Django records applied migrations.
_NOTES = "django_migrations"


def main() -> None:
    """Print as JSON the statements of each migration, ours that are applied, and our tables that are left at the end.

    Migrations that had been applied before are left out of the statements.
    """
    statements = _apply_all()
    executor = MigrationExecutor(connection)
    applied = sorted(f"{app}.{name}" for app, name in executor.loader.applied_migrations if app in our_apps())
    executor.migrate([(app, None) for app in sorted(our_apps() & executor.loader.migrated_apps)])
    ours = {model._meta.db_table for model in apps.get_models() if model._meta.app_label in our_apps()}
    left = ours.intersection(connection.introspection.table_names())
    json.dump({"statements": statements, "applied": applied, "left": sorted(left)}, sys.stdout)


def our_apps() -> set[str]:
    """Return the labels of our own apps that have migrations."""
    return {app.label for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR}


def _apply_all() -> dict[str, list[str]]:
    """Return the statements of each migration, by app and name."""
    found: dict[str, list[str]] = {}

    def note(action: str, migration: Any = None, fake: bool | None = None) -> None:
        if action == "apply_start":
            found[f"{migration.app_label}.{migration.name}"] = []

    def record(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        text = str(sql)
        if found and text.lstrip().startswith(_CHANGES) and _NOTES not in text:
            # A linter doesn't understand our placeholders.
            found[next(reversed(found))].append(text.replace("%s", "NULL").strip().rstrip(";"))
        return execute(sql, params, many, context)

    executor = MigrationExecutor(connection, note)
    with connection.execute_wrapper(record):
        executor.migrate(executor.loader.graph.leaf_nodes())
    return found
