"""Add the letter under which the index of tags has each tag, and its place there."""

from typing import Any

from django.db import migrations, models

from core.online_migrations import AddFieldOnline
from tags.letters import letter_of, sort_key_of

_BATCH = 500


def fill(apps: Any, schema_editor: Any) -> None:
    tags = apps.get_model("tags", "Tag").objects.using(schema_editor.connection.alias)
    after = 0
    while batch := list(tags.filter(pk__gt=after, sort_key="").only("pk", "name").order_by("pk")[:_BATCH]):
        after = batch[-1].pk
        for tag in batch:
            tag.sort_key = sort_key_of(tag.name)[:100]
            tag.initial = letter_of(tag.sort_key)
        tags.bulk_update(batch, ["initial", "sort_key"])


class Migration(migrations.Migration):
    """In short transactions, so that nothing waits for it."""

    atomic = False

    dependencies = [("tags", "0004_alias_key_index")]

    operations = [
        AddFieldOnline(
            model_name="tag",
            name="initial",
            field=models.CharField(db_default="#", editable=False, max_length=1),
        ),
        AddFieldOnline(
            model_name="tag",
            name="sort_key",
            field=models.CharField(db_default="", editable=False, max_length=100),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
