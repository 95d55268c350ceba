"""Add the name of each tag without case and accents, which searching compares."""

from typing import Any

from django.db import migrations, models

from core.online_migrations import AddFieldOnline
from core.text import fold

_BATCH = 500


def fill(apps: Any, schema_editor: Any) -> None:
    tags = apps.get_model("tags", "Tag").objects.using(schema_editor.connection.alias)
    after = 0
    while batch := list(tags.filter(pk__gt=after).only("pk", "name", "key").order_by("pk")[:_BATCH]):
        after = batch[-1].pk
        for tag in batch:
            tag.search_key = fold(tag.name)[:600] or tag.key
        tags.bulk_update(batch, ["search_key"])


class Migration(migrations.Migration):
    """In short transactions, so that nothing waits for it."""

    atomic = False

    dependencies = [("tags", "0001_initial")]

    operations = [
        AddFieldOnline(
            model_name="tag",
            name="search_key",
            field=models.CharField(default="", editable=False, max_length=600),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
