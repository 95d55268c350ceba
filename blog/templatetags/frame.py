"""Parts of the frame of every page, written in Python because templates would take several times as long."""

from collections.abc import Iterable
from html import escape
from typing import Any, Final

from django import template
from django.conf import settings
from django.template import Context
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from blog.appearance.menus import MenuLink
from blog.appearance.options import Link
from blog.page_metadata.lead_pictures import LeadPicture
from blog.sidebar import ShownBlock
from core.text import shorten

# What a feed has in its URL and in its media type for each format.
_FORMATS: Final = (("", "rss+xml"), ("atom/", "atom+xml"), ("json/", "feed+json"))

register = template.Library()


@register.filter
def feed_elements(feeds: Iterable[Link]) -> SafeString:
    """Return the elements in which feed readers find these feeds, in each format."""
    elements = [
        f'<link rel="alternate" type="application/{kind}" href="{escape(feed.url)}{path}" title="{escape(feed.title)}">'
        for feed in feeds
        for path, kind in _FORMATS
    ]
    return mark_safe("".join(elements))  # noqa: S308  # the URLs and titles are escaped


@register.simple_tag
def in_site_language() -> SafeString:
    """Return the attribute of an element that is in the site's language, or nothing if the page is, too."""
    site_language = settings.LANGUAGE_CODE
    return SafeString("" if get_language() == site_language else f' lang="{site_language}"')


@register.filter
def feed_items(feeds: Iterable[Link]) -> SafeString:
    """Return list items with links to these feeds."""
    text = gettext("RSS: <bdi>%(title)s</bdi>")
    items = [
        f'<li><a href="{escape(feed.url)}" type="application/rss+xml">{text % {"title": escape(feed.title)}}</a></li>'
        for feed in feeds
    ]
    return mark_safe("".join(items))  # noqa: S308  # the URLs and titles are escaped


@register.simple_tag(takes_context=True)
def submenu(context: Context, link: MenuLink, folds: bool) -> SafeString:
    """Return a link of a menu with its submenu. If it folds, readers open it, and find the link itself inside."""
    listed = [link, *link.children] if folds and link.url else link.children
    items = "".join([f"<li>{_menu_link(each, context)}</li>" for each in listed])
    if folds:
        head, end = f'<details name="menu"><summary dir="auto">{escape(link.title)}</summary>', "</details>"
    else:
        head, end = _menu_link(link, context) if link.url else f'<span dir="auto">{escape(link.title)}</span>', ""
    return mark_safe(f"{head}<ul>{items}</ul>{end}")  # noqa: S308  # the URLs and titles are escaped


def _menu_link(link: MenuLink, context: Context) -> str:
    current = ' aria-current="page"' if link.url == context.get("current_url") else ""
    return f'<a href="{escape(link.url)}" dir="auto"{current}>{escape(link.title)}</a>'


@register.simple_tag(takes_context=True)
def open_graph(context: Context, kind: str, text: str) -> SafeString:
    """Return what other sites show for a link to this page, which is a `website` or an `article`."""
    picture: LeadPicture | None = context.get("picture")
    properties: dict[str, Any] = {
        "og:type": kind,
        "og:site_name": context["site"].title,
        "og:title": context.get("page_title") or context["site"].title,
        "og:description": shorten(text, 200),
        "og:url": context.get("canonical_url"),
        "og:locale": context.get("locale"),
    }
    if picture:
        properties["og:image"] = picture.url
        if picture.width:
            properties |= {"og:image:width": picture.width, "og:image:height": picture.height}
        properties["og:image:alt"] = picture.alt
    shown = [(name, str(value)) for name, value in properties.items() if value]
    elements = [f'<meta property="{name}" content="{escape(value)}">' for name, value in shown]
    if kind == "article":
        card = "summary_large_image" if picture and picture.is_large else "summary"
        elements.append(f'<meta name="twitter:card" content="{card}">')
    elements.append(context.get("article") or "")
    return mark_safe("".join(elements))  # noqa: S308  # all values are escaped


@register.simple_tag(takes_context=True)
def render_sidebar(context: Context) -> SafeString:
    """Return the blocks of the sidebar, most of which have been rendered before."""
    blocks: Iterable[ShownBlock] = context["sidebar"].values()
    return mark_safe("".join([_block_html(block, context) for block in blocks]))  # noqa: S308  # rendered templates


def _block_html(block: ShownBlock, context: Any) -> SafeString:
    if not block.template:
        return block.html
    with context.push(block=block):
        html: SafeString = context.template.engine.get_template(block.template).render(context)
        return html
