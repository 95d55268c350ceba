"""Pictures, players and embedded pages: what is ours stays, the rest becomes a link to it.

A reader's browser must ask nobody but this site, so nothing of another host is loaded; and nothing is
lost, so its address is there to follow. Recordings and pictures that are ours stay as they are.
"""

from typing import Final

from lxml import etree

from blog.rendering import addresses
from blog.rendering.tree import text_of, unwrap

EMBEDS: Final = frozenset({"embed", "x-iframe", "x-object"})
PLAYERS: Final = frozenset({"audio", "video"})
MEDIA: Final = EMBEDS | PLAYERS | {"img", "source", "param"}

# Around an embedded page that stands alone a link needs a paragraph of its own.
WITHOUT_PARAGRAPH: Final = frozenset({"blockquote", "body", "div", "figure", "section"})


def _say(element: etree._Element, words: str) -> None:
    """Let `element` be no more than its `words`."""
    element.tag = "unwrapped"
    del element[:]
    element.text = words


def _link(element: etree._Element, address: str, words: str) -> None:
    """Let `element` be its `words`, linked to `address` unless a link is around them."""
    _say(element, words)
    if (around := next(element.iterancestors("a"), None)) is not None:
        if "href" not in around.attrib:
            around.set("href", address)
        return
    element.tag = "a"
    element.attrib.clear()
    element.set("class", "remote-media")
    element.set("href", address)


def _picture(element: etree._Element) -> None:
    words = element.get("alt", "").strip()
    source = element.get("src", "")
    if addresses.own(source):
        element.set("alt", element.get("alt", ""))
        return
    plain = addresses.tidy(source)
    if plain and addresses.is_web(plain):
        _link(element, plain, words or addresses.file_name(plain))
    else:
        _say(element, words)


def _player(element: etree._Element) -> None:
    """A player keeps those of its sources that are ours. With none it is a link to the first."""
    own: list[etree._Element] = []
    foreign: list[str] = []
    for candidate in (element, *element.findall("source")):
        source = candidate.get("src", "")
        if addresses.own(source):
            own.append(candidate)
        else:
            if candidate is not element:
                candidate.tag = "unwrapped"
            if (plain := addresses.tidy(source)) and addresses.is_web(plain):
                foreign.append(plain)
    if own:
        return
    if foreign:
        _link(element, foreign[0], element.get("title", "").strip() or addresses.file_name(foreign[0]))
    else:
        element.tag = "unwrapped"


def _embedded_address(element: etree._Element) -> str:
    """Where an embedded page, film or document comes from, if it has a web address."""
    address = element.get("data") or element.get("src") or ""
    if not address:
        parameters = {child.get("name", "").lower(): child.get("value", "") for child in element.findall("param")}
        address = parameters.get("movie") or parameters.get("src") or ""
    address = addresses.tidy(address) or ""
    return address if addresses.is_web(address) else ""


def _embed(element: etree._Element) -> None:
    address = _embedded_address(element)
    if address:
        # What an object holds is shown where its film cannot be: most often the same once more.
        for child in element:
            if _says_again(child, address):
                _say(child, "")
        link = etree.Element("embed")
        link.tail, element.text = element.text, None
        element.insert(0, link)
        _link(link, address, address)
        parent = element.getparent()
        if parent is not None and parent.tag in WITHOUT_PARAGRAPH:
            paragraph = etree.Element("p")
            paragraph.tail, link.tail = link.tail, None
            paragraph.append(link)
            element.insert(0, paragraph)
    element.tag = "unwrapped"


def _says_again(element: etree._Element, address: str) -> bool:
    """Whether `element` is nothing but a link to `address`."""
    if element.tag == "p" and len(element) == 1 and not (element.text or element[0].tail):
        element = element[0]
    if element.tag == "unwrapped" and len(element) == 1 and not (element.text or element[0].tail):
        return _says_again(element[0], address)
    return element.tag == "a" and element.get("href") == address and text_of(element) == address


def _replace(element: etree._Element) -> None:
    if element.tag == "img":
        _picture(element)
    elif element.tag in PLAYERS:
        _player(element)
    elif element.tag in EMBEDS:
        _embed(element)
    elif element.tag == "source":
        parent = element.getparent()
        if parent is None or parent.tag not in PLAYERS:
            element.tag = "unwrapped"


def localise(root: etree._Element) -> None:
    """Leave no element in the tree that would make a browser ask another host."""
    # From the inside out: what stands in a replaced element has been replaced before it.
    for element in reversed(list(root.iter(*MEDIA))):
        _replace(element)
    for parameter in root.iter("param"):
        parameter.tag = "unwrapped"
    unwrap(root)
