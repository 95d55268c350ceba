from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('wordpress', '0006_forget_file_metadata'),
    ]

    operations = [
        migrations.AddField(
            model_name='attachment',
            name='credit',
            field=models.CharField(blank=True, default='', max_length=300),
            preserve_default=False,
        ),
    ]
