"""Converting the menus of an export. A site without menus gets them in its appearance, where they belong."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from blog.appearance.documents import MENUS as PLACES
from blog.appearance.documents import Appearance, read
from blog.appearance.menus import MAX_ITEMS, Item
from blog.appearance.versions import add_menus
from blog.models import SiteAppearance
from core.bulk import fetch_rows
from core.text import remove_unstorable
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.link_targets import LinkTargets
from wordpress.importing.menus import ExportedMenu, choose_places, read_menus
from wordpress.importing.report import MENUS, Outcome
from wordpress.models import ImportedMenu

# How many labels of a menu its note lists.
_MAX_LABELS: Final = 100


@dataclass(slots=True)
class _Converted:
    """A menu converted for this site, and why it has fewer links than in the export."""

    menu: ExportedMenu
    labels: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    left_out: int = 0
    is_shortened: bool = False

    @property
    def name(self) -> str:
        return remove_unstorable(self.menu.name) or _("Menu")


def import_menus(context: ImportContext) -> None:
    """Convert the menus, publish those that have a place if the site has none, and note what each contained."""
    menus = read_menus(context.spool.skipped, context.spool.pages.section_of_type)
    if menus:
        targets = LinkTargets(context, [link for menu in menus for link in menu.links])
        write_batch(context, _import, context, [_convert(menu, targets) for menu in menus])


def _import(context: ImportContext, converted: Sequence[_Converted]) -> None:
    new = _store(context, [each for each in converted if each.items])
    _place(context, new)
    public = read(SiteAppearance.current().document)
    for each in converted:
        context.report.note(MENUS, 0, each.name, " ".join(_sentences(each, public)))


def _convert(menu: ExportedMenu, targets: LinkTargets) -> _Converted:
    converted = _Converted(menu, is_shortened=menu.count > len(menu.links))
    # The items with their levels, and for the current link and those above it, whether they became items.
    found: list[tuple[int, Item]] = []
    is_shown: list[bool] = []
    for link, next_link in zip_longest(menu.links, menu.links[1:]):
        converted.labels.append(link.label or targets.title_of(link))
        # Finding a target may take a query, so this is not done for links beyond the limit.
        if len(found) > MAX_ITEMS:
            continue
        del is_shown[link.level :]
        level = int(any(is_shown))
        items = targets.items_of(link)
        if not (items or level) and link.label and next_link and next_link.level > link.level:
            items = [{"title": link.label}]
        for item in items:
            found.append((level, item))
            found += [(1, child) for child in item.pop("children", ())]
        is_shown.append(bool(items))
        converted.left_out += not items
    converted.is_shortened |= len(found) > MAX_ITEMS
    items = _nested(_shortened(found))
    # A heading needs links below it.
    converted.items = [item for item in items if item.keys() != {"title"}]
    converted.left_out += len(items) - len(converted.items)
    return converted


def _shortened(found: Sequence[tuple[int, Item]]) -> Sequence[tuple[int, Item]]:
    """Return as many items as a menu can have, those of submenus only where there is room for the others."""
    room = MAX_ITEMS - sum(not level for level, _item in found)
    kept = []
    for level, item in found:
        room -= level
        if not level or room >= 0:
            kept.append((level, item))
    return kept[:MAX_ITEMS]


def _nested(found: Iterable[tuple[int, Item]]) -> list[Item]:
    """Return a menu from its items in order, each with its level."""
    items: list[Item] = []
    for level, item in found:
        if level:
            items[-1].setdefault("children", []).append(item)
        else:
            items.append(item)
    return items


def _store(context: ImportContext, menus: Iterable[_Converted]) -> list[_Converted]:
    """Store the menus that are new or have changed. Return the new ones."""
    found = {each.menu.key: each for each in menus}
    columns = ("key", "pk", "name", "items")
    stored = {key: values for key, *values in fetch_rows(ImportedMenu, "key", found, *columns, site=context.site)}
    new = []
    for key, each in found.items():
        if key not in stored:
            row = ImportedMenu.objects.create(site=context.site, key=key, name=each.name, items=each.items)
            context.ledger.add(MENUS, 0, row.pk)
            context.report.count(MENUS, Outcome.IMPORTED)
            new.append(each)
        elif stored[key][1:] != [each.name, each.items]:
            ImportedMenu.objects.filter(pk=stored[key][0]).update(name=each.name, items=each.items)
            context.report.count(MENUS, Outcome.UPDATED)
        else:
            context.report.count(MENUS, Outcome.UNCHANGED)
    return new


def _place(context: ImportContext, menus: Iterable[_Converted]) -> None:
    """Publish those of these menus that have a place, unless the site has menus."""
    by_key = {each.menu.key: each for each in menus}
    given = [(each.menu, [item.get("url", "") for item in each.items]) for each in by_key.values()]
    places = {place: by_key[menu.key].items for place, menu in choose_places(given).items()}
    run = context.run
    by = run.job.started_by if run.job else None
    if places and add_menus(places, by=by):
        run.taken_settings |= {place: [[], items] for place, items in places.items()}
        run.save(update_fields=["taken_settings"])


def _sentences(converted: _Converted, public: Appearance) -> Iterable[str]:
    """Yield sentences about what a menu contained and what became of it."""
    menu, shown = converted.menu, [label or "?" for label in islice(converted.labels, _MAX_LABELS)]
    shown += ["…"] if menu.count > len(shown) else []
    text = ngettext("It had %d link", "It had %d links", menu.count) % menu.count
    yield text + (f": {', '.join(shown)}." if shown else ".")
    if converted.left_out:
        yield (
            ngettext(
                "%d of them leads to nothing that can be linked to and was left out.",
                "%d of them lead to nothing that can be linked to and were left out.",
                converted.left_out,
            )
            % converted.left_out
        )
    if converted.is_shortened and converted.items:
        text = _("It is shortened, because a menu can have %d links at most.")
        yield text % MAX_ITEMS
    if any(link.level > 1 for link in menu.links) and converted.items:
        yield _("Links below its second level are now on the second level, because menus here have two levels.")
    yield _place_of(converted, public)


def _place_of(converted: _Converted, public: Appearance) -> str:
    if not converted.items:
        return _("So none of it can be used here.")
    texts = {
        "header_menu": _("It is now at the top of each page."),
        "footer_menu": _("It is now at the bottom of each page."),
        "social_menu": _("Its links are now shown as your pages on other sites."),
    }
    place = next((name for name in PLACES if getattr(public, name) == converted.items), "")
    return texts[place] if place else _("You can use it under Appearance.")
