from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("blog", "0025_wording")]

    operations = [
        migrations.AddField(
            "entry",
            "co_authors",
            models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Other people who wrote it, named after the author. Separate names with commas.",
                max_length=1000,
                verbose_name="co-authors",
            ),
        ),
    ]
