"""The author of a page of another site, if the page itself names one in microformats. Only names are read.

Sources: microformats.org, "microformats2 parsing" and "h-card"; IndieWeb, "authorship". The first step of the latter
that names an author counts. Steps that fetch further pages are left out.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Final

from blog.rendering.html_tags import VOID
from comments.webmentions.documents import INLINE, RAW_TEXT, HTMLPiece, comparable, join, pieces, with_bases
from core.http import host_of
from core.text import is_visible, one_line

# In characters: the length of a name, and how much is read for it, with markup and entities.
_MAX_NAME: Final = 200
_MAX_READ: Final = 2_000
# The classes of items. Others that start with `h-` belong to style sheets.
_ITEMS: Final = frozenset(
    {"h-adr", "h-app", "h-card", "h-cite", "h-entry", "h-event", "h-feed", "h-geo", "h-item", "h-listing", "h-product"}
    | {"h-recipe", "h-resume", "h-review", "h-review-aggregate"}
)
# The start of the class of a property with a text.
_TEXT_PROPERTY: Final = re.compile(r"[pe]-[a-z]")
# Elements that end where the next one with the same name starts.
_CLOSED_BY_NEXT: Final = frozenset({"dd", "dt", "li", "option", "p", "td", "th", "tr"})
# The attributes that contain the text of some elements, and the URL.
_TEXTS: Final = {"abbr": "title", "area": "alt", "data": "value", "img": "alt", "input": "value", "link": "title"}
_URLS: Final = dict.fromkeys(("a", "area", "link"), "href")


@dataclass(slots=True, eq=False)
class _Element:
    """An element with classes. Its content is at the characters from `start` up to `end`.

    The properties of an item are the elements with classes in it, in order, except those in a nested item.
    """

    name: str
    attributes: Mapping[str, str]
    classes: frozenset[str]
    start: int
    end: int
    # The innermost item that contains it.
    container: "_Element | None"
    properties: list["_Element"] = field(default_factory=list)

    @property
    def is_item(self) -> bool:
        return not self.classes.isdisjoint(_ITEMS)


class _Document:
    """The elements with classes in a document, in order, and the URL of its author if it links to that."""

    def __init__(self, text: str, url: str) -> None:
        self.text = text
        self.base = url
        self.author_url: str | None = None
        self.elements: list[_Element] = []
        # The names of the open elements, each with the element if it has classes; and the items among them.
        self._open: list[tuple[str, _Element | None]] = []
        self._open_names = Counter[str]()
        self._open_items: list[_Element] = []
        for piece, self.base in with_bases(text, url):
            if piece.is_end:
                self._close(piece.name, piece.start)
            elif piece.name:
                self._add(piece)
        while self._open:
            self._close(self._open[-1][0], len(text))

    def _add(self, piece: HTMLPiece) -> None:
        name, attributes = piece.name, piece.attributes
        if name in _CLOSED_BY_NEXT and self._open and self._open[-1][0] == name:
            self._close(name, piece.start)
        if name in _URLS and self.author_url is None and "author" in attributes.get("rel", "").lower().split():
            self.author_url = join(self.base, attributes.get(_URLS[name], ""))
        element = None
        if classes := frozenset(attributes.get("class", "").split()):
            container = self._open_items[-1] if self._open_items else None
            element = _Element(name, attributes, classes, piece.end, piece.end, container)
            self.elements.append(element)
            if container is not None:
                container.properties.append(element)
        if name in VOID:
            return
        self._open.append((name, element))
        self._open_names[name] += 1
        if element is not None and element.is_item:
            self._open_items.append(element)

    def _close(self, name: str, end: int) -> None:
        """Close the innermost open element with this name, and those that are open in it."""
        closed = ""
        while self._open_names[name] and closed != name:
            closed, element = self._open.pop()
            self._open_names[closed] -= 1
            if element is not None:
                element.end = end
                if self._open_items and self._open_items[-1] is element:
                    self._open_items.pop()


def author_name(text: str, url: str, position: int) -> str:
    """Return the name of the author of the text at `position` of the page at `url`; empty if the page names none."""
    document = _Document(text, url)
    entries = [element for element in document.elements if "h-entry" in element.classes]
    if not entries:
        return ""
    entry = next((each for each in reversed(entries) if each.start <= position <= each.end), entries[0])
    for item in _with_feed(entry):
        for author in item.properties:
            if author.classes & {"p-author", "u-author"}:
                return _name_of_author(document, author)
    return _name_at(document, document.author_url)


def _with_feed(entry: _Element) -> Iterator[_Element]:
    """Yield the entry, and the feed that contains it."""
    yield entry
    item = entry.container
    while item is not None and "h-feed" not in item.classes:
        item = item.container
    if item is not None:
        yield item


def _name_of_author(document: _Document, author: _Element) -> str:
    """Return the name in an author property: that of the card it is, that of the card with its URL, or its text."""
    if author.is_item:
        return _name_of(document, author)
    name = _text_of(document, author)
    if "u-author" in author.classes or host_of(name):
        return _name_at(document, _url_of(document, author) or name)
    return name


def _name_at(document: _Document, url: str | None) -> str:
    """Return the name of the first card with this URL, if there is one."""
    if not url:
        return ""
    wanted = comparable(url)
    for card in document.elements:
        if "h-card" in card.classes:
            # The card itself may be a link.
            linked = [each for each in card.properties if "u-url" in each.classes] or [card]
            urls = [_url_of(document, each) for each in linked]
            if any(each is not None and comparable(each) == wanted for each in urls):
                return _name_of(document, card)
    return ""


def _name_of(document: _Document, card: _Element) -> str:
    """Return the name of a card: its first one, or its content if it has no properties with a text."""
    for each in card.properties:
        if "p-name" in each.classes:
            return _text_of(document, each)
    classes = [name for each in card.properties for name in each.classes]
    is_implied = not any(name in _ITEMS or _TEXT_PROPERTY.match(name) for name in classes)
    return _text_of(document, card) if is_implied else ""


def _url_of(document: _Document, element: _Element) -> str | None:
    reference = element.attributes.get(_URLS.get(element.name, ""))
    return None if reference is None else join(document.base, reference)


def _text_of(document: _Document, element: _Element) -> str:
    """Return the text of an element on one line, or that of its first image; empty if readers would see nothing."""
    text = element.attributes.get(_TEXTS.get(element.name, ""))
    if text is None:
        text = _text_between(document.text[element.start : min(element.end, element.start + _MAX_READ)])
    line = one_line(text[:_MAX_READ])[:_MAX_NAME]
    return line if is_visible(line) else ""


def _text_between(html: str) -> str:
    text, image, is_raw = "", "", False
    for piece in pieces(html):
        if piece.name == "img":
            image = image or piece.attributes.get("alt", "")
        if piece.name:
            is_raw = piece.name in RAW_TEXT and not piece.is_end
            text += "" if piece.name in INLINE else " "
        elif not is_raw:
            text += unescape(piece.text)
    return text if is_visible(text) else image
