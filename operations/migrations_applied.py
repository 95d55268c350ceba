"""Whether the database is up to date with the code."""

from functools import cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def unapplied_migrations() -> list[str]:
    """Return the migrations that have not been applied to the database, as `app.name`. One or two queries."""
    applied = MigrationRecorder(connection).applied_migrations()
    return [f"{app}.{name}" for app, name in _known_migrations() if (app, name) not in applied]


@cache
def _known_migrations() -> list[tuple[str, str]]:
    # Loading them takes a while, and they don't change while the process lives.
    return sorted(MigrationLoader(None).graph.nodes)
