from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("blog", "0023_text_changed_at")]

    operations = [
        migrations.AddField("entry", "word_count", models.IntegerField(editable=False, null=True)),
    ]
