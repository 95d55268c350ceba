"""Files to which texts refer although the export has no items for them."""

from typing import Any

from django.db import migrations, models


def _delete_files_without_items(apps: Any, schema_editor: Any) -> None:
    """Before this migration, each attachment had an ID. The next import finds the others again."""
    apps.get_model("wordpress", "Attachment").objects.filter(wordpress_id=None).delete()


class Migration(migrations.Migration):
    dependencies = [("wordpress", "0001_initial")]

    operations = [
        migrations.AddField(model_name="attachment", name="gone_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="attachment", name="on_other_host", field=models.BooleanField(default=False)),
        migrations.AlterField(
            model_name="attachment", name="wordpress_id", field=models.PositiveBigIntegerField(null=True)
        ),
        migrations.AddConstraint(
            model_name="attachment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("wordpress_id", None)),
                fields=("url", "site"),
                name="unique_attachment_without_item",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, _delete_files_without_items),
    ]
