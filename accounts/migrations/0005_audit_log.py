import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_one_role'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='time')),
                ('role', models.CharField(blank=True, max_length=150, verbose_name='role')),
                ('action', models.CharField(choices=[('logged_in', 'Logged in'), ('login_failed', 'Failed attempts to log in'), ('logged_out', 'Logged out'), ('sessions_ended', 'Logged out other browsers'), ('password_changed', 'Chose a password'), ('password_forgotten', 'Requests for a link, as the password was forgotten'), ('password_link_made', 'Made a link for choosing a password'), ('factor_added', 'Added a way to log in'), ('factor_removed', 'Removed a way to log in'), ('recovery_codes_made', 'Made recovery codes'), ('emergency_link_made', 'Made an emergency link'), ('invited', 'Invited'), ('role_changed', 'Changed the role'), ('locked', 'Locked with the emergency link'), ('deactivated', 'Deactivated'), ('reactivated', 'Reopened'), ('rescued', 'Rescued on the server'), ('gave_away', 'Gave the posts and pages to someone else'), ('received', 'Gave the posts and pages of someone else'), ('added', 'Added'), ('changed', 'Changed'), ('renamed', 'Renamed'), ('merged', 'Merged'), ('scheduled', 'Scheduled'), ('published', 'Published'), ('published_privately', 'Published privately'), ('unpublished', 'Unpublished'), ('trashed', 'Moved to the trash'), ('restored', 'Restored'), ('deleted', 'Deleted'), ('undone', 'Undid a change'), ('imported', 'Imported'), ('exported', 'Exported'), ('downloaded', 'Downloaded'), ('disclosed', 'Exported personal data'), ('erased', 'Erased'), ('withdrawn', 'Withdrew a person'), ('backup_restored', 'Restored a backup')], max_length=30, verbose_name='action')),
                ('kind', models.CharField(blank=True, max_length=100, verbose_name='kind')),
                ('object_id', models.CharField(blank=True, max_length=150, verbose_name='ID')),
                ('title', models.CharField(blank=True, max_length=200, verbose_name='object')),
                ('details', models.TextField(blank=True, verbose_name='details')),
                ('count', models.PositiveIntegerField(null=True)),
                ('person', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person')),
            ],
            options={
                'verbose_name': 'record of the audit log',
                'verbose_name_plural': 'records of the audit log',
                'ordering': ('-at', '-pk'),
                'default_permissions': (),
                'indexes': [models.Index(fields=['at', 'id'], name='audit_at'), models.Index(fields=['person', 'at', 'id'], name='audit_person'), models.Index(fields=['action', 'at', 'id'], name='audit_action'), models.Index(fields=['kind', 'object_id', 'at', 'id'], name='audit_object')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('count__isnull', False)), fields=('action', 'object_id', 'at'), name='audit_one_count_an_hour')],
            },
        ),
    ]
