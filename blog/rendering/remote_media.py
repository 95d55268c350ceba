"""Images, players and embedded pages: this site's own stay, those of other hosts become links.

A reader's browser must not send requests to any other host, so nothing is loaded from elsewhere.
"""

import re
from typing import Final

from lxml import etree

from blog.rendering import urls
from blog.rendering.providers import find_embed
from blog.rendering.tree import has_marker, text_of

_EMBEDS: Final = frozenset({"embed", "x-iframe", "x-object"})
_PLAYERS: Final = frozenset({"audio", "video"})
_MEDIA: Final = _EMBEDS | _PLAYERS | {"img", "source", "track"}

# In these, the link to an embedded page needs a paragraph of its own.
_WITHOUT_PARAGRAPH: Final = frozenset({"blockquote", "body", "div", "figure", "section"})

# Flash players also have them directly after their path.
_PARAMETERS: Final = re.compile(r"[?&#].*", re.DOTALL)
# Invisible images that count readers of WordPress.com's feeds, and of posts that Zemanta helped to write.
_COUNTER: Final = re.compile(
    r"https?://(?:feeds\.wordpress\.com/1\.0/|(?:pixel|stats)\.(?:wordpress|wp)\.com/|img\.zemanta\.com/pixy\.gif)"
)


def _replace_with_text(element: etree._Element, text: str) -> None:
    element.tag = "unwrapped"
    del element[:]
    element.text = text


def _replace_with_link(element: etree._Element, url: str, text: str) -> None:
    """Replace `element` with its `text`, as a link to `url` unless it is inside a link that leads somewhere."""
    _replace_with_text(element, text)
    if (outer := next(element.iterancestors("a"), None)) is not None:
        # Scripts that enlarge pictures are often attached to links to `#`.
        if outer.get("href", "").strip() in {"", "#"}:
            outer.set("href", url)
        return
    element.tag = "a"
    element.attrib.clear()
    element.set("class", "remote-media")
    element.set("href", url)


def _localise_image(element: etree._Element) -> None:
    alt, source = element.get("alt", ""), element.get("src", "")
    if urls.normalise_own(source):
        element.set("alt", alt)
    elif _is_invisible(element):
        _remove_image(element)
    elif (url := urls.normalise(source)) and urls.is_web(url):
        _replace_with_link(element, url, alt.strip() or urls.file_name(url))
    else:
        _replace_with_text(element, alt.strip() or _name_of_linked_file(element))


def _is_invisible(image: etree._Element) -> bool:
    sizes = {image.get(name, "").strip().removesuffix("px") for name in ("width", "height")}
    return sizes <= {"0", "1"} or _COUNTER.match(image.get("src", "").strip()) is not None


def _remove_image(image: etree._Element) -> None:
    """Remove `image`, with the link around it if that contains nothing else."""
    _replace_with_text(image, "")
    link = image.getparent()
    if link is not None and link.tag == "a" and len(link) == 1 and not text_of(link).strip() and not link.get("id"):
        link.tag = "unwrapped"


def _name_of_linked_file(element: etree._Element) -> str:
    """Return the name of the file that a link around nothing but `element` leads to; empty if there is none.

    Scripts that load pictures late put placeholders in their places, without which the link would be empty.
    """
    link = element.getparent()
    if link is None or link.tag != "a" or len(link) > 1 or (link.text or "").strip() or (element.tail or "").strip():
        return ""
    url = urls.normalise(link.get("href", "")) or ""
    return urls.file_name(url) if url.startswith(("/", "http")) else ""


def _localise_player(element: etree._Element) -> None:
    """Keep the files of a player that are this site's own. If no source is, replace it with a link to the first one."""
    sources = [element, *element.findall("source")]
    foreign = [source for source in sources if not urls.normalise_own(source.get("src", ""))]
    for source in foreign:
        if source is not element:
            source.tag = "unwrapped"
    if foreign == sources:
        normalised = [urls.normalise(source.get("src", "")) or "" for source in sources]
        if url := next(filter(urls.is_web, normalised), ""):
            _replace_with_link(element, url, element.get("title", "").strip() or urls.file_name(url))
        else:
            element.tag = "unwrapped"
    for track in element.findall("track"):
        if element.tag == "unwrapped" or not urls.normalise_own(track.get("src", "")):
            track.tag = "unwrapped"


def _localise_embed(element: etree._Element) -> None:
    url = element.get("data") or element.get("src") or ""
    if not url:
        parameters = {child.get("name", "").lower(): child.get("value", "") for child in element.findall("param")}
        url = parameters.get("movie") or parameters.get("src") or ""
    embed = find_embed(url)
    url = embed.page if embed else urls.normalise(url) or ""
    if urls.is_web(url):
        title = element.get("title", "")
        # The content of an object is its fallback, which is usually the same link again.
        for child in element:
            if _is_link_to(child, url):
                _replace_with_text(child, "")
        link = etree.Element("embed")
        link.tail, element.text = element.text, None
        element.insert(0, link)
        _replace_with_link(link, url, url)
        if title and link.tag == "a":
            link.set("title", title)
        parent = element.getparent()
        if parent is not None and parent.tag in _WITHOUT_PARAGRAPH:
            paragraph = etree.Element("p")
            paragraph.tail, link.tail = link.tail, None
            paragraph.append(link)
            element.insert(0, paragraph)
    element.tag = "unwrapped"


def _is_link_to(element: etree._Element, url: str) -> bool:
    """Whether `element` contains nothing but a link that shows its URL, which is `url` apart from its parameters."""
    while element.tag in {"p", "unwrapped"} and len(element) == 1 and not (element.text or element[0].tail):
        element = element[0]
    target = element.get("href", "")
    is_same = _PARAMETERS.sub("", target) == _PARAMETERS.sub("", url)
    return element.tag == "a" and is_same and text_of(element) == target and not has_marker(element)


def localise(root: etree._Element) -> None:
    """Leave no element in the tree that makes a browser send requests to another host."""
    # From the inside out, so that the content of a replaced element has been replaced before it.
    for element in reversed(list(root.iter(*_MEDIA))):
        if element.tag == "img":
            _localise_image(element)
        elif element.tag in _PLAYERS:
            _localise_player(element)
        elif element.tag in _EMBEDS:
            _localise_embed(element)
        elif (parent := element.getparent()) is None or parent.tag not in _PLAYERS:
            element.tag = "unwrapped"
    etree.strip_tags(root, "param", "unwrapped")
