from django.db import migrations, models
from django.utils import timezone


class Migration(migrations.Migration):

    dependencies = [
        ('comments', '0002_blocklist_entry_names'),
    ]

    operations = [
        migrations.AddField(
            model_name='commentsettings',
            name='receive_webmentions',
            field=models.BooleanField(db_default=False, default=False, help_text='Other sites can tell this one that they link to a post. It then opens their page to see whether they do, and the link waits in the moderation queue, like a pingback.', verbose_name='receive Webmentions'),
        ),
        migrations.AddField(
            model_name='commentsettings',
            name='send_webmentions',
            field=models.BooleanField(db_default=False, default=False, help_text='When a post or page is published or changed, open the pages that it links to, and tell the sites that want to know. What was published before you turned this on is left alone.', verbose_name='send Webmentions'),
        ),
        migrations.AddField(
            model_name='commentsettings',
            name='sending_since',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.CreateModel(
            name='SentMention',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('entry_id', models.BigIntegerField()),
                ('source', models.CharField(max_length=2000)),
                ('target', models.CharField(max_length=1000)),
                ('digest', models.CharField(blank=True, max_length=32)),
                ('sent_at', models.DateTimeField(null=True)),
                ('not_before', models.DateTimeField(default=timezone.now, null=True)),
                ('failures', models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['not_before'], name='sent_mention_due')],
                'constraints': [models.UniqueConstraint(fields=('entry_id', 'target'), name='sent_mention_once')],
            },
        ),
    ]
