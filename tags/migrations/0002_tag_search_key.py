"""Add the name of each tag without case and accents, which searching compares."""

from itertools import batched
from typing import Any

from django.db import migrations, models

from core.text import fold


def fill(apps: Any, schema_editor: Any) -> None:
    tag_model = apps.get_model("tags", "Tag")
    rows = tag_model.objects.using(schema_editor.connection.alias).only("pk", "name", "key").order_by("pk")
    for batch in batched(rows.iterator(chunk_size=2000), 2000, strict=False):
        for tag in batch:
            tag.search_key = fold(tag.name)[:600] or tag.key
        tag_model.objects.using(schema_editor.connection.alias).bulk_update(batch, ["search_key"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("tags", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="tag",
            name="search_key",
            field=models.CharField(default="", editable=False, max_length=600),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
