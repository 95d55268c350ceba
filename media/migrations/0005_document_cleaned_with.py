import media.models
from django.db import migrations, models


class Migration(migrations.Migration):
    """Note which documents have been cleaned: none of those that are stored already, and all that are stored from now on.

    Both columns have constant defaults, so no row is rewritten on PostgreSQL. Both indexes are made in one pass each.
    """

    dependencies = [
        ('media', '0004_trash_and_duplicates'),
    ]

    operations = [
        migrations.AddField(
            model_name='document',
            name='cleaned_with',
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        migrations.AlterField(
            model_name='document',
            name='cleaned_with',
            field=models.PositiveSmallIntegerField(default=media.models.cleaners_version, editable=False),
        ),
        migrations.AddField(
            model_name='document',
            name='uncleaned_because',
            field=models.CharField(blank=True, default='', editable=False, max_length=500, verbose_name='not cleaned'),
        ),
        migrations.AddIndex(
            model_name='document',
            index=models.Index(fields=['cleaned_with'], name='document_cleaned_with'),
        ),
        migrations.AddIndex(
            model_name='document',
            index=models.Index(condition=models.Q(('uncleaned_because', ''), _negated=True), fields=['id'], name='document_uncleaned'),
        ),
    ]
