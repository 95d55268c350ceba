"""The one row of site settings. It stays when this is undone: the table itself goes with 0001."""

from django.db import migrations


def make_row(apps, schema_editor):
    settings = apps.get_model("blog", "SiteSettings").objects.using(schema_editor.connection.alias)
    settings.get_or_create(pk=1)


class Migration(migrations.Migration):
    dependencies = [("blog", "0002_initial")]
    operations = [migrations.RunPython(make_row, migrations.RunPython.noop, elidable=False)]
