import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0002_content_version_slots'),
        ('operations', '0002_worker'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Withdrawal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('searching', 'Looking for the name'), ('found', 'Ready to preview'), ('running', 'Replacing the name'), ('done', 'Withdrawn'), ('undoing', 'Undoing'), ('undone', 'Undone'), ('final', 'Withdrawn for good')], default='searching', max_length=9, verbose_name='state')),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='started')),
                ('withdrawn_at', models.DateTimeField(null=True, verbose_name='withdrawn')),
                ('undo_until', models.DateTimeField(null=True, verbose_name='can be undone until')),
                ('counts', models.JSONField(default=dict)),
                ('by_hand', models.JSONField(default=list)),
                ('left_alone', models.JSONField(default=list)),
                ('cursor', models.JSONField(default=dict)),
                ('done', models.PositiveBigIntegerField(default=0)),
                ('total', models.PositiveBigIntegerField(default=0)),
                ('step', models.PositiveBigIntegerField(default=0)),
                ('sealed', models.TextField(blank=True)),
                ('started_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='started by')),
            ],
            options={
                'verbose_name': 'withdrawal',
                'verbose_name_plural': 'withdrawals',
                'ordering': ('-started_at', '-pk'),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='WithdrawalFlags',
            fields=[
                ('site', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='withdrawal_flags', serialize=False, to='core.sitesettings')),
                ('has_gone_urls', models.BooleanField(default=False)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='GoneUrl',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(db_index=True, max_length=64)),
                ('withdrawal', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='gone_urls', to='operations.withdrawal')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='WithdrawnRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.CharField(max_length=100)),
                ('sealed', models.TextField()),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('withdrawal', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rows', to='operations.withdrawal')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddConstraint(
            model_name='withdrawal',
            constraint=models.UniqueConstraint(models.Case(models.When(models.Q(('state__in', ('searching', 'running', 'undoing'))), then=models.Value(1))), name='one_active_withdrawal'),
        ),
        migrations.AddConstraint(
            model_name='withdrawal',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['searching', 'found', 'running', 'done', 'undoing', 'undone', 'final'])), name='withdrawal_state_known'),
        ),
    ]
