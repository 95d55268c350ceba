"""Links: bare addresses become links, a document's address on a line of its own names the document.

Most bodies of a WordPress blog hold bare URLs that readers see in full and follow; a PDF's URL alone
on a line says `Click to access NAME.pdf`, as WordPress.com has it since 2022.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext
from lxml import etree

from blog.rendering import addresses
from blog.rendering.tree import text_of

ADDRESS_START = re.compile(r"(?<![A-Za-z0-9_])https?://\w[\w.-]*+(?::[0-9]+)?", re.IGNORECASE)

# Blanks, quotation marks that no address holds, marks that nobody sees, and the full-width
# punctuation of writing without blanks.
NOT_IN_ADDRESS: Final = r"\s<>\"`\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff。、，；：！？"
CLOSING: Final = {")": "(", "]": "[", "}": "{", "”": "“", "»": "«", "›": "‹"} | dict(
    zip("）」』】》〉", "（「『【《〈", strict=True)
)
OPENING: Final = frozenset(CLOSING.values())
# A part of an address in which nothing has to be looked at.
PLAIN_PART = re.compile(f"[^{NOT_IN_ADDRESS}{re.escape(''.join([*CLOSING, *OPENING]))}]*+")
AFTER_HOST: Final = ("/", "?", "#")
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
    end = start.end()
    opened: Counter[str] = Counter()
    in_query = False
    goes_on = text.startswith(AFTER_HOST, end, stop)
    while goes_on and (part := PLAIN_PART.match(text, end, stop)):
        in_query = in_query or "?" in part[0]
        end = part.end()
        bracket = text[end : min(end + 1, stop)]
        opening = CLOSING.get(bracket)
        if opening:
            goes_on = opened[opening] > 0
            opened[opening] -= 1
        else:
            goes_on = bracket in OPENING and (bracket != "[" or in_query)
            opened[bracket] += 1
        end += goes_on
    while text[end - 1] in AFTER_ADDRESS:
        end -= 1
    return end


def _link_text(text: str) -> tuple[str, list[etree._Element]]:
    """`text` up to its first bare address, and its addresses as links with the text behind them."""
    before: list[str] = []
    links: list[etree._Element] = []
    position = 0
    for start in ADDRESS_START.finditer(text):
        if start.start() < position:
            continue
        if text.startswith(AFTER_HOST, start.end()) and not addresses.tidy(start[0]):
            # Nobody's host, whatever follows it: that is not looked at once for each.
            continue
        end = address_end(start, len(text))
        address = text[start.start() : end]
        if not addresses.tidy(address):
            continue
        _add_text(before, links, text[position : start.start()])
        link = etree.Element("a", href=address)
        link.text = address
        links.append(link)
        position = end
    _add_text(before, links, text[position:])
    return "".join(before), links


def _add_text(before: list[str], links: list[etree._Element], text: str) -> None:
    if links:
        links[-1].tail = text
    else:
        before.append(text)


def link_addresses(root: etree._Element) -> None:
    """Make a link of every bare web address in running text."""
    for element in list(root.iter(etree.Element)):
        if "://" in (element.text or "") and not _is_without_links(element):
            element.text, links = _link_text(element.text or "")
            for link in reversed(links):
                element.insert(0, link)
        parent = element.getparent()
        if parent is not None and "://" in (element.tail or "") and not _is_without_links(parent):
            following = element.getnext()
            element.tail, links = _link_text(element.tail or "")
            for link in links:
                if following is None:
                    parent.append(link)
                else:
                    following.addprevious(link)


def _is_without_links(element: etree._Element) -> bool:
    return element.tag in WITHOUT_LINKS or any(True for _ in element.iterancestors(*WITHOUT_LINKS))


def lines(paragraph: etree._Element) -> Iterator[tuple[str, list[etree._Element]]]:
    """The lines of a paragraph: the text of each outside elements, and its elements."""
    texts, elements = [paragraph.text or ""], list[etree._Element]()
    for child in paragraph:
        if child.tag == "br":
            yield "".join(texts), elements
            texts, elements = [], []
        else:
            elements.append(child)
        texts.append(child.tail or "")
    yield "".join(texts), elements


def _names_document(link: etree._Element) -> bool:
    """Whether this is a link to a PDF whose words are its address."""
    address = link.get("href", "")
    return (
        link.tag == "a"
        and DOCUMENT.fullmatch(address) is not None
        and unquote(address) == unquote(text_of(link).strip())
    )


def name_documents(root: etree._Element) -> None:
    """Let a PDF's address on a line of its own in a paragraph say the document's name."""
    around_documents = {link.getparent() for link in root.iter("a") if _names_document(link)}
    for paragraph in [paragraph for paragraph in root.iter("p") if paragraph in around_documents]:
        for text, elements in lines(paragraph):
            if text.strip() or len(elements) != 1 or not _names_document(elements[0]):
                continue
            if any(True for _ in paragraph.iterancestors("li")):
                continue
            link = elements[0]
            name = addresses.file_name(link.get("href", ""))
            # Stored for all readers, so in the language of the site, not of who saves.
            with translation.override(settings.LANGUAGE_CODE):
                words = gettext("Click to access %(name)s") % {"name": name}
            del link[:]
            link.text = words


def finish_links(root: etree._Element) -> None:
    """Bring addresses into their plain form and say of links that leave the site that they do."""
    for link in root.iter("a"):
        relations = link.get("rel", "").lower().split()
        link.attrib.pop("rel", "")
        address = addresses.tidy(link.get("href", "")) or ""
        if not address:
            link.attrib.pop("href", "")
            continue
        link.set("href", address)
        kept = sorted(KEPT_RELATIONS.intersection(relations))
        if addresses.is_external(address):
            kept.append("noopener")
        if kept:
            link.set("rel", " ".join(kept))
