"""The posts of an export, with their categories, tags and enclosures."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from blog import privacy
from blog.models import Enclosure, Entry, Post, Status
from blog.models.post import assign_free_slugs
from blog.models.redirect import normalise_path
from core.bulk import insert_rows
from core.changes import entries_changed
from core.slugs import SlugNumbers, is_reserved, slug_before_trash, slug_from_export, slugify
from tags.models import TaggedPost
from wordpress.importing.batches import entry_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.enclosures import EnclosedFile, files_of_plugins, parse_enclosure
from wordpress.importing.entry_builder import ImportedEntry
from wordpress.importing.redirects import leads_to_page
from wordpress.importing.report import POSTS
from wordpress.importing.steps.entries import EntryImport
from wordpress.legacy_urls.query_forms import legacy_key
from wordpress.wxr.records import CATEGORY, ENCLOSURE, TAG, Meta
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
            post.published_on = _day_of(each)
            default = slug_before_trash(slugify(post.title))[:MAX_SLUG_LENGTH] or "post"
            post.slug = usable_slug(item.slug) or (default if post.published_on else "")
        self._give_free_slugs(imported)
        for each in imported:
            if each.item.slug and each.entry.slug != slug_from_export(each.item.slug):
                self.note(each, _("Its slug can't be kept. It is “%s” here.") % each.entry.slug)
            self._check_old_url(each)

    def _check_old_url(self, each: ImportedEntry) -> None:
        """Note an old URL that this site uses itself, which happens with permalinks such as `/%postname%/`."""
        old, slug = each.item.link, normalise_path(legacy_key(each.item.link)).strip("/")
        # Years without posts lead to redirects.
        is_used = f"/{slug}/" in self.context.analysis.dates or slug == privacy.PATH
        if is_used or (is_reserved(slug) and not leads_to_page(f"/{slug}/")):
            text = _(
                "Its old URL, %(old)s, is used by this site itself, so links to it may lead elsewhere. Change them to "
                "%(new)s."
            )
            self.note(each, text % {"old": old, "new": each.entry.get_absolute_url()})

    def place_changed(self, imported: ImportedEntry) -> None:
        post = imported.entry
        post.slug, post.published_on = usable_slug(imported.item.slug) or post.slug, _day_of(imported)
        if isinstance(post, Post):
            post.keeps_day = True
        self._give_free_slugs([imported])

    def _give_free_slugs(self, imported: Sequence[ImportedEntry]) -> None:
        """Give dated posts free slugs, public ones first, even if a post here that isn't public has the slug.

        In WordPress, only drafts can have the slug of another post. Their slugs can be edited by hand.
        """
        dated = [each.entry for each in imported if isinstance(each.entry, Post) and each.entry.published_on]
        public = [post for post in dated if post.status == Status.PUBLISHED]
        others = [post for post in dated if post.status != Status.PUBLISHED]
        in_the_way = _not_public_at({(post.published_on, post.slug) for post in public}) if public else []
        in_the_way = [post for post in in_the_way if post not in dated]
        assign_free_slugs([*public, *in_the_way, *others], SlugNumbers(MAX_SLUG_LENGTH, self.tried_numbers))
        for post in in_the_way:
            Entry.objects.filter(pk=post.pk).update(slug=post.slug)
            text = _("Its URL now belongs to a public post. Its slug is “%s” here.")
            self.context.report.note(POSTS, post.pk, post.title, text % post.slug)
        entries_changed([post.pk for post in in_the_way])

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
            rows += [(post.entry.pk, *file) for file in _with_files_of_plugins(found, post.item.meta)]
            if unreadable := len(fields) - len(found):
                text = ngettext(
                    "%d of its enclosures has no readable URL and was skipped.",
                    "%d of its enclosures have no readable URL and were skipped.",
                    unreadable,
                )
                self.note(post, text % unreadable)
        insert_rows(Enclosure, ("post", "url", "length", "media_type"), rows)


def _with_files_of_plugins(found: list[EnclosedFile], meta: Meta) -> list[EnclosedFile]:
    """Return the enclosures that were `found`, and other files in the fields of plugins, which often repeat them."""
    # The scheme may differ.
    known = {file.url.partition("://")[2] for file in found}
    others = {file.url.partition("://")[2]: file for _key, file in files_of_plugins(meta)}
    missing = [file for url, file in others.items() if url not in known]
    return [*found, *missing][:_MAX_ENCLOSURES]


def _day_of(imported: ImportedEntry) -> dt.date | None:
    """Return the day in the URL of a post. It is the exported one, whatever the time zone of this site."""
    published_at = imported.entry.published_at
    return (imported.item.date or timezone.localtime(published_at)).date() if published_at else None


def _not_public_at(places: Collection[tuple[dt.date | None, str]]) -> list[Post]:
    """Lock and return the posts with these days and slugs that are not public."""
    days, slugs = ({*values} for values in zip(*places, strict=True))
    found = Entry.objects.without_texts().filter(published_on__in=days, slug__in=slugs)
    hidden = found.exclude(status=Status.PUBLISHED).order_by("pk").select_for_update(no_key=True)
    return [post for post in hidden if isinstance(post, Post) and (post.published_on, post.slug) in places]
