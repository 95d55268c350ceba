from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_admin_log")]

    operations = [
        migrations.AddField(
            "user",
            "language",
            models.CharField(blank=True, db_default="", default="", max_length=10, verbose_name="language"),
        )
    ]
