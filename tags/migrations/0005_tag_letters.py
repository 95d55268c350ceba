"""Add the letter under which the index of tags has each tag, and its place there."""

from typing import Any

from django.db import migrations, models, transaction

from core.online_migrations import AddFieldOnline
from tags.letters import letter_of, sort_key_of

_BATCH = 1000
# One statement for each tag, because `bulk_update` takes many times as long for a million of them.
_UPDATE = "UPDATE tags_tag SET initial = %s, sort_key = %s WHERE id = %s"


def fill(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    tags = apps.get_model("tags", "Tag").objects.using(connection.alias).filter(sort_key="").order_by("pk")
    after = 0
    while batch := list(tags.filter(pk__gt=after).values_list("pk", "name")[:_BATCH]):
        after = batch[-1][0]
        keys = [(pk, sort_key_of(name)[:100]) for pk, name in batch]
        with transaction.atomic(connection.alias), connection.cursor() as cursor:
            cursor.executemany(_UPDATE, [(letter_of(sort_key), sort_key, pk) for pk, sort_key in keys])


class Migration(migrations.Migration):
    """Runs in short transactions, so nothing has to wait for it."""

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
