"""Copy the former names that were stored with former slugs to their own table."""

from typing import Any

from django.db import migrations, transaction
from django.db.models import Exists, OuterRef

from core.text import fold

_BATCH = 1000


def fill(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    tag, tag_alias, former_name = (apps.get_model("tags", name) for name in ("Tag", "TagAlias", "FormerName"))
    # What is the name of a tag now stands for no other.
    is_in_use = Exists(tag.objects.using(alias).filter(key=OuterRef("key")))
    named = tag_alias.objects.using(alias).exclude(key="").exclude(is_in_use).order_by("pk")
    after = 0
    while True:
        with transaction.atomic(alias):
            # Locked, so that their tags aren't deleted or merged meanwhile.
            batch = list(named.filter(pk__gt=after).select_for_update(of=("self",))[:_BATCH])
            rows = [
                former_name(tag_id=old.tag_id, name=old.name, key=old.key, search_key=fold(old.name)[:600] or old.key)
                for old in batch
            ]
            # A row that is there comes from an attempt that was killed, or is newer.
            former_name.objects.using(alias).bulk_create(rows, ignore_conflicts=True)
        if not batch:
            return
        after = batch[-1].pk


class Migration(migrations.Migration):
    """Going back loses the former names that were stored since: most never belonged to a former slug."""

    atomic = False

    dependencies = [("tags", "0007_former_names")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
