from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("media", "0009_document_path")]

    operations = [
        migrations.AddField(
            model_name="picture", name="added_at_version", field=models.BigIntegerField(editable=False, null=True)
        ),
    ]
