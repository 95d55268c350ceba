from typing import Any

from django.db import migrations, models

from search.indexes import comment_index, entry_index


def create(apps: Any, schema_editor: Any) -> None:
    entry_index().create()
    comment_index().create()


def drop(apps: Any, schema_editor: Any) -> None:
    entry_index().drop()
    comment_index().drop()


class Migration(migrations.Migration):
    """The index is filled by the command `rebuild_search`, which `migrate` runs if there is something to fill in."""

    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="IndexedComment",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("digest", models.CharField(max_length=32)),
                ("entry_id", models.BigIntegerField(db_index=True)),
            ],
            options={"abstract": False, "default_permissions": ()},
        ),
        migrations.CreateModel(
            name="IndexedEntry",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("digest", models.CharField(max_length=32)),
            ],
            options={"abstract": False, "default_permissions": ()},
        ),
        migrations.RunPython(create, drop),
    ]
