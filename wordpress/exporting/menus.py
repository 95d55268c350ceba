"""The menus of this site's appearance as WordPress stores them: a term for each menu, and an item for each link."""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final, NamedTuple

from django.db.models import Max

from blog.appearance.documents import MENUS, AppearanceForm, read
from blog.appearance.menus import Item, ResolvedItem, resolved
from blog.models import AppearanceVersion, Category, SiteAppearance
from core.bulk import max_pk
from core.models import SiteSettings
from core.site import absolute_url
from tags.models import Tag
from wordpress.exporting.ids import ExportIds
from wordpress.exporting.preserved import term_element
from wordpress.models import ImportedMenu, PreservedData, fingerprint
from wordpress.wxr import elements
from wordpress.wxr.elements import text_to_html
from wordpress.wxr.records import CATEGORY, MENU_ITEM, TAG

_TAXONOMY: Final = "nav_menu"
# The slugs that tell another Broadside, or a theme, where a menu belongs.
_SLUGS: Final = dict(zip(MENUS, ("header-menu", "footer-menu", "social-menu"), strict=True))
# WordPress's names for the kinds of targets: the type of the link, and the post type or taxonomy.
_KINDS: Final = {
    "blog:post": ("post_type", "post"),
    "blog:page": ("post_type", "page"),
    "blog:category": ("taxonomy", CATEGORY),
    "tags:tag": ("taxonomy", TAG),
}
_CLASSES: Final = 'a:1:{i:0;s:0:"";}'


class Menu(NamedTuple):
    term_id: int
    slug: str
    name: str
    items: list[Item]


def own_menus(site: SiteSettings) -> list[Menu]:
    """Return the public menus, except unchanged imported ones: exports contain the preserved items of these."""
    appearance = read(SiteAppearance.of(site).document)
    found: dict[str, list[Item]] = {name: items for name in MENUS if (items := getattr(appearance, name))}
    if not found:
        return []
    imported = list(ImportedMenu.objects.values_list("items", flat=True))
    terms = PreservedData.objects.filter(kind=PreservedData.Kind.TERM)
    highest = terms.aggregate(highest=Max("wordpress_id"))["highest"] or 0
    term_ids = count(max(max_pk(Category), max_pk(Tag), highest) + 1)
    return [
        Menu(next(term_ids), _free_slug(_SLUGS[name]), str(AppearanceForm.base_fields[name].label), items)
        for name, items in found.items()
        if items not in imported
    ]


def _free_slug(slug: str) -> str:
    """Return a slug that no preserved menu has."""
    candidates = (slug if number == 1 else f"{slug}-{number}" for number in count(1))
    rows = PreservedData.objects.filter(kind=PreservedData.Kind.TERM)
    return next(each for each in candidates if not rows.filter(key=fingerprint(_TAXONOMY, each)).exists())


def menu_terms(menus: Sequence[Menu]) -> Iterator[str]:
    for menu in menus:
        values = {
            "wp:term_id": menu.term_id,
            "wp:term_taxonomy": _TAXONOMY,
            "wp:term_slug": menu.slug,
            "wp:term_parent": "",
            "wp:term_name": text_to_html(menu.name),
        }
        yield f"\t<wp:term>{elements.in_order(values)}</wp:term>\n"


def menu_items(menus: Sequence[Menu], ids: ExportIds) -> Iterator[Iterator[str]]:
    version = AppearanceVersion.objects.first() if menus else None
    published_at = version.published_at if version else dt.datetime.fromtimestamp(0, dt.UTC)
    for menu in menus:
        positions = count(1)
        for top in resolved(menu.items):
            parent = ids.for_new()
            yield _menu_item(menu, next(positions), top, parent, 0, published_at)
            for child in top.children:
                yield _menu_item(menu, next(positions), child, ids.for_new(), parent, published_at)


def _menu_item(
    menu: Menu, position: int, resolved_item: ResolvedItem, pk: int, parent: int, at: dt.datetime
) -> Iterator[str]:
    item, target, _children = resolved_item
    kind, name = _KINDS.get(item.get("kind", ""), ("custom", "custom"))
    is_custom = kind == "custom"
    # As in WordPress, headings of submenus lead nowhere.
    url = absolute_url(target.url) if target.url else "#"
    local, utc = elements.local_time(at), elements.utc_time(at)
    guid = absolute_url(f"/?p={pk}")
    texts = {
        **elements.ITEM_DEFAULTS,
        "title": text_to_html(item["title"] or (target.title if is_custom else "")),
        "link": guid,
        "pubDate": elements.format_rss_date(utc),
        "dc:creator": "",
        "guid": guid,
        "content:encoded": "",
        "excerpt:encoded": "",
        "wp:post_id": pk,
        "wp:post_date": elements.format_datetime(local),
        "wp:post_date_gmt": elements.format_datetime(utc),
        "wp:post_modified": elements.format_datetime(local),
        "wp:post_modified_gmt": elements.format_datetime(utc),
        "wp:post_name": pk,
        "wp:status": "publish",
        "wp:post_parent": 0,
        "wp:menu_order": position,
        "wp:post_type": MENU_ITEM,
    }
    meta = {
        "type": kind,
        "menu_item_parent": str(parent),
        "object_id": str(pk if is_custom else item["id"]),
        "object": name,
        "target": "",
        "classes": _CLASSES,
        "xfn": "",
        "url": url if is_custom else "",
    }
    inside = [term_element(_TAXONOMY, menu.slug, text_to_html(menu.name))]
    inside += [elements.meta_field("postmeta", f"_menu_item_{key}", value) for key, value in meta.items()]
    return elements.item_parts(texts, inside)
