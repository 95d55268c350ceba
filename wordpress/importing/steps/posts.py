"""The posts of an export, with their categories, tags and enclosures."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from blog.models import Entry, Post
from blog.models.post import assign_free_slugs
from core.slugs import slug_from_export, slugify
from tags.models import TaggedPost
from wordpress.bulk import insert_rows
from wordpress.importing.batches import entry_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.entry_builder import ImportedEntry
from wordpress.importing.limits import max_length
from wordpress.importing.report import POSTS
from wordpress.importing.steps.enclosures import import_enclosures
from wordpress.importing.steps.entries import EntryImport
from wordpress.importing.unsupported import Unsupported
from wordpress.wxr.records import CATEGORY, TAG, Item
from wordpress.wxr.values import usable_slug

_MAX_SLUG_LENGTH: Final = max_length(Entry, "slug")


def import_posts(context: ImportContext, unsupported: Unsupported) -> None:
    """Create the posts that are not here yet, and update those that have changed."""
    _PostImport(context, unsupported).run(entry_batches(context.spool.posts))


class _PostImport(EntryImport):
    def place_new(self, imported: Sequence[ImportedEntry]) -> None:
        for each in imported:
            post, item = each.entry, each.item
            post.published_on = _day(post, item)
            default = slugify(post.title)[:_MAX_SLUG_LENGTH] or ("post" if post.published_on else "")
            post.slug = usable_slug(item.slug) or default
        assign_free_slugs([each.entry for each in imported if isinstance(each.entry, Post) and each.entry.published_on])
        for each in imported:
            if each.item.slug and each.entry.slug != slug_from_export(each.item.slug):
                text = _("Its slug cannot be kept. It is “%s” here.") % each.entry.slug
                self.context.report.note(POSTS, each.item.id, each.entry.title, text)

    def place_changed(self, imported: ImportedEntry) -> None:
        imported.entry.slug = usable_slug(imported.item.slug) or imported.entry.slug

    def file(self, imported: Sequence[ImportedEntry]) -> None:
        filed = Entry.categories.through
        if changed := [each.entry.pk for each in imported if each.is_changed]:
            filed._default_manager.filter(entry__in=changed).delete()
            TaggedPost.objects.filter(content_object__in=changed).delete()
        term_ids = self.context.term_ids
        categories = [(each.entry.pk, pk) for each in imported for pk in term_ids.of(each.item.terms, CATEGORY)]
        tags = [(each.entry.pk, pk) for each in imported for pk in term_ids.of(each.item.terms, TAG)]
        insert_rows(filed, ("entry", "category"), categories)
        insert_rows(TaggedPost, ("content_object", "tag"), tags)
        import_enclosures(self.context, imported)


def _day(post: Entry, item: Item) -> dt.date | None:
    """Return the day in the URL: the export's own, whatever the time zone of this site."""
    if post.published_at is None:
        return None
    return (item.date or timezone.localtime(post.published_at)).date()
