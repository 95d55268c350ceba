from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('media', '0005_document_cleaned_with'),
    ]

    operations = [
        migrations.AddField(
            model_name='picture',
            name='credit',
            field=models.CharField(blank=True, default='', help_text='Who made the image, and its licence. Readers see it below featured images.', max_length=300, verbose_name='credit'),
            preserve_default=False,
        ),
    ]
