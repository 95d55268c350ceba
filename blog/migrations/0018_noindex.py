from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("blog", "0017_saved_forms")]

    operations = [
        migrations.AddField(
            "entry",
            "noindex",
            models.BooleanField(
                db_default=False,
                default=False,
                help_text="Search engines are asked to leave it out. Readers find it here as before.",
                verbose_name="hide from search engines",
            ),
        )
    ]
