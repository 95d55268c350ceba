"""The pages above items of a custom type, such as `/portfolio/` above the projects of a portfolio.

In WordPress this URL lists the items of the type, and a page here lists the pages below it.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Final
from urllib.parse import quote

from django.utils import timezone
from django.utils.translation import gettext as _

from blog.models import Page
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.redirects import add_missing_redirects
from wordpress.wxr.records import SECTION_GUID, Item
from wordpress.wxr.values import usable_slug

# Groupings of projects: the section, and how the URLs of their terms begin (source: Jetpack).
_GROUPINGS: Final = {
    "jetpack-portfolio-type": ("portfolio", "project-type"),
    "jetpack-portfolio-tag": ("portfolio", "project-tag"),
}


def find_sections(slugs: Collection[str]) -> dict[str, Page]:
    """Return the pages here at the top with these slugs."""
    pages = Page.objects.only("kind", "path").filter(path__in=slugs) if slugs else ()
    return {page.path: page for page in pages if page.path}


def add_sections(context: ImportContext) -> None:
    """Add a page to those of the export for each section that has none, neither in the export nor here."""
    without = context.spool.pages.without_section()
    for slug in without.keys() - find_sections(without).keys():
        context.spool.add(_section(slug, without[slug]))
        context.item_count += 1


def redirect_groupings(context: ImportContext) -> None:
    """Redirect the URLs of groupings to the pages that list everything in them."""
    if sections := find_sections({section for section, _prefix in _GROUPINGS.values()}):
        write_batch(context, partial(_redirect_groupings, context, sections))


def _redirect_groupings(context: ImportContext, sections: Mapping[str, Page]) -> None:
    urls = []
    for term in context.analysis.terms:
        section, prefix = _GROUPINGS.get(term.taxonomy, ("", ""))
        if section in sections:
            urls.append((f"/{prefix}/{quote(usable_slug(term.slug))}/", sections[section]))
    context.ledger.add_redirects(add_missing_redirects(urls))


def _section(slug: str, outlines: Sequence[Item]) -> Item:
    """Return an item for the page above the items with these `outlines`, which is as public as they are."""
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
        path_above="",
    )


def _titles() -> dict[str, str]:
    return {
        "jetpack-portfolio": _("Portfolio"),
        "jetpack-testimonial": _("Testimonials"),
        "jetpack-comic": _("Comics"),
        "project": _("Projects"),
        "avada_portfolio": _("Portfolio"),
    }
