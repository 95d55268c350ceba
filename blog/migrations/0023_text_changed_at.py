from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("blog", "0022_translated_version")]

    operations = [
        migrations.AddField("entry", "text_changed_at", models.DateTimeField(editable=False, null=True)),
    ]
