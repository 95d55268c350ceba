"""The custom types that the owner has chosen to become pages, in this import or an earlier one."""

from collections.abc import Collection

from django.utils.translation import gettext as _

from wordpress.importing.analysis import Analysis
from wordpress.importing.report import PAGES
from wordpress.models import PreservedData
from wordpress.wxr.post_types import can_be_pages
from wordpress.wxr.repair import InvalidExportError

# Leads to the custom type of a page in its PreservedData.
TYPE_KEY = "fields__elements__wp:post_type"


def page_types_here() -> set[str]:
    """Return the custom types that pages here were imported from."""
    rows = PreservedData.objects.filter(entry__kind=PAGES, **{f"{TYPE_KEY}__isnull": False})
    return set(rows.values_list(TYPE_KEY, flat=True).distinct())


def check_page_types(chosen: Collection[str], analysis: Analysis | None = None) -> None:
    """Raise InvalidExportError if items of a chosen type can't become pages, or if the export has no such items."""
    for name in chosen:
        if not can_be_pages(name):
            raise InvalidExportError(_("Items of the type “%s” can't become pages.") % name)
        if analysis and name not in analysis.page_types:
            others = ", ".join(analysis.other_types) or _("none")
            text = _("The export has no items of the type “%(name)s”. These types could become pages: %(others)s.")
            raise InvalidExportError(text % {"name": name, "others": others})
