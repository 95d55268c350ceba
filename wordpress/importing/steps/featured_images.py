"""Featured images: pictures that posts and pages of an export name by their IDs (`_thumbnail_id`)."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from django.utils.translation import gettext as _

from blog.models import Entry
from wordpress.bulk import fetch_rows
from wordpress.importing.batches import write_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.entry_builder import ImportedEntry
from wordpress.models import Attachment, ImportedItem
from wordpress.wxr.records import THUMBNAIL

# In the ledger: `wordpress_id` is the picture's ID there, `object_pk` the entry's ID here, and `left_as` the picture's
# ID here once the entry has got it.
FEATURED_IMAGES: Final = "featured image"


def record_featured_images(context: ImportContext, entries: Sequence[ImportedEntry]) -> None:
    """Record what new and changed entries name now. The pictures themselves come later.

    A picture that an import has set, and that nobody has changed since, is removed if the export names another.
    """
    changed = [each.entry.pk for each in entries if each.is_changed]
    columns = ("object_pk", "wordpress_id", "left_as")
    rows = fetch_rows(ImportedItem, "object_pk", changed, *columns, kind=FEATURED_IMAGES)
    recorded = {pk: rest for pk, *rest in rows}
    for each in entries:
        entry, exported = each.entry, thumbnail_id(each.item.meta)
        before, left_as = recorded.get(entry.pk, [0, ""])
        if before == exported:
            continue
        if before:
            ImportedItem.objects.filter(kind=FEATURED_IMAGES, object_pk=entry.pk).delete()
            if left_as == str(entry.featured_picture_id):
                entry.featured_picture = None
        if exported and each.is_new:
            context.ledger.add_new(FEATURED_IMAGES, exported, entry.pk)
        elif exported:
            context.ledger.add_updated(FEATURED_IMAGES, exported, entry.pk, "", "")


def set_featured_images(context: ImportContext) -> None:
    """Give entries the pictures that their export names, as far as these are here. Missing ones are noted.

    An entry that has another picture by now keeps it.
    """
    unset = ImportedItem.objects.filter(kind=FEATURED_IMAGES, site=context.site, left_as="").order_by("pk")
    write_batches(context, list(unset.values_list("pk", flat=True)), partial(_set, context))


def thumbnail_id(meta: Sequence[tuple[str, str]]) -> int:
    """Return the ID of the featured image; 0 if there is none."""
    value = dict(meta).get(THUMBNAIL, "").strip()
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 17 else 0


def _set(context: ImportContext, pks: Sequence[int]) -> None:
    rows = ImportedItem.objects.filter(pk__in=pks).order_by("pk")
    ids = {row.wordpress_id for row in rows}
    conditions = {"site": context.site, "picture__isnull": False}
    pictures = dict(fetch_rows(Attachment, "wordpress_id", ids, "wordpress_id", "picture_id", **conditions))
    entry_pks = (row.object_pk for row in rows)
    entries = {pk: rest for pk, *rest in fetch_rows(Entry, "pk", entry_pks, "pk", "kind", "title")}
    for row in rows:
        entry, picture = entries.get(row.object_pk), pictures.get(row.wordpress_id)
        if entry and picture:
            Entry.objects.filter(pk=row.object_pk, featured_picture=None).update(featured_picture=picture)
            ImportedItem.objects.filter(pk=row.pk).update(left_as=str(picture))
        elif entry:
            kind, title = entry
            text = _("Its featured image, the attachment %d, is not here.") % row.wordpress_id
            context.report.note(kind, row.object_pk, title, text)
