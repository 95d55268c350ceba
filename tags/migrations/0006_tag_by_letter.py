"""Add the index from which the pages of letters are read."""

from django.db import migrations, models

from core.online_migrations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("tags", "0005_tag_letters")]

    operations = [
        AddIndexOnline(
            model_name="tag",
            index=models.Index(fields=["initial", "sort_key", "id"], name="tag_by_letter"),
        ),
    ]
