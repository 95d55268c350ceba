import uuid

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("blog", "0026_co_authors")]

    operations = [
        migrations.CreateModel(
            "UndoableEdit",
            [
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("made_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ("parts", models.JSONField()),
            ],
            options={"default_permissions": ()},
        ),
    ]
