"""Converting the menus of an export. A site without menus gets them in its appearance, where they belong."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from blog.appearance.documents import MENUS as PLACES
from blog.appearance.documents import Appearance, read
from blog.appearance.menus import MAX_ITEMS, Item, find_target
from blog.appearance.options import is_link
from blog.appearance.versions import add_menus
from blog.models import Page, Redirect, SiteAppearance
from blog.models.redirect import normalise_path
from core.bulk import fetch_rows
from core.http import host_of
from core.text import remove_unstorable
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.menus import (
    CUSTOM,
    ENTRY,
    MAX_LABEL,
    PAGES,
    TERM,
    ExportedLink,
    ExportedMenu,
    choose_places,
    read_menus,
)
from wordpress.importing.redirects import entries_by_id, folder_of
from wordpress.importing.report import MENUS, Outcome
from wordpress.legacy_urls.query_forms import legacy_key
from wordpress.models import ImportedMenu
from wordpress.wxr.records import CATEGORY, TAG
from wordpress.wxr.values import parse_id, slug_key

# How many labels of a menu its note lists.
_MAX_LABELS: Final = 100
_TERM_KINDS: Final = {CATEGORY: "blog:category", TAG: "tags:tag"}


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
        write_batch(context, partial(_import, context, [_convert(menu, targets) for menu in menus]))


def _import(context: ImportContext, converted: Sequence[_Converted]) -> None:
    new = _store(context, [each for each in converted if each.items])
    _place(context, new)
    public = read(SiteAppearance.current().document)
    for each in converted:
        context.report.note(MENUS, 0, each.name, " ".join(_sentences(each, public)))


def _convert(menu: ExportedMenu, targets: "LinkTargets") -> _Converted:
    converted = _Converted(menu, is_shortened=menu.count > len(menu.links))
    for link in menu.links:
        converted.labels.append(link.label or targets.title_of(link))
        # Finding a target may take a query, so this is not done for links beyond the limit.
        if len(converted.items) <= MAX_ITEMS:
            found = targets.items_of(link)
            converted.left_out += not found
            converted.items += found
    converted.is_shortened |= len(converted.items) > MAX_ITEMS
    del converted.items[MAX_ITEMS:]
    return converted


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
    if menu.is_nested and converted.items:
        yield _("Links that were nested below others now come after them, because menus here have only one level.")
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


class LinkTargets:
    """The targets on this site of an export's links. Targets given by ID are looked up together."""

    def __init__(self, context: ImportContext, links: Sequence[ExportedLink]) -> None:
        self._folder = folder_of(context.analysis.base_url)
        hosts = {*context.analysis.own_hosts, *settings.BROADSIDE_OWN_HOSTS, *settings.BROADSIDE_FORMER_HOSTS}
        self._hosts = {host.removeprefix("www.") for host in hosts}
        self._section_of_taxonomy = context.spool.pages.section_of_taxonomy
        self._paths = {link: path for link in links if (path := self.own_path(link.url) or self._section_path(link))}
        self._ids = {link: _by_id(link, legacy_key(self._paths.get(link, ""))) for link in links}
        entries = {target for kind, target in self._ids.values() if kind in {ENTRY, PAGES}}
        self._entries = entries_by_id(context.site, entries)
        wanted = {pair for link, pair in self._ids.items() if link.kind == TERM or pair[0] in _TERM_KINDS}
        self._terms = _terms(context, wanted)
        self._found: dict[str, tuple[str, int] | None] = {}

    def items_of(self, link: ExportedLink) -> list[Item]:
        """Return the items that replace a link: one, one for each page that it stands for, or none."""
        kind, target = self._ids[link]
        if kind == PAGES:
            return self._page_items(target)
        if kind == ENTRY and (entry := self._entries.get(target)):
            title = "" if link.label == str(entry)[:MAX_LABEL] else link.label
            return [{"title": title, "kind": f"blog:{entry.kind}", "id": entry.pk}]
        name, pk = self._terms.get((kind, target), ("", 0))
        if kind in _TERM_KINDS and pk:
            return [
                {"title": "" if link.label == name[:MAX_LABEL] else link.label, "kind": _TERM_KINDS[kind], "id": pk}
            ]
        return self._item_of_url(link, link.label or name[:MAX_LABEL])

    def _item_of_url(self, link: ExportedLink, label: str) -> list[Item]:
        path = self._paths.get(link, "")
        if path and path not in self._found:
            self._found[path] = find_target(path) or _redirected(path)
        if found := self._found.get(path):
            return [{"title": label, "kind": found[0], "id": found[1]}]
        url = iri_to_uri(path or link.url)
        title = (label if label != url else "") or (_("Home") if url == "/" else "")
        return [{"title": title, "url": url}] if is_link(url) else []

    def title_of(self, link: ExportedLink) -> str:
        """Return the title of a link's target, or else its URL, or its type and ID."""
        kind, target = self._ids[link]
        if kind == PAGES:
            return _("Pages")
        if kind == ENTRY and target in self._entries:
            return str(self._entries[target])
        if (kind, target) in self._terms:
            return self._terms[kind, target][0]
        return (link.url or (f"{link.type} {link.target}".strip() if link.kind != ENTRY else ""))[:MAX_LABEL]

    def _section_path(self, link: ExportedLink) -> str:
        """Return the path here of the list that a link to a term of a custom type leads to; empty if there is none."""
        section = self._section_of_taxonomy(link.type) if link.kind == TERM else ""
        return f"/{quote(section)}/" if section else ""

    def own_path(self, url: str) -> str:
        """Return the path here, with query and fragment, of a URL of the old blog; an empty string for other URLs."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return ""
        is_own = host_of(url).removeprefix("www.") in self._hosts if parts.scheme else url.startswith("/")
        path = parts.path or "/"
        if not is_own or (self._folder and not f"{path}/".startswith(self._folder)):
            return ""
        path = f"/{path.removeprefix(self._folder.rstrip('/')).lstrip('/')}"
        return path + (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")

    def _page_items(self, parent: int) -> list[Item]:
        """Return items for the pages below the one that had this ID, or for the top-level pages if it is not here."""
        above = self._entries.get(parent)
        pages = Page.objects.published().filter(parent=above.pk if above else None)
        pks = pages.order_by("menu_order", "title", "pk").values_list("pk", flat=True)
        return [{"title": "", "kind": "blog:page", "id": pk} for pk in pks[: MAX_ITEMS + 1]]


def _by_id(link: ExportedLink, key: str) -> tuple[str, int]:
    """Return the kind of a link's target (ENTRY, PAGES, CATEGORY, TAG or CUSTOM) and its ID on the old site."""
    if link.kind == TERM:
        return link.type, link.target
    if link.kind != CUSTOM:
        return link.kind, link.target
    form, _equals, number = key.removeprefix("/?").partition("=")
    kind = {"p": ENTRY, "cat": CATEGORY}.get(form, "") if key.startswith("/?") else ""
    return (kind, parse_id(number)) if kind else (CUSTOM, 0)


def _terms(context: ImportContext, wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], tuple[str, int]]:
    """Return the names and IDs here of terms, by their taxonomies and IDs in the export."""
    terms = (term for term in context.analysis.terms if (term.taxonomy, term.id) in wanted) if wanted else ()
    return {
        (term.taxonomy, term.id): (term.name, context.term_ids.pk(term.taxonomy, slug_key(term.slug))) for term in terms
    }


def _redirected(path: str) -> tuple[str, int] | None:
    """Return the entry or category that a path is redirected to here, in the form that `find_target` returns."""
    rows = Redirect.objects.filter(path=normalise_path(f"{path.rstrip('/')}/"))
    for kind, entry, category in rows.values_list("entry__kind", "entry", "category"):
        if entry:
            return f"blog:{kind}", entry
        if category:
            return "blog:category", category
    return None
