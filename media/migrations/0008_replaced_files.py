"""Replaced files are kept like deleted ones."""

from django.db import migrations, models

from core.online_migrations import AddFieldOnline, AddIndexOnline


def _column(model: str) -> AddFieldOnline:
    field = models.ForeignKey(
        f"media.{model}",
        models.CASCADE,
        null=True,
        editable=False,
        db_constraint=False,
        db_index=False,
        related_name="+",
        verbose_name="replaced in",
    )
    return AddFieldOnline(model, "replaced_in", field)


def _index(model: str) -> AddIndexOnline:
    is_replaced = models.Q(replaced_in__isnull=False)
    return AddIndexOnline(model, models.Index(fields=["replaced_in"], name=f"{model}_replaced", condition=is_replaced))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("media", "0007_wording")]

    operations = [_column("picture"), _index("picture"), _column("document"), _index("document")]
