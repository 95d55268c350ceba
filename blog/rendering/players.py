"""Cards for content of other sites: a URL that is alone on a line is put into a `<figure>`, if its site is known.

The figure contains a link with the names of the site and the page, and loads nothing. If the site has a player for it
(`providers`), `static/js/players.js` adds a button to the figure, which loads the player when a reader presses it.
Without the script, the link leads to the page.
"""

from typing import cast

from lxml import etree

from blog.rendering.links import is_alone_on_line
from blog.rendering.providers import Embed, find_embed
from blog.rendering.tree import split_around, text_of


def frame_embeds(root: etree._Element) -> None:
    """Put each link that is alone on a line and shows nothing but a URL of a known site into a figure.

    A paragraph around it ends before the figure and continues after it.
    """
    framed = [
        (link, embed)
        for link in root.iter("a")
        if _shows_its_url(link)
        and is_alone_on_line(link, "p", "div", "figure")
        and (embed := find_embed(link.get("href", "")))
    ]
    figures = [_frame(link, embed) for link, embed in framed]
    # From the last to the first, so that what follows a figure is moved once.
    for figure in reversed(figures):
        if cast("etree._Element", figure.getparent()).tag == "p":
            figure.addnext(split_around(figure))


def _shows_its_url(link: etree._Element) -> bool:
    text, url = text_of(link).strip(), link.get("href", "")
    return text == url or text.partition("://")[2] == url.partition("://")[2]


def _figure(embed: Embed, title: str) -> etree._Element:
    figure = etree.Element("figure", {"class": "link-card"})
    if embed.player:
        figure.set("class", "player" if embed.kind == "video" else f"player player-{embed.kind}")
        figure.set("data-player", embed.player)
    # Generic titles such as “YouTube video player” say nothing.
    if not title or title.casefold().startswith(embed.site.casefold()):
        title = embed.page.partition("://")[2].removeprefix("www.")
    etree.SubElement(figure, "a", href=embed.page).text = f"{embed.site}: {title}"
    return figure


def _frame(link: etree._Element, embed: Embed) -> etree._Element:
    """Replace `link` with a figure, and return it."""
    block = cast("etree._Element", link.getparent())
    figure = _figure(embed, link.get("title", "").strip())
    figure.tail = link.tail
    block.replace(link, figure)
    before, after = figure.getprevious(), figure.getnext()
    if before is not None and before.tag == "br":
        block.remove(before)
    if after is not None and after.tag == "br":
        figure.tail = after.tail
        block.remove(after)
    return figure
