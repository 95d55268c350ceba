"""The pages of files that are not here and have no parent: they lead to a post or page that shows the file."""

from collections.abc import Mapping, Sequence
from functools import partial

from blog.models import Entry
from core.bulk import fetch_rows
from wordpress.importing.batches import write_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.redirects import add_id_redirects, add_missing_redirects, entries_by_id
from wordpress.importing.steps.files import FEATURED_IMAGES
from wordpress.models import Attachment, ImportedItem


def redirect_attachment_pages(context: ImportContext, shown_by: Mapping[int, Sequence[int]]) -> None:
    """Redirect the pages of missing files without a parent to a public entry that shows them, if there is one.

    `shown_by` has the IDs of entries whose texts refer to a file, by the ID of the file. With the file, its page leads
    to it (wordpress.importing.steps.attachments).
    """
    missing = Attachment.objects.without_file().from_items().filter(site=context.site)
    write_batches(context, list(missing.values_list("pk", flat=True)), partial(_redirect, context, shown_by))


def _redirect(context: ImportContext, shown_by: Mapping[int, Sequence[int]], pks: Sequence[int]) -> None:
    missing = Attachment.objects.without_file().filter(pk__in=pks).order_by("pk")
    rows = list(missing.values_list("wordpress_id", "parent", "link"))
    parents = entries_by_id(context.site, {parent for _id, parent, _link in rows if parent})
    orphans = {wordpress_id: link for wordpress_id, parent, link in rows if wordpress_id and parent not in parents}
    columns = ("wordpress_id", "object_pk")
    images = {"kind": FEATURED_IMAGES, "site": context.site}
    # Of several entries, the first counts.
    featured = sorted(fetch_rows(ImportedItem, "wordpress_id", orphans, *columns, **images), reverse=True)
    entries = Entry.objects.without_texts().in_bulk([pk for _id, pk in featured])
    targets = {wordpress_id: entries[pk] for wordpress_id, pk in featured if pk in entries and entries[pk].is_public}
    ids = {wordpress_id: shown_by.get(wordpress_id, ()) for wordpress_id in orphans.keys() - targets}
    showing = entries_by_id(context.site, {each for several in ids.values() for each in several})
    for wordpress_id, several in ids.items():
        public = (showing[each] for each in several if each in showing and showing[each].is_public)
        if entry := next(public, None):
            targets[wordpress_id] = entry
    paths = add_missing_redirects((orphans[wordpress_id], entry) for wordpress_id, entry in sorted(targets.items()))
    context.ledger.add_redirects([*paths, *add_id_redirects(context.site, targets)])
