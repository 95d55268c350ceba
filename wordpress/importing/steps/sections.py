"""The pages above items of a custom type, such as `/portfolio/` above the projects of a portfolio.

In WordPress this URL lists the items of the type; here, a page lists the pages below it.
"""

from collections.abc import Collection, Container, Mapping, Sequence
from urllib.parse import quote

from django.utils import timezone
from django.utils.translation import gettext as _

from blog.models import Entry, Status
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.redirects import add_missing_redirects
from wordpress.wxr.post_types import GROUPINGS
from wordpress.wxr.records import SECTION_GUID, Item
from wordpress.wxr.values import usable_slug


def find_sections(slugs: Collection[str]) -> dict[str, Entry]:
    """Return the top-level pages here with these slugs."""
    # Only pages have paths. Filtering by kind would make SQLite read all pages.
    found: dict[str, Entry] = Entry.objects.without_texts().order_by().in_bulk(slugs, field_name="path")
    return found


def add_sections(context: ImportContext, new: Container[int]) -> None:
    """Add a page to the spool for each section of `new` items that has none, in the export or here.

    A page added by an import is published with the first of its items. It takes its URL from a page that is not public.
    """
    without = context.spool.pages.without_section()
    here = find_sections(without)
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


def redirect_groupings(context: ImportContext) -> None:
    """Redirect the URLs of groupings to the sections that list their items."""
    tree = context.spool.pages
    slugs = {name: tree.section_of_taxonomy(name) for name in {*GROUPINGS, *(name for name, _slug in tree.terms)}}
    if pages := find_sections({*slugs.values()} - {""}):
        sections = {name: pages[slug] for name, slug in slugs.items() if slug in pages}
        write_batch(context, _redirect_groupings, context, sections)


def _redirect_groupings(context: ImportContext, sections: Mapping[str, Entry]) -> None:
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
