"""The posts of an export, with their categories, tags and enclosures."""

from collections.abc import Sequence
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from blog import privacy
from blog.models import Enclosure, Entry, Post
from blog.models.post import assign_free_slugs
from blog.models.redirect import normalise_path
from core.bulk import insert_rows
from core.slugs import SlugNumbers, is_reserved, slug_from_export, slugify
from tags.models import TaggedPost
from wordpress.importing.batches import entry_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.enclosures import parse_enclosure
from wordpress.importing.entry_builder import ImportedEntry
from wordpress.importing.steps.entries import EntryImport
from wordpress.legacy_urls.query_forms import legacy_key
from wordpress.wxr.records import CATEGORY, ENCLOSURE, TAG
from wordpress.wxr.values import MAX_SLUG_LENGTH, usable_slug

# More than any real post has.
_MAX_ENCLOSURES: Final = 100


def import_posts(context: ImportContext) -> None:
    """Create the posts that are not here yet, and update those that have changed."""
    _PostImport(context).run(entry_batches(context.spool.posts))


class _PostImport(EntryImport):
    def place_new(self, imported: Sequence[ImportedEntry]) -> None:
        for each in imported:
            post, item = each.entry, each.item
            if post.published_at is not None:
                # The day in the URL is the exported one, whatever the time zone of this site.
                post.published_on = (item.date or timezone.localtime(post.published_at)).date()
            default = slugify(post.title)[:MAX_SLUG_LENGTH] or "post"
            post.slug = usable_slug(item.slug) or (default if post.published_on else "")
        dated = [each.entry for each in imported if isinstance(each.entry, Post) and each.entry.published_on]
        assign_free_slugs(dated, SlugNumbers(MAX_SLUG_LENGTH, self.tried_numbers))
        for each in imported:
            if each.item.slug and each.entry.slug != slug_from_export(each.item.slug):
                self.note(each, _("Its slug cannot be kept. It is “%s” here.") % each.entry.slug)
            self._check_old_url(each)

    def _check_old_url(self, each: ImportedEntry) -> None:
        """Note an old URL that this site uses itself, which happens with permalinks such as `/%postname%/`."""
        old, slug = each.item.link, normalise_path(legacy_key(each.item.link)).strip("/")
        if f"/{slug}/" in self.context.analysis.dates or is_reserved(slug) or slug == privacy.PATH:
            text = _(
                "Its old URL, %(old)s, is used by this site itself, so links to it may lead elsewhere. Change them to "
                "%(new)s."
            )
            self.note(each, text % {"old": old, "new": each.entry.get_absolute_url()})

    def place_changed(self, imported: ImportedEntry) -> None:
        imported.entry.slug = usable_slug(imported.item.slug) or imported.entry.slug

    def store_related(self, imported: Sequence[ImportedEntry]) -> None:
        filed = Entry.categories.through
        if changed := [each.entry.pk for each in imported if not each.is_new]:
            filed._default_manager.filter(entry__in=changed).delete()
            TaggedPost.objects.filter(content_object__in=changed).delete()
            Enclosure.objects.filter(post__in=changed).delete()
        term_ids = self.context.term_ids
        categories = [(each.entry.pk, pk) for each in imported for pk in term_ids.of(each.item.terms, CATEGORY)]
        tags = [
            (each.entry.pk, pk, each.entry.public_from) for each in imported for pk in term_ids.of(each.item.terms, TAG)
        ]
        insert_rows(filed, ("entry", "category"), categories)
        insert_rows(TaggedPost, ("content_object", "tag", "published_at"), tags)
        self._import_enclosures(imported)

    def _import_enclosures(self, posts: Sequence[ImportedEntry]) -> None:
        """Store the enclosures of posts that are new or have changed (see blog.models.post)."""
        rows = []
        for post in posts:
            fields = [value for key, value in post.item.meta if key == ENCLOSURE and value.strip()]
            if post.item.extension:
                fields = fields[: post.item.extension.stored_enclosures]
            found = [enclosure for field in fields if (enclosure := parse_enclosure(field))][:_MAX_ENCLOSURES]
            rows += [(post.entry.pk, *enclosure) for enclosure in found]
            if unreadable := len(fields) - len(found):
                text = ngettext(
                    "%d of its enclosures has no readable URL and was skipped.",
                    "%d of its enclosures have no readable URL and were skipped.",
                    unreadable,
                )
                self.note(post, text % unreadable)
        insert_rows(Enclosure, ("post", "url", "length", "media_type"), rows)
