"""Pictures, players and embedded pages: what is ours stays, the rest becomes a link to it.

A reader's browser must ask nobody but this site, so nothing of another host is loaded; and nothing is
lost, so its address is there to follow. Recordings and pictures that are ours stay as they are.
"""

from typing import Final, TypeGuard

from blog.rendering import addresses
from blog.rendering.nodes import Element, Node

EMBEDS: Final = frozenset({"embed", "iframe", "object"})
PLAYERS: Final = frozenset({"audio", "video"})
MEDIA: Final = EMBEDS | PLAYERS | {"img", "source", "param"}

# Around an embedded page that stands alone a link needs a paragraph of its own.
WITHOUT_PARAGRAPH: Final = frozenset({"#root", "blockquote", "div", "figure", "section"})


def _enclosing_link(element: Element) -> Element | None:
    return next((around for around in element.ancestors() if around.tag == "a"), None)


def _link(element: Element, address: str, words: str) -> list[Node]:
    """What stands for `element`: its `words`, linked to `address` unless a link is around them."""
    if around := _enclosing_link(element):
        around.attributes.setdefault("href", address)
        return [words]
    return [Element("a", {"class": "remote-media", "href": address}, words)]


def _picture(element: Element) -> list[Node]:
    words = element.attributes.setdefault("alt", "").strip()
    source = element.attributes.get("src", "")
    if addresses.own(source):
        return [element]
    plain = addresses.tidy(source)
    if plain and addresses.is_web(plain):
        return _link(element, plain, words or addresses.file_name(plain))
    return [words] if words else []


def _is_source(node: Node) -> TypeGuard[Element]:
    return isinstance(node, Element) and node.tag == "source"


def _player(element: Element) -> list[Node]:
    """A player keeps those of its sources that are ours. With none it is a link to the first."""
    sources = [child for child in element.children if _is_source(child)]
    own: set[Element] = set()
    foreign: list[str] = []
    for candidate in (element, *sources):
        source = candidate.attributes.get("src", "")
        if addresses.own(source):
            own.add(candidate)
        elif (plain := addresses.tidy(source)) and addresses.is_web(plain):
            foreign.append(plain)
    if own:
        element.replace_children([child for child in element.children if not _is_source(child) or child in own])
        return [element]
    if foreign:
        words = element.attributes.get("title", "").strip() or addresses.file_name(foreign[0])
        return _link(element, foreign[0], words)
    return [child for child in element.children if not _is_source(child)]


def _embedded_address(element: Element) -> str:
    """Where an embedded page, film or document comes from, if it has a web address."""
    address = element.attributes.get("data") or element.attributes.get("src") or ""
    if not address and element.tag == "object":
        parameters = {
            child.attributes.get("name", "").lower(): child.attributes.get("value", "")
            for child in element.children
            if isinstance(child, Element) and child.tag == "param"
        }
        address = parameters.get("movie") or parameters.get("src") or ""
    address = addresses.tidy(address) or ""
    return address if addresses.is_web(address) else ""


def _embed(element: Element) -> list[Node]:
    address = _embedded_address(element)
    # What an object holds is shown where its film cannot be: most often the same once more.
    inside: list[Node] = [
        child
        for child in element.children
        if not isinstance(child, Element) or (child.tag != "param" and not _says_again(child, address))
    ]
    if not address:
        return inside
    link = _link(element, address, address)
    if element.parent and element.parent.tag in WITHOUT_PARAGRAPH:
        link = [Element("p", None, *link)]
    return [*link, *inside]


def _says_again(element: Element, address: str) -> bool:
    """Whether `element` is nothing but a link to `address`."""
    return element.tag == "a" and element.attributes.get("href") == address and element.text() == address


def _replacement(element: Element) -> list[Node]:
    if element.tag == "img":
        return _picture(element)
    if element.tag in PLAYERS:
        return _player(element)
    if element.tag in EMBEDS:
        return _embed(element)
    inside = element.parent
    if element.tag == "source" and inside and inside.tag in PLAYERS:
        return [element]
    if element.tag == "param" and inside and inside.tag == "object":
        return [element]
    return []


def localise(root: Element) -> None:
    """Leave no element in the tree that would make a browser ask another host."""
    elements = root.walk()
    around_media = {element.parent for element in elements if element.tag in MEDIA}
    # From the inside out: what stands in a replaced element has been replaced before it.
    for around in reversed(elements):
        if around not in around_media:
            continue
        nodes: list[Node] = []
        for child in around.children:
            if isinstance(child, Element) and child.tag in MEDIA:
                nodes.extend(_replacement(child))
            else:
                nodes.append(child)
        around.replace_children(nodes)
