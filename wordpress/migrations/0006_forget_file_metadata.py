from django.db import migrations

# Also what WordPress has read from the metadata of a file: camera, photographer, place.
_KEY = '_wp_attachment_metadata'
_BATCH = 500


def forget(apps, schema_editor):
    """Remove the field from what is preserved. WordPress makes it anew from the file, and an import brings the rest."""
    PreservedData = apps.get_model('wordpress', 'PreservedData')
    database = schema_editor.connection.alias
    rows = PreservedData.objects.using(database).exclude(attachment=None).order_by('pk')
    after = 0
    while batch := list(rows.filter(pk__gt=after)[:_BATCH]):
        after = batch[-1].pk
        changed = []
        for row in batch:
            meta = row.fields.get('meta', [])
            row.fields['meta'] = [pair for pair in meta if pair[0] != _KEY]
            if len(row.fields['meta']) < len(meta):
                changed.append(row)
        PreservedData.objects.using(database).bulk_update(changed, ['fields'])


class Migration(migrations.Migration):
    """In short transactions, so that nothing waits for it. What was removed can't come back, and nothing misses it."""

    atomic = False

    dependencies = [
        ('wordpress', '0005_export_jobs'),
    ]

    operations = [
        migrations.RunPython(forget, migrations.RunPython.noop),
    ]
