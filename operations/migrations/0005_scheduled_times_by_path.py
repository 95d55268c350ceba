from typing import Any

from django.db import migrations


def forget_times(apps: Any, schema_editor: Any) -> None:
    """Delete the times of tasks under their other names. Each task is due again at its next time."""
    apps.get_model("operations", "ScheduledTime").objects.all().delete()


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("operations", "0004_checks")]

    operations = [migrations.RunPython(forget_times, forget_times)]
