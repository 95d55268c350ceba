"""The pages of an export and their tree.

Above the items of a custom type, such as the projects of a portfolio, WordPress lists them, at `/portfolio/`. Here, a
page at this URL, their section, lists the pages below it.
"""

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from urllib.parse import quote

from django.utils import timezone
from django.utils.translation import gettext as _

from blog.models import Entry, Page, Status
from blog.models.tree import MAX_PATH_LENGTH
from core.bulk import fetch_rows
from core.changes import entries_changed
from core.slugs import SlugNumbers, slug_before_trash, slug_from_export, slugify
from wordpress.importing.batches import entry_batches, write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.entry_builder import ImportedEntry
from wordpress.importing.ledger import MISSING_PARENTS, fingerprint_modified
from wordpress.importing.matching import Identity, KeyedItem, identify
from wordpress.importing.preserved import Fields
from wordpress.importing.redirects import add_missing_redirects, entries_by_id, leads_to_page
from wordpress.importing.report import PAGES
from wordpress.importing.steps.entries import EntryImport
from wordpress.models import ImportedItem
from wordpress.wxr.post_types import GROUPINGS
from wordpress.wxr.records import SECTION_GUID, Item
from wordpress.wxr.values import MAX_SLUG_LENGTH, usable_slug


def import_pages(context: ImportContext) -> None:
    """Create the pages that are not here yet, then update and move those that have changed.

    Parents come first. When a page moves, the pages below it move too, and their old URLs become redirects.
    """
    outlines = context.spool.pages.outlines
    identities = identify(outlines, context.site)
    published = _published_since(outlines, identities)
    new = {index for index, identity in enumerate(identities) if not identity.known}
    _add_sections(context, new | published)
    identities += identify(outlines[len(identities) :], context.site)
    pages = _PageImport(context, published)
    pages.pks = {index: identity.pk for index, identity in enumerate(identities) if identity.known and identity.pk}
    for is_known in (False, True):
        pages.import_some(index for index, identity in enumerate(identities) if identity.known is is_known)
    _redirect_groupings(context)


class _PageImport(EntryImport):
    def __init__(self, context: ImportContext, published: Container[int]) -> None:
        """`published` are the positions of pages that have been published on the old blog since they were imported."""
        super().__init__(context)
        self._published = published
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
        sections = _find_sections({*slugs.values()} - {""})
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
            page.keep_slug()
            if page.status == Status.PUBLISHED:
                self._free_url(page, used_slugs[page.parent_id])
            page.assign_path(used_slugs[page.parent_id], numbers)
            used_slugs[page.parent_id].add(page.slug)
            if each.item.slug and page.slug != slug_from_export(each.item.slug):
                self.note(each, _("Its slug can't be kept. It is “%s” here.") % page.slug)
            if not leads_to_page(f"/{page.path}/"):
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
            # The section depends on the other items of its type, and this export may have only some of them. But an
            # item that had no URL until now may be in the wrong one.
            section = self._tree.section_of(imported.item) if index in self._published else ""
            above = _find_sections([section]).get(section) if section else None
            new_parent = above if isinstance(above, Page) else page.parent
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
            page.keep_slug()
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
        self._adopt({each.item.recorded_id: each.entry for each in first})
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
                page.keep_slug()
                self.store(page)
                text = _("It is now below its parent, which was missing from an earlier export.")
                self.context.report.note(PAGES, recorded[pk].id, page.title, text)
        entries_changed(list(pages))
        ImportedItem.objects.filter(kind=MISSING_PARENTS, object_pk__in=waiting).delete()


def _published_since(outlines: Sequence[KeyedItem], identities: Sequence[Identity]) -> set[int]:
    """Return the positions of items of custom types that are public in the export, but not here."""
    public = {
        identity.pk: index
        for index, (keyed, identity) in enumerate(zip(outlines, identities, strict=True))
        if identity.known and keyed.item.custom_type and keyed.item.status == "publish"
    }
    return {public[pk] for pk, status in fetch_rows(Entry, "pk", public, "pk", "status") if status != Status.PUBLISHED}


def _find_sections(slugs: Collection[str]) -> dict[str, Entry]:
    """Return the top-level pages here with these slugs."""
    # Only pages have paths. Filtering by kind would make SQLite read all pages.
    found: dict[str, Entry] = Entry.objects.without_texts().order_by().in_bulk(slugs, field_name="path")
    return found


def _add_sections(context: ImportContext, new: Container[int]) -> None:
    """Add a page to the spool for each section of `new` items that has none, in the export or here.

    A page added by an import is published with the first of its items. It takes its URL from a page that is not public.
    """
    without = context.spool.pages.without_section()
    here = _find_sections(without)
    for slug, indices in without.items():
        section = _section(slug, [context.spool.pages.outlines[index].item for index in indices])
        page = here.get(slug)
        if page and page.guid == section.guid:
            is_needed = (page.status, section.status) == (Status.DRAFT, "publish")
        else:
            is_free = page is None or (page.status != Status.PUBLISHED and section.status == "publish")
            is_needed = is_free and any(index in new for index in indices)
        if is_needed:
            context.spool.add(section)
            context.item_count += 1


def _redirect_groupings(context: ImportContext) -> None:
    """Redirect the URLs of groupings to the sections that list their items."""
    tree = context.spool.pages
    slugs = {name: tree.section_of_taxonomy(name) for name in {*GROUPINGS, *(name for name, _slug in tree.terms)}}
    if pages := _find_sections({*slugs.values()} - {""}):
        sections = {name: pages[slug] for name, slug in slugs.items() if slug in pages}
        write_batch(context, _redirect_urls_of_groupings, context, sections)


def _redirect_urls_of_groupings(context: ImportContext, sections: Mapping[str, Entry]) -> None:
    terms = {(term.taxonomy, term.slug) for term in context.analysis.terms if term.taxonomy in sections}
    urls = []
    for taxonomy, slug in sorted(terms | context.spool.pages.terms):
        if taxonomy in sections:
            # By default, the URLs of a taxonomy begin with its name.
            prefix = GROUPINGS[taxonomy][1] if taxonomy in GROUPINGS else taxonomy
            urls.append((f"/{quote(prefix)}/{quote(usable_slug(slug))}/", sections[taxonomy]))
    context.ledger.add_redirects(add_missing_redirects(urls))


def _section(slug: str, outlines: Sequence[Item]) -> Item:
    """Return an item for the page above the items with these `outlines`, published if any of them is."""
    public = [item for item in outlines if item.status == "publish"]
    oldest = min(public or outlines, key=lambda item: item.published_at or timezone.now())
    return oldest._replace(
        id=0,
        recorded_id=0,
        status="publish" if public else "draft",
        title=_titles().get(oldest.custom_type) or slug.replace("-", " ").capitalize(),
        slug=slug,
        link="",
        parent=0,
        menu_order=0,
        sticky=False,
        password="",
        comment_status="closed",
        # The same in every import, whatever the blog's domain is.
        guid=SECTION_GUID + slug,
        modified_at=None,
        legacy_urls=(),
        custom_type="",
        path_above=None,
    )


def _titles() -> dict[str, str]:
    return {
        "jetpack-portfolio": _("Portfolio"),
        "jetpack-testimonial": _("Testimonials"),
        "jetpack-comic": _("Comics"),
        "project": _("Projects"),
        "avada_portfolio": _("Portfolio"),
    }
