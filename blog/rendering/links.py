"""Links: bare addresses become links, a document's address on a line of its own names the document.

Most bodies of a WordPress blog hold bare URLs that readers see in full and follow; a PDF's URL alone
on a line says `Click to access NAME.pdf`, as WordPress.com has it since 2022.
"""

import re
from typing import Final
from urllib.parse import unquote

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from blog.rendering import addresses
from blog.rendering.nodes import Element, Node

ADDRESS_START = re.compile(r"(?<![A-Za-z0-9_])https?://\w[\w.-]*+(?::[0-9]+)?", re.IGNORECASE)

# Blanks, quotation marks that no address holds, marks that nobody sees, and the full-width
# punctuation of writing without blanks.
NOT_IN_ADDRESS = re.compile(r"[\s<>\"`\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff。、，；：！？]")
CLOSING: Final = {")": "(", "]": "[", "}": "{", "”": "“", "»": "«", "›": "‹"} | dict(
    zip("）」』】》〉", "（「『【《〈", strict=True)
)
OPENING: Final = frozenset(CLOSING.values())
AFTER_ADDRESS: Final = ".,;:!?'*_~…’‘‚„|\\" + "".join(OPENING)

# Words of which the address is a part, or which are already a link.
WITHOUT_LINKS: Final = frozenset({"a", "code", "pre", "kbd", "samp", "var"})

KEPT_RELATIONS: Final = frozenset({"author", "license", "me", "nofollow", "sponsored", "tag", "ugc"})

DOCUMENT = re.compile(r"https?://[^/?#]+/[^?#]*\.pdf(?:[?#].*)?", re.IGNORECASE)


def address_end(start: re.Match[str], stop: int) -> int:
    """Where the bare address ends of which ADDRESS_START has found the `start`, `stop` at the latest.

    Punctuation after it, and a bracket or quotation mark that closes what opened before it, are not
    part of it: (see https://example.org/a_(b)). Square brackets are, but only in a query.
    """
    text = start.string
    host_end = end = start.end()
    opened: dict[str, int] = {}
    in_query = False
    while end < stop and not NOT_IN_ADDRESS.match(text, end):
        character = text[end]
        if end == host_end and character not in "/?#":
            break
        in_query = in_query or character == "?"
        if character == "[" and not in_query:
            break
        if character in OPENING:
            opened[character] = opened.get(character, 0) + 1
        elif character in CLOSING:
            if not opened.get(CLOSING[character]):
                break
            opened[CLOSING[character]] -= 1
        end += 1
    while text[end - 1] in AFTER_ADDRESS:
        end -= 1
    return end


def _link_text(text: str) -> list[Node]:
    """`text` with its bare addresses made links."""
    nodes: list[Node] = []
    position = 0
    while start := ADDRESS_START.search(text, position):
        end = address_end(start, len(text))
        address = text[start.start() : end]
        nodes.append(text[position : start.start()])
        nodes.append(Element("a", {"href": address}, address) if addresses.tidy(address) else address)
        position = end
    nodes.append(text[position:])
    return [node for node in nodes if node]


def link_addresses(root: Element) -> None:
    """Make a link of every bare web address in running text."""
    for element in root.walk():
        if not any(isinstance(child, str) and "://" in child for child in element.children):
            continue
        if element.tag in WITHOUT_LINKS or any(around.tag in WITHOUT_LINKS for around in element.ancestors()):
            continue
        nodes: list[Node] = []
        for child in element.children:
            if isinstance(child, str) and "://" in child:
                nodes.extend(_link_text(child))
            else:
                nodes.append(child)
        element.replace_children(nodes)


def _names_document(line: list[Node]) -> Element | None:
    """The link of a line that holds a PDF's address as its own words, and nothing else."""
    nodes = [node for node in line if not isinstance(node, str) or node.strip()]
    if len(nodes) != 1 or not isinstance(nodes[0], Element) or nodes[0].tag != "a":
        return None
    link = nodes[0]
    address = link.attributes.get("href", "")
    if DOCUMENT.fullmatch(address) and unquote(address) == unquote(link.text().strip()):
        return link
    return None


def name_documents(root: Element) -> None:
    """Let a PDF's address on a line of its own in a paragraph say the document's name."""
    for paragraph in root.walk():
        if paragraph.tag != "p" or any(around.tag == "li" for around in paragraph.ancestors()):
            continue
        lines: list[list[Node]] = [[]]
        for child in paragraph.children:
            if isinstance(child, Element) and child.tag == "br":
                lines.append([])
            else:
                lines[-1].append(child)
        for line in lines:
            if link := _names_document(line):
                name = addresses.file_name(link.attributes["href"])
                # Stored for all readers, so in the language of the site, not of who saves.
                with translation.override(settings.LANGUAGE_CODE):
                    words = gettext("Click to access %(name)s") % {"name": name}
                link.replace_children([words])


def finish_links(root: Element) -> None:
    """Bring addresses into their plain form and say of links that leave the site that they do."""
    for link in root.walk():
        if link.tag != "a":
            continue
        relations = link.attributes.pop("rel", "").lower().split()
        address = addresses.tidy(link.attributes.get("href", "")) or ""
        if not address:
            link.attributes.pop("href", None)
            continue
        link.attributes["href"] = address
        kept = sorted(KEPT_RELATIONS.intersection(relations))
        if addresses.is_external(address):
            kept.append("noopener")
        if kept:
            link.attributes["rel"] = " ".join(kept)
