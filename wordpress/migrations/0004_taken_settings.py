"""The site settings that an import took from the export, so that undoing it sets them back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("wordpress", "0003_preserved_data")]

    operations = [
        migrations.AddField(model_name="importrun", name="taken_settings", field=models.JSONField(default=dict)),
    ]
