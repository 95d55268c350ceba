from django.db import migrations, models


def forget_saved_forms(apps, schema_editor):
    # Rows with both would break the former constraint.
    apps.get_model('blog', 'Autosave').objects.filter(entry__isnull=False).update(form_id=None)


class Migration(migrations.Migration):

    dependencies = [
        ('blog', '0016_view_others_post'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='autosave',
            name='autosave_has_one_subject',
        ),
        migrations.AddConstraint(
            model_name='autosave',
            constraint=models.CheckConstraint(condition=models.Q(('entry__isnull', False), ('form_id__isnull', False), _connector='OR'), name='autosave_has_subject'),
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_saved_forms),
    ]
