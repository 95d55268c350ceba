"""Fragments belong to a site. Of those that are here it is known if only one site was ever brought in."""

from typing import Any

from django.db import migrations, models
from django.db.models import Exists, OuterRef


def say_the_only_site(apps: Any, schema_editor: Any) -> None:
    fragments = apps.get_model("wordpress", "Fragment").objects
    if fragments.exists():
        items = apps.get_model("wordpress", "ImportedItem").objects
        sites = list(items.order_by().values_list("site", flat=True).distinct()[:2])
        if len(sites) == 1:
            fragments.update(site=sites[0])


def keep_one_of_each_name(apps: Any, schema_editor: Any) -> None:
    """Before this migration there is room for one: the one that came first."""
    fragments = apps.get_model("wordpress", "Fragment").objects
    of_one_name = fragments.filter(kind=OuterRef("kind"), name=OuterRef("name"), pk__lt=OuterRef("pk"))
    fragments.filter(Exists(of_one_name)).delete()


class Migration(migrations.Migration):
    dependencies = [("wordpress", "0004_import")]

    operations = [
        migrations.AddField(
            model_name="fragment",
            name="site",
            field=models.CharField(blank=True, default="", max_length=500),
            preserve_default=False,
        ),
        migrations.RemoveConstraint(model_name="fragment", name="fragment_of_one_name"),
        migrations.AddConstraint(
            model_name="fragment",
            constraint=models.UniqueConstraint(fields=["kind", "name", "site"], name="fragment_of_one_name"),
        ),
        migrations.RunPython(say_the_only_site, keep_one_of_each_name),
    ]
