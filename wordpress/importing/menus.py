"""The menus of an export: their links in order, and where on this site they belong."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from itertools import islice
from typing import Any, Final
from urllib.parse import quote, urlsplit

from core.http import host_of
from core.text import fold, remove_controls
from wordpress.markup.block_attributes import profile_link
from wordpress.models import fingerprint
from wordpress.wxr.records import CATEGORY, MENU_ITEM, NAVIGATION, TAG, TEMPLATE_PART, Item, parents_first
from wordpress.wxr.values import parse_id, parse_json, plain_line

# Far more than readers could use. All links are counted.
_MAX_MENUS: Final = 100
_MAX_LINKS: Final = 4000
_MAX_LINKS_OF_MENU: Final = 400
# In characters.
MAX_LABEL: Final = 100
_MAX_NAME: Final = 200
_MAX_TYPE: Final = 32
_MAX_URL: Final = 2000
# The kinds of link targets. The last one stands for all pages below the target, or at the top level if it has none.
ENTRY, TERM, CUSTOM, PAGES = "post_type", "taxonomy", "custom", "pages"
# The beginning or the end of a block. The block editor escapes `<` and `>` in attributes.
_BLOCK = re.compile(
    r"<!-- (?P<end>/)?wp:(?P<name>navigation-link|navigation-submenu|home-link|page-list)"
    r"(?:\s{1,9}(?P<attributes>\{[^<>]{0,4000}\}))?\s{0,9}(?P<is_empty>/)?-->"
)
# A block that shows a menu. Its attributes contain the menu's ID, unless its links are inside it.
_NAVIGATION = re.compile(r"<!-- wp:navigation\s{1,9}(\{[^<>]{0,4000}\})\s{0,9}/?-->")
# A block that links to a profile on a social network.
_PROFILE = re.compile(r"<!-- wp:social-link(?:-[a-z]{1,20})?\s{1,9}(\{[^<>]{0,4000}\})\s{0,9}/-->")
_AREA: Final = "wp_template_part_area"
_HEADER, _FOOTER, _SOCIAL = "header", "footer", "social"
# Words that themes and owners use in the names of their menus, in order of precedence.
_HEADER_NAMES: Final = (
    *("primary", "main", "header", "top", "principal", "principale", "hauptmenu", "главное", "основное", "головне"),
    *("основне", "الرئيسية", "navigation", "menu-1"),
)
_FOOTER_NAMES: Final = ("footer", "bottom", "pied", "pie", "fusszeile", "подвал", "нижнее", "нижнє", "التذييل")
_SOCIAL_NAMES: Final = ("social", "sociaux", "sociales", "соцсети", "соцмережі", "التواصل")
_NETWORKS: Final = frozenset(
    {
        *("behance.net", "bsky.app", "discord.gg", "dribbble.com", "facebook.com", "fb.com", "flickr.com"),
        *("github.com", "gitlab.com", "goodreads.com", "instagram.com", "last.fm", "linkedin.com", "mastodon.social"),
        *("ok.ru", "pinterest.com", "reddit.com", "snapchat.com", "soundcloud.com", "t.me", "telegram.me"),
        *("threads.com", "threads.net", "tiktok.com", "tumblr.com", "twitch.tv", "twitter.com", "vimeo.com", "vk.com"),
        *("wa.me", "weibo.com", "whatsapp.com", "x.com", "xing.com", "youtu.be", "youtube.com"),
    }
)
# The path of a profile on Mastodon and similar software, on any server.
_FEDIVERSE = re.compile(r"/@[\w.-]+/?")


@dataclass(frozen=True, slots=True)
class ExportedLink:
    """A link of a menu. `kind` is one of those above; `type` is the target's post type or taxonomy, `target` its ID.

    `parent` is the ID of the link that it is below, and `level` counts those above it once all have been read.
    """

    label: str
    kind: str = CUSTOM
    type: str = ""
    target: int = 0
    url: str = ""
    id: int = 0
    parent: int = 0
    position: int = 0
    level: int = 0


@dataclass(slots=True)
class ExportedMenu:
    """A menu. `links` are unordered until all have been read, and limited in number; `count` counts all links.

    `area` is the part of a block theme that shows it, if that is known, or whether these are its links to profiles.
    """

    key: str
    name: str
    slug: str
    links: list[ExportedLink] = field(default_factory=list)
    count: int = 0
    area: str = ""


def read_menus(items: Iterable[Item], section_of_type: Callable[[str], str]) -> list[ExportedMenu]:
    """Return the menus of an export in order, with their links from top to bottom, parents before children.

    `section_of_type` returns the slug of the page that lists the items of a custom type, or an empty string.
    """
    menus: dict[str, ExportedMenu] = {}
    # The header and the footer of the theme. If there are those of several themes, the last one changed is in use.
    parts: dict[str, Item] = {}
    seen: set[tuple[str, int]] = set()
    total = 0
    for item in items:
        if (area := _area_of(item)) and (area not in parts or _changed_later(item, parts[area])):
            parts[area] = item
        for found, links in _menus_of(item, section_of_type):
            # Two of the exports may contain the same item.
            if item.id and (found.key, item.id) in seen:
                continue
            seen.add((found.key, item.id))
            menu = menus.setdefault(found.key, found)
            menu.count += len(links)
            if len(menus) <= _MAX_MENUS and total < _MAX_LINKS and len(menu.links) < _MAX_LINKS_OF_MENU:
                menu.links += links[: _MAX_LINKS_OF_MENU - len(menu.links)]
                total += len(links)
    for area, part in parts.items():
        for id_ in _menus_shown_in(part):
            if shown := menus.get(fingerprint(NAVIGATION, id_)):
                shown.area = area
        if links := list(islice(_profile_links(part), _MAX_LINKS_OF_MENU)):
            key, name = fingerprint(TEMPLATE_PART, part.id or area), plain_line(part.title)[:_MAX_NAME] or area
            menus[key] = ExportedMenu(key, name, part.slug, links, len(links), _SOCIAL)
    for menu in menus.values():
        menu.links = _in_order(menu.links)
    return list(menus.values())


def _area_of(item: Item) -> str:
    """Return whether this is the header or the footer of a block theme; empty if it is neither."""
    if item.type != TEMPLATE_PART or item.status != "publish":
        return ""
    return next((ref.slug for ref in item.terms if ref.taxonomy == _AREA and ref.slug in {_HEADER, _FOOTER}), "")


def _changed_later(item: Item, other: Item) -> bool:
    return bool(item.modified_at and (not other.modified_at or item.modified_at > other.modified_at))


def _menus_shown_in(part: Item) -> Iterator[int]:
    for block in _NAVIGATION.finditer(part.content):
        values: dict[str, Any] = parse_json(block[1], {})
        yield parse_id(_text(values, "ref"))


def _profile_links(part: Item) -> Iterator[ExportedLink]:
    for number, block in enumerate(_PROFILE.finditer(part.content), start=1):
        values: dict[str, Any] = parse_json(block[1], {})
        label, url = profile_link(values)
        if url:
            yield ExportedLink(_label(escape(label)), url=_url(url), id=number, position=number)


def _menus_of(item: Item, section_of_type: Callable[[str], str]) -> Iterator[tuple[ExportedMenu, list[ExportedLink]]]:
    if item.type == MENU_ITEM and item.status != "draft":
        link = _classic_link(item, section_of_type)
        for ref in item.terms:
            if ref.taxonomy == "nav_menu":
                key = fingerprint(MENU_ITEM, ref.slug or ref.name)
                yield ExportedMenu(key, (ref.name or ref.slug)[:_MAX_NAME], ref.slug), [link]
    elif item.type == NAVIGATION and item.status == "publish":
        name = plain_line(item.title) or item.slug
        menu = ExportedMenu(fingerprint(NAVIGATION, item.id or item.slug or name), name[:_MAX_NAME], item.slug)
        yield menu, list(_block_links(item.content))


def _classic_link(item: Item, section_of_type: Callable[[str], str]) -> ExportedLink:
    meta = {key: value.strip() for key, value in item.meta if key.startswith("_menu_item_")}
    kind, what = meta.get("_menu_item_type", ""), meta.get("_menu_item_object", "")
    # A link to the archive of a custom type has no URL.
    section = section_of_type(what) if kind == "post_type_archive" else ""
    return ExportedLink(
        _label(item.title),
        kind if kind in {ENTRY, TERM} else CUSTOM,
        what[:_MAX_TYPE],
        parse_id(meta.get("_menu_item_object_id", "")),
        f"/{quote(section)}/" if section else _url(meta.get("_menu_item_url", "")),
        item.id,
        parse_id(meta.get("_menu_item_menu_item_parent", "")),
        item.menu_order,
    )


def _block_links(content: str) -> Iterator[ExportedLink]:
    """Yield the links in a menu of the block editor. Their IDs count them."""
    # The names of the blocks that contain the current one, and the IDs of their links.
    above: list[tuple[str, int]] = []
    for number, block in enumerate(_BLOCK.finditer(content, 0, content.rfind("-->") + 3), start=1):
        name, parent = block["name"], above[-1][1] if above else 0
        if block["end"]:
            if above and above[-1][0] == name:
                above.pop()
            continue
        try:
            link = _block_link(name, json.loads(block["attributes"] or "{}"), number, parent)
        except (ValueError, RecursionError):
            link = None
        if link:
            yield link
        if not block["is_empty"]:
            above.append((name, link.id if link else parent))


def _block_link(name: str, values: Mapping[str, Any], number: int, parent: int) -> ExportedLink:
    label, url = _label(_text(values, "label")), _url(_text(values, "url"))
    what, target = "", parse_id(_text(values, "id"))
    if name == "page-list":
        label, kind, url, target = "", PAGES, "", parse_id(_text(values, "parentPageID"))
    elif name == "home-link":
        kind, url, target = CUSTOM, url or "/", 0
    else:
        what = {"tag": TAG}.get(_text(values, "type"), _text(values, "type"))
        usual = TERM if what in {CATEGORY, TAG} else ENTRY if what in {"post", "page"} else CUSTOM
        kind = {"post-type": ENTRY, "taxonomy": TERM, "custom": CUSTOM}.get(_text(values, "kind"), usual)
    return ExportedLink(label, kind, what[:_MAX_TYPE], target, url, number, parent, number)


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return str(value) if isinstance(value, str | int) else ""


def _label(markup: str) -> str:
    return " ".join(remove_controls(plain_line(markup[: 10 * MAX_LABEL])).split())[:MAX_LABEL].strip()


def _url(text: str) -> str:
    """Return a URL without spaces and escaped ampersands; an empty string if it is too long to lead anywhere."""
    url = "%20".join(remove_controls(text.replace("&amp;", "&")).split()) if len(text) <= _MAX_URL else ""
    return f"https:{url}" if url.startswith("//") else url


def _in_order(links: Sequence[ExportedLink]) -> list[ExportedLink]:
    """Sort links by position, parents before children. Where links form a cycle, one of them moves to the top level."""
    listed = sorted(links, key=lambda link: (link.position, link.id))
    by_id = {link.id: number for number, link in enumerate(listed) if link.id}
    parents = {number: by_id.get(link.parent) if link.parent else None for number, link in enumerate(listed)}
    _order, circular = parents_first(parents)
    below: dict[int | None, list[int]] = {}
    for number, parent in parents.items():
        below.setdefault(None if number in circular else parent, []).append(number)
    waiting, found = [(number, 0) for number in reversed(below.get(None, []))], []
    while waiting:
        number, level = waiting.pop()
        found.append(replace(listed[number], level=level))
        waiting += [(child, level + 1) for child in reversed(below.get(number, []))]
    return found


def choose_places(menus: Iterable[tuple[ExportedMenu, Collection[str]]]) -> dict[str, ExportedMenu]:
    """Return which menu belongs where, by the name of the place in the appearance. `menus` come with their URLs.

    Only the header and the footer of a block theme say which menus they show, if they were edited. Otherwise the menu's
    name decides, then the sites that it links to. If none of these tells, the first menu becomes the header menu. The
    social menu has no submenus.
    """
    rest = list(menus)
    places: dict[str, ExportedMenu] = {}
    flat = [pair for pair in rest if not any(link.level for link in pair[0].links)]
    social = [pair for pair in flat if pair[0].area == _SOCIAL]
    social += [pair for pair in flat if _is_called(pair[0], _SOCIAL_NAMES)]
    social += [pair for pair in flat if _leads_to_networks(pair[1])]
    rest = [pair for pair in rest if pair not in social]
    footer = [pair for pair in rest if _is_for_footer(pair[0])]
    footer.sort(key=lambda pair: not pair[0].area)
    header = [pair for pair in rest if pair not in footer]
    header.sort(key=lambda pair: (not pair[0].area, _rank(pair[0], _HEADER_NAMES)))
    for name, found in (("header_menu", header), ("footer_menu", footer), ("social_menu", social)):
        if found:
            places[name] = found[0][0]
    return places


def _is_for_footer(menu: ExportedMenu) -> bool:
    return menu.area == _FOOTER if menu.area else _is_called(menu, _FOOTER_NAMES)


def _is_called(menu: ExportedMenu, names: Sequence[str]) -> bool:
    return _rank(menu, names) < len(names)


def _rank(menu: ExportedMenu, names: Sequence[str]) -> int:
    """Return the index of the first of `names` that the menu's name contains, or their count if there is none."""
    words = {*re.split(r"[\W_]+", fold(f"{menu.name} {menu.slug}")), menu.slug}
    return next((rank for rank, name in enumerate(names) if fold(name) in words), len(names))


def _leads_to_networks(urls: Collection[str]) -> bool:
    others = [url for url in urls if not url.startswith("mailto:")]
    return bool(others) and all(map(_is_of_network, others))


def _is_of_network(url: str) -> bool:
    host = host_of(url).removeprefix("www.")
    is_known = host in _NETWORKS or host.partition(".")[2] in _NETWORKS
    return bool(host) and (is_known or bool(_FEDIVERSE.fullmatch(urlsplit(url).path)))
