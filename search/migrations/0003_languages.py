from typing import Any

from django.db import migrations

from core.bulk import batches

_BATCH_SIZE = 1_000


def mark_as_stale(apps: Any, schema_editor: Any) -> None:
    for name in ("IndexedEntry", "IndexedComment"):
        rows = apps.get_model("search", name).objects
        for batch in batches(rows.only("pk"), _BATCH_SIZE):
            rows.filter(pk__in=[row.pk for row in batch]).update(digest="")


class Migration(migrations.Migration):
    """Documents have a label for their language. `migrate` writes them again, and they are found meanwhile."""

    # Each batch is its own transaction, so that no one waits for all of them.
    atomic = False

    dependencies = [("search", "0002_tiers")]

    operations = [migrations.RunPython(mark_as_stale, migrations.RunPython.noop)]
