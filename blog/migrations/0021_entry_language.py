from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("blog", "0020_entry_in_language")]

    # The one that the migration before adds begins with the same columns.
    operations = [migrations.RemoveIndex("entry", "entry_language")]
