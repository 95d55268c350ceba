"""The menus of imported blogs, which owners can choose under Appearance."""

from collections.abc import Sequence

from blog.appearance.menus import OfferedMenu
from core.http import host_of
from wordpress.models import ImportedMenu


def imported_menus() -> Sequence[OfferedMenu]:
    rows = list(ImportedMenu.objects.all())
    have_same_site = len({row.site for row in rows}) < 2
    return [
        OfferedMenu(
            f"wordpress-{row.pk}", row.name if have_same_site else f"{row.name} ({host_of(row.site)})", row.items
        )
        for row in rows
    ]
