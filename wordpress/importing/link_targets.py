"""The targets on this site of links in an export: of menus, and of plugins' redirects."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _

from blog.appearance.menus import MAX_ITEMS, Item, find_target
from blog.appearance.options import is_link
from blog.models import Page, Redirect
from blog.models.redirect import normalise_path
from core.http import host_of
from wordpress.importing.context import ImportContext
from wordpress.importing.menus import CUSTOM, ENTRY, MAX_LABEL, PAGES, TERM, ExportedLink
from wordpress.importing.page_types import TYPE_KEY
from wordpress.importing.redirects import entries_by_id, folder_of
from wordpress.legacy_urls.query_forms import legacy_key
from wordpress.wxr.records import CATEGORY, TAG
from wordpress.wxr.values import parse_id, slug_key

_TERM_KINDS: Final = {CATEGORY: "blog:category", TAG: "tags:tag"}


class LinkTargets:
    """The targets on this site of an export's links. Targets given by ID are looked up together."""

    def __init__(self, context: ImportContext, links: Sequence[ExportedLink]) -> None:
        self._folder = folder_of(context.analysis.base_url)
        hosts = {*context.analysis.own_hosts, settings.SITE_HOST, *settings.BROADSIDE_FORMER_HOSTS}
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
        """Return items for the pages below the one that had this ID, or for the top-level pages if it is not here.

        The children of each item are all pages below it. Pages that were items of custom types don't count.
        """
        # Pages that were added above items of custom types have 0 as their former ID.
        above = self._entries.get(parent) if parent else None
        pages = Page.objects.published().filter(**{f"preserved__{TYPE_KEY}__isnull": True})
        rows = pages.order_by("menu_order", "title", "pk").values_list("parent", "pk")
        top = level = list(rows.filter(parent=above.pk if above else None)[: MAX_ITEMS + 1])
        below: dict[int | None, list[int]] = {}
        count = len(top)
        # Deeper levels than have room are not read.
        while count <= MAX_ITEMS and (
            level := list(rows.filter(parent__in=[pk for _parent, pk in level])[: MAX_ITEMS + 1])
        ):
            count += len(level)
            for parent_pk, pk in level:
                below.setdefault(parent_pk, []).append(pk)
        return [_page_item(pk, [_page_item(each) for each in _descendants(pk, below)]) for _parent, pk in top]


def _descendants(pk: int, below: Mapping[int | None, Sequence[int]]) -> Iterator[int]:
    for child in below.get(pk, ()):
        yield child
        yield from _descendants(child, below)


def _page_item(pk: int, children: Sequence[Item] = ()) -> Item:
    item: Item = {"title": "", "kind": "blog:page", "id": pk}
    return item | {"children": children} if children else item


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
