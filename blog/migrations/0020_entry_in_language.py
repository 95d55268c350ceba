from django.db import migrations, models

from core.online_migrations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("blog", "0019_appearance")]

    operations = [
        AddIndexOnline(
            "entry",
            models.Index(fields=["kind", "language", "status", "-published_at", "-id"], name="entry_in_language"),
        )
    ]
