"""Give the content version a part that stays the same when only comments change."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0002_content_version_slots")]

    operations = [
        migrations.AddField("contentversion", "entries", models.PositiveBigIntegerField(default=1, db_default=1))
    ]
