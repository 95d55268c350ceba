from importlib import import_module

from django.db import migrations

_mark_as_stale = import_module("search.migrations.0003_languages").mark_as_stale


class Migration(migrations.Migration):
    """Documents have their compounds as single words. `migrate` writes them again, and they are found meanwhile."""

    # Each batch is its own transaction, so that no one waits for all of them.
    atomic = False

    dependencies = [("search", "0004_phrase_filters")]

    operations = [migrations.RunPython(_mark_as_stale, migrations.RunPython.noop)]
