from typing import Any

from django.db import migrations, models

from search.indexes import comment_index, entry_index


def create_again(apps: Any, schema_editor: Any) -> None:
    for name, index in (("IndexedEntry", entry_index()), ("IndexedComment", comment_index())):
        index.drop()
        index.create()
        apps.get_model("search", name).objects.all().delete()


class Migration(migrations.Migration):
    """The tokens of an index say in which part of a document they are. `migrate` fills it again."""

    dependencies = [("search", "0001_index")]

    operations = [
        migrations.RunPython(create_again, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="indexedentry",
            index=models.Index(condition=models.Q(("digest", "")), fields=["-id"], name="stale_entries"),
        ),
    ]
