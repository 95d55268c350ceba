"""The pages of an export and their tree."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.conf import settings
from django.urls import resolve
from django.utils.translation import gettext as _

from blog.models import Entry, Page, Status
from blog.models.tree import MAX_PATH_LENGTH
from core.changes import entries_changed
from core.slugs import SlugNumbers, slug_before_trash, slug_from_export, slugify
from wordpress.importing.batches import entry_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.entry_builder import ImportedEntry
from wordpress.importing.ledger import MISSING_PARENTS, fingerprint_modified
from wordpress.importing.matching import identify
from wordpress.importing.preserved import Fields
from wordpress.importing.redirects import entries_by_id
from wordpress.importing.report import PAGES
from wordpress.importing.steps.entries import EntryImport
from wordpress.importing.steps.sections import add_sections, find_sections, redirect_groupings
from wordpress.models import ImportedItem
from wordpress.wxr.records import Item
from wordpress.wxr.values import MAX_SLUG_LENGTH, usable_slug


def import_pages(context: ImportContext) -> None:
    """Create the pages that are not here yet, then update and move those that have changed.

    Parents come first. When a page moves, the pages below it move too, and their old URLs become redirects.
    """
    outlines = context.spool.pages.outlines
    identities = identify(outlines, context.site)
    add_sections(context, {index for index, identity in enumerate(identities) if not identity.known})
    identities += identify(outlines[len(identities) :], context.site)
    pages = _PageImport(context)
    pages.pks = {index: identity.pk for index, identity in enumerate(identities) if identity.known and identity.pk}
    for is_known in (False, True):
        pages.import_some(index for index, identity in enumerate(identities) if identity.known is is_known)
    redirect_groupings(context)


class _PageImport(EntryImport):
    def __init__(self, context: ImportContext) -> None:
        super().__init__(context)
        self._tree = context.spool.pages
        self._circular: set[int] = set()
        # The IDs of the pages that are here, by their position in the export.
        self.pks: dict[int | None, int] = {}

    def import_some(self, indices: Iterable[int]) -> None:
        order, self._circular = self._tree.sort(indices)
        self.run(entry_batches(self._tree[index] for index in order))

    def place_new(self, imported: Sequence[ImportedEntry]) -> None:
        pages = {each.keyed.position: each.entry for each in imported if isinstance(each.entry, Page)}
        parents = {index: self._tree.parent_of(index) for index in pages}
        known = {self.pks[parent] for parent in parents.values() if parent in self.pks}
        stored: dict[int, Page] = Page.objects.only("kind", "path").in_bulk(known)
        missing = {each.item.parent for each in imported if parents[each.keyed.position] is None} - {0}
        # Parents and sections that only earlier exports contained.
        earlier = entries_by_id(self.context.site, missing) if missing else {}
        slugs = {each.keyed.position: self._tree.section_of(each.item) for each in imported}
        sections = find_sections({*slugs.values()} - {""})
        numbers = SlugNumbers(MAX_SLUG_LENGTH, self.tried_numbers)
        used_slugs: defaultdict[int | None, set[str]] = defaultdict(set)
        for each in imported:
            index = each.keyed.position
            page, parent = pages[index], parents[index]
            self.pks[index] = page.pk
            page.slug = usable_slug(each.item.slug) or slug_before_trash(slugify(page.title)) or Page.slug_fallback
            page.parent = None
            if index in self._circular:
                self.note(each, _("It is its own ancestor in the export, so it is at the top level."))
            elif parent is not None:
                page.parent = pages.get(parent) or stored.get(self.pks.get(parent, 0))
            elif isinstance(above := earlier.get(each.item.parent) or sections.get(slugs[index]), Page):
                page.parent = above
            elif each.item.parent:
                self.note(each, _("Its parent is not in the export, so it is at the top level."))
                self.context.ledger.add(MISSING_PARENTS, each.item.parent, page.pk)
            if page.parent and len(page.parent.path) + 1 + len(page.slug) > MAX_PATH_LENGTH:
                page.parent = None
                self.note(each, _("It was nested too deeply, so it is at the top level."))
            if page.status == Status.PUBLISHED:
                self._free_url(page, used_slugs[page.parent_id])
            page.assign_path(used_slugs[page.parent_id], numbers)
            used_slugs[page.parent_id].add(page.slug)
            if each.item.slug and page.slug != slug_from_export(each.item.slug):
                self.note(each, _("Its slug can't be kept. It is “%s” here.") % page.slug)
            if not _is_reachable(page):
                text = _(
                    "Its URL here, %(url)s, is used by the site itself, so readers can't reach the page. Change the "
                    "slug “%(slug)s”."
                )
                self.note(each, text % {"url": f"/{page.path}/", "slug": page.path.partition("/")[0]})

    def _free_url(self, public: Page, used_slugs: Collection[str] = ()) -> None:
        """Give a page that is not public another slug if its URL belongs to a `public` one, with the pages below it.

        In WordPress, only drafts can have the slug of another page. The list of a custom type's items is at its URL,
        whatever pages are there.
        """
        hidden = Page.objects.exclude(status=Status.PUBLISHED).exclude(pk=public.pk).select_for_update(no_key=True)
        for page in hidden.filter(path=public.path_with(public.intended_slug())):
            Page.objects.filter(parent=page).exclude(pk=public.pk).update(parent=public.pk)
            page.assign_path({page.slug, *used_slugs})
            Page.objects.filter(pk=page.pk).update(slug=page.slug, path=page.path)
            entries_changed([page.pk])
            text = _("Its URL now belongs to a public page. Its slug is “%s” here.")
            self.context.report.note(PAGES, page.pk, page.title, text % page.slug)

    def place_changed(self, imported: ImportedEntry) -> None:
        page, index = imported.entry, imported.keyed.position
        parent = self._tree.parent_of(index)
        slug = usable_slug(imported.item.slug) or page.slug
        if index in self._circular:
            new_parent = None
        elif imported.item.custom_type and not imported.item.parent:
            # The section depends on the other items of its type, and this export may have only some of them.
            new_parent = page.parent
        elif parent is None:
            # The parent stays the same if the exported one is not in this export.
            new_parent = page.parent if imported.item.parent else None
        else:
            new_parent = Page.objects.filter(pk=self.pks.get(parent, 0)).first()
        if not isinstance(page, Page) or (page.slug, page.parent) == (slug, new_parent):
            return
        old_slug, page.slug = page.slug, slug
        if page.fits_under(new_parent):
            page.parent = new_parent
            if page.status == Status.PUBLISHED:
                self._free_url(page)
        else:
            page.slug = old_slug
            self.note(imported, _("It can't be where it is in the export, so it stays where it is."))

    def preserved(self, item: Item) -> Fields:
        fields = super().preserved(item)
        # Tells our exports whether the page is still where its type had it.
        return fields | {"section": self._tree.section_of(item)} if item.custom_type and not item.parent else fields

    def store_related(self, imported: Sequence[ImportedEntry]) -> None:
        first = [each for each in imported if each.is_first_import and each.keyed.is_first_with_id]
        self._adopt({each.item.id: each.entry for each in first})
        for each in imported:
            slug = usable_slug(each.item.slug)
            if not each.is_new and slug and each.entry.slug != slug:
                self.note(each, _("Its slug can't be kept. It is “%s” here.") % each.entry.slug)

    def _adopt(self, parents: Mapping[int, Entry]) -> None:
        """Move pages from earlier exports below parents that only this export has, unless they have changed here."""
        missing = self.context.ledger.exported_ids(MISSING_PARENTS, parents)
        waiting = {pk: parents[wordpress_id] for pk, wordpress_id in missing.items()}
        recorded = self.context.ledger.recorded(PAGES, waiting)
        pages = Page.objects.select_for_update(no_key=True).order_by("pk").in_bulk(waiting) if waiting else {}
        for pk, page in pages.items():
            is_unchanged = pk in recorded and recorded[pk].stored == fingerprint_modified(page.modified_at)
            if is_unchanged and page.parent is None and page.fits_under(waiting[pk]):
                page.parent = waiting[pk]
                self.store(page)
                text = _("It is now below its parent, which was missing from an earlier export.")
                self.context.report.note(PAGES, recorded[pk].id, page.title, text)
        entries_changed(list(pages))
        ImportedItem.objects.filter(kind=MISSING_PARENTS, object_pk__in=waiting).delete()


def _is_reachable(page: Page) -> bool:
    """Whether the URL of a page leads to it: years such as `/2014/`, feeds and other URLs lead elsewhere."""
    url = f"/{page.path}/"
    # The web server answers requests for static files itself.
    return not url.startswith(settings.STATIC_URL) and resolve(url).view_name == "blog:page"
