"""Featured images: pictures that posts and pages of an export name by their IDs (`_thumbnail_id`)."""

from collections.abc import Sequence
from functools import partial
from itertools import batched
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from blog.models import Entry
from wordpress.bulk import fetch_rows
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.entry_builder import ImportedEntry
from wordpress.models import Attachment, ImportedItem
from wordpress.wxr.records import THUMBNAIL

# In the ledger: `wordpress_id` is the picture's ID there, `object_pk` the entry's ID here, and `left_as` the picture's
# ID here once the entry has got it.
FEATURED_IMAGES: Final = "featured image"
_BATCH: Final = 100


def record_featured_images(context: ImportContext, entries: Sequence[ImportedEntry]) -> None:
    """Record what new and changed entries name now. The pictures themselves come later.

    A picture that an import has set, and that nobody has changed since, is removed if the export names another.
    """
    changed = [each.entry.pk for each in entries if each.is_changed]
    columns = ("object_pk", "wordpress_id", "left_as")
    recorded = {
        pk: (wordpress_id, left_as)
        for pk, wordpress_id, left_as in fetch_rows(ImportedItem, "object_pk", changed, *columns, kind=FEATURED_IMAGES)
    }
    for each in entries:
        entry, exported = each.entry, thumbnail_id(each.item.meta)
        before, left_as = recorded.get(entry.pk, (0, ""))
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
    for pks in batched(list(unset.values_list("pk", flat=True)), _BATCH, strict=False):
        write_batch(context, partial(_set, context, unset.filter(pk__in=pks)))


def thumbnail_id(meta: Sequence[tuple[str, str]]) -> int:
    """Return the ID of the featured image; 0 if there is none."""
    value = dict(meta).get(THUMBNAIL, "").strip()
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 17 else 0


def _set(context: ImportContext, unset: QuerySet[ImportedItem]) -> None:
    rows = list(unset)
    ids = {row.wordpress_id for row in rows}
    conditions = {"site": context.site, "picture__isnull": False}
    pictures = dict(fetch_rows(Attachment, "wordpress_id", ids, "wordpress_id", "picture_id", **conditions))
    pks = (row.object_pk for row in rows)
    entries = {pk: rest for pk, *rest in fetch_rows(Entry, "pk", pks, "pk", "kind", "title")}
    for row in rows:
        if row.object_pk not in entries:
            continue
        if row.wordpress_id not in pictures:
            kind, title = entries[row.object_pk]
            text = _("Its featured image, the attachment %d, is not here.") % row.wordpress_id
            context.report.note(kind, row.object_pk, title, text)
            continue
        picture = pictures[row.wordpress_id]
        Entry.objects.filter(pk=row.object_pk, featured_picture=None).update(featured_picture=picture)
        ImportedItem.objects.filter(pk=row.pk).update(left_as=str(picture))
