from typing import Any

from django.db import migrations

from search.indexes import comment_index, entry_index
from search.indexes.postgresql import PostgresqlIndex


def add_filters(apps: Any, schema_editor: Any) -> None:
    for index in (entry_index(), comment_index()):
        if isinstance(index, PostgresqlIndex):
            index.add_filters()


class Migration(migrations.Migration):
    """On PostgreSQL, documents have filters for phrases. `rebuild_search --from-scratch` makes those of earlier ones."""

    atomic = False

    dependencies = [("search", "0003_languages")]

    operations = [migrations.RunPython(add_filters, migrations.RunPython.noop)]
