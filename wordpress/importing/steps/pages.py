"""The pages of an export and their tree."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from django.utils.translation import gettext as _

from blog.models import Page
from blog.models.tree import MAX_PATH_LENGTH
from core.slugs import is_reserved, slug_from_export, slugify
from wordpress.importing.batches import entry_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.entry_builder import ImportedEntry
from wordpress.importing.matching import identify
from wordpress.importing.report import PAGES
from wordpress.importing.spool import SpooledPages
from wordpress.importing.steps.entries import EntryImport
from wordpress.importing.unsupported import Unsupported
from wordpress.wxr.values import usable_slug


def import_pages(context: ImportContext, unsupported: Unsupported) -> None:
    """Create the pages that are not here yet, then update and move those that have changed.

    Parents come first. A page that moves takes the pages below it along, and their old URLs become redirects.
    """
    outlines = context.spool.pages.outlines
    identities = identify(outlines, context.site)
    pages = _PageImport(context, unsupported, context.spool.pages)
    pages.pks = {index: identity.pk for index, identity in enumerate(identities) if identity.known and identity.pk}
    for is_known in (False, True):
        pages.import_some(index for index, identity in enumerate(identities) if identity.known is is_known)


class _PageImport(EntryImport):
    def __init__(self, context: ImportContext, unsupported: Unsupported, tree: SpooledPages) -> None:
        super().__init__(context, unsupported)
        self._tree = tree
        self._circular: set[int] = set()
        # The IDs of the pages that are here, by their position in the export.
        self.pks: dict[int, int] = {}

    def import_some(self, indices: Iterable[int]) -> None:
        order, self._circular = self._tree.sort(indices)
        self.run(entry_batches(self.context.spool.pages[index] for index in order))

    def place_new(self, imported: Sequence[ImportedEntry]) -> None:
        pages: dict[int, Page] = {each.keyed.position: each.entry for each in imported if isinstance(each.entry, Page)}
        above = {pk for index in pages if (pk := self._pk(self._tree.parent_of(index)))}
        stored: dict[int, Page] = Page.objects.only("kind", "path").in_bulk(above)
        given: defaultdict[int | None, set[str]] = defaultdict(set)
        for each in imported:
            index = each.keyed.position
            page, parent = pages[index], self._tree.parent_of(index)
            self.pks[index] = page.pk
            page.slug = usable_slug(each.item.slug) or slugify(page.title) or Page.slug_fallback
            page.parent = None
            if index in self._circular:
                self._note(each, _("It is its own ancestor in the export, so it is at the top level."))
            elif each.item.parent and parent is None:
                self._note(each, _("Its parent is not in the export, so it is at the top level."))
            elif parent is not None:
                page.parent = pages.get(parent) or stored.get(self.pks.get(parent, 0))
            if page.parent and len(page.parent.path) + 1 + len(page.slug) > MAX_PATH_LENGTH:
                page.parent = None
                self._note(each, _("It was nested too deeply, so it is at the top level."))
            page.assign_path(also_taken=given[page.parent_id])
            given[page.parent_id].add(page.slug)
            for text in _url_remarks(each, page):
                self._note(each, text)

    def place_changed(self, imported: ImportedEntry) -> None:
        page, index = imported.entry, imported.keyed.position
        parent = self._tree.parent_of(index)
        old_slug = page.slug
        page.slug = usable_slug(imported.item.slug) or page.slug
        if index in self._circular:
            wanted = None
        elif imported.item.parent and parent is None:
            # The parent is not in this export, so it stays the same.
            wanted = page.parent
        else:
            wanted = Page.objects.filter(pk=self.pks.get(parent, 0)).first() if parent is not None else None
        if not isinstance(page, Page) or (page.slug, page.parent) == (old_slug, wanted):
            return
        if not page.fits_under(wanted):
            page.slug = old_slug
            self._note(imported, _("It cannot be where it is in the export, so it stays where it is."))
            return
        page.parent = wanted

    def file(self, imported: Sequence[ImportedEntry]) -> None:
        for each in imported:
            slug = usable_slug(each.item.slug)
            if each.is_changed and slug and each.entry.slug != slug:
                self._note(each, _("Its slug cannot be kept. It is “%s” here.") % each.entry.slug)

    def _pk(self, index: int | None) -> int | None:
        return self.pks.get(index) if index is not None else None

    def _note(self, imported: ImportedEntry, text: str) -> None:
        self.context.report.note(PAGES, imported.item.id, imported.entry.title, text)


def _url_remarks(imported: ImportedEntry, page: Page) -> Iterator[str]:
    if imported.item.slug and page.slug != slug_from_export(imported.item.slug):
        yield _("Its slug cannot be kept. It is “%s” here.") % page.slug
    if page.parent is None and (is_reserved(page.slug) or page.slug.isdecimal()):
        yield _("“%s” is reserved for the site itself, so the page cannot be reached. Change its slug.") % page.slug
