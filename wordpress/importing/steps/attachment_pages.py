"""The pages of files that are not here and have no parent: they lead to a post or page that shows the file."""

from collections.abc import Mapping, Sequence
from functools import partial

from blog.models import Entry
from core.bulk import fetch_rows
from wordpress.importing.batches import write_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.redirects import add_id_redirects, add_missing_redirects, entries_by_id
from wordpress.importing.report import PAGES, POSTS
from wordpress.importing.steps.files import FEATURED_IMAGES
from wordpress.models import Attachment, ImportedItem


def redirect_attachment_pages(context: ImportContext, shown_by: Mapping[int, Sequence[int]]) -> None:
    """Redirect the pages of missing files without a parent to a public entry that shows them, if there is one.

    `shown_by` has the IDs of entries whose texts refer to a file, by the ID of the file. With the file, its page leads
    to it (wordpress.importing.steps.attachments).
    """
    items = ImportedItem.objects.filter(site=context.site)
    featured = set(items.filter(kind=FEATURED_IMAGES).values_list("wordpress_id", flat=True))
    missing = Attachment.objects.without_file().from_items().filter(site=context.site).order_by("pk")
    columns = missing.values_list("wordpress_id", "parent", "link")
    shown = [row for row in columns if row[0] in shown_by or row[0] in featured]
    wanted = {parent for _id, parent, _link in shown if parent}
    here = {"site": context.site, "kind__in": [POSTS, PAGES]}
    parents = {row[0] for row in fetch_rows(ImportedItem, "wordpress_id", wanted, "wordpress_id", **here)}
    orphans = [(wordpress_id or 0, link) for wordpress_id, parent, link in shown if parent not in parents]
    write_batches(context, orphans, partial(_redirect, context, shown_by))


def _redirect(
    context: ImportContext, shown_by: Mapping[int, Sequence[int]], orphans: Sequence[tuple[int, str]]
) -> None:
    ids = [wordpress_id for wordpress_id, _link in orphans]
    columns = ("wordpress_id", "object_pk")
    images = fetch_rows(ImportedItem, "wordpress_id", ids, *columns, kind=FEATURED_IMAGES, site=context.site)
    # Of several entries, the first counts.
    featured = sorted(images, reverse=True)
    entries = Entry.objects.without_texts().in_bulk([pk for _id, pk in featured])
    targets = {wordpress_id: entries[pk] for wordpress_id, pk in featured if pk in entries and entries[pk].is_public}
    others = [wordpress_id for wordpress_id in ids if wordpress_id not in targets]
    showing = entries_by_id(context.site, {each for other in others for each in shown_by.get(other, ())})
    for other in others:
        public = (showing[each] for each in shown_by.get(other, ()) if each in showing and showing[each].is_public)
        if entry := next(public, None):
            targets[other] = entry
    paths = add_missing_redirects((link, targets[pk]) for pk, link in orphans if pk in targets)
    context.ledger.add_redirects([*paths, *add_id_redirects(context.site, targets)])
