"""New documents are stored in folders of their own. The table stays as it is, so SQLite need not copy it."""

from django.db import migrations, models

import media.models


class Migration(migrations.Migration):
    dependencies = [("media", "0008_replaced_files")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="document",
                    name="file",
                    field=models.FileField(upload_to=media.models.document_path, verbose_name="file"),
                ),
            ]
        ),
    ]
