"""The pages above items that had a type of their own, such as `/portfolio/` above the projects of a portfolio.

In WordPress this URL lists the items of the type, and a page here lists the pages below it.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final
from urllib.parse import quote

from django.utils import timezone
from django.utils.translation import gettext as _

from blog.models import Page
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.redirects import add_missing_redirects
from wordpress.wxr.records import PAGE_TYPES, SECTION_GUID, Item
from wordpress.wxr.values import usable_slug

# Groupings of the types, and the beginning of the URLs of their terms (source: Jetpack).
_GROUPINGS: Final = {
    "jetpack-portfolio-type": ("jetpack-portfolio", "project-type"),
    "jetpack-portfolio-tag": ("jetpack-portfolio", "project-tag"),
}


def find_sections(types: Iterable[str]) -> dict[str, Page]:
    """Return the pages here that have the URLs of these types, by type."""
    slugs = {PAGE_TYPES[name]: name for name in types}
    pages = Page.objects.only("kind", "path").filter(path__in=slugs) if slugs else ()
    return {slugs[page.path]: page for page in pages if page.path}


def add_sections(context: ImportContext) -> None:
    """Add a page to those of the export for each type that has none at its URL, neither in the export nor here."""
    without = context.spool.pages.without_section()
    for name in without.keys() - find_sections(without):
        context.spool.add(_section(name, without[name]))
        context.item_count += 1


def redirect_groupings(context: ImportContext) -> None:
    """Redirect the URLs of groupings to the pages that list everything in them."""
    sections = find_sections(name for name, _prefix in _GROUPINGS.values())
    if sections:
        write_batch(context, partial(_redirect_groupings, context, sections))


def _redirect_groupings(context: ImportContext, sections: Mapping[str, Page]) -> None:
    urls = []
    for term in context.analysis.terms:
        name, prefix = _GROUPINGS.get(term.taxonomy, ("", ""))
        if section := sections.get(name):
            urls.append((f"/{prefix}/{quote(usable_slug(term.slug))}/", section))
    context.ledger.add_redirects(add_missing_redirects(urls))


def _section(name: str, outlines: list[Item]) -> Item:
    """Return an item for the page above the items with these `outlines`, which is as public as they are."""
    public = [item for item in outlines if item.status == "publish"]
    oldest = min(public or outlines, key=lambda item: item.published_at or timezone.now())
    return oldest._replace(
        id=0,
        status="publish" if public else "draft",
        title=_titles()[name],
        slug=PAGE_TYPES[name],
        link="",
        parent=0,
        menu_order=0,
        sticky=False,
        password="",
        comment_status="closed",
        # The same in every import, whatever the blog's domain is.
        guid=SECTION_GUID + name,
        modified_at=None,
        legacy_urls=(),
        custom_type="",
    )


def _titles() -> dict[str, str]:
    return {
        "jetpack-portfolio": _("Portfolio"),
        "jetpack-testimonial": _("Testimonials"),
        "jetpack-comic": _("Comics"),
        "project": _("Projects"),
        "avada_portfolio": _("Portfolio"),
    }
