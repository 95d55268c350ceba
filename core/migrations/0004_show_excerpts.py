"""Let owners have lists show excerpts of posts without a more marker."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0003_entries_version")]

    operations = [
        migrations.AddField(
            "sitesettings",
            "show_excerpts",
            models.BooleanField(
                "show excerpts",
                default=False,
                db_default=False,
                help_text="In lists, show only the excerpt of long entries that have no more marker.",
            ),
        )
    ]
