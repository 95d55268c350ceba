"""HTML documents of other sites: their tags and texts in one pass, in linear time whatever they contain.

Parsers build trees, which hostile documents make deep and large. libxml2 then drops the rest, or takes quadratic time,
as does the algorithm of the HTML standard (blog.rendering.tree).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Final
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from blog.rendering.html_tags import find_tags, raw_text_ends
from core.http import host_of

_ATTRIBUTE: Final = re.compile(
    r"""([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"?|'([^']*+)'?|([^\s"'>][^\s>]*+)))?""", re.DOTALL
)
# Elements that contain no tags: the title, and elements with text that readers don't see.
RAW_TEXT: Final = frozenset(
    {"iframe", "noembed", "noframes", "script", "style", "template", "textarea", "title", "xmp"}
)
_RAW_TEXT_ENDS: Final = raw_text_ends(RAW_TEXT)
# In characters, including the URL of the page, which is copied for each of the many references a page may contain.
_MAX_URL: Final = 4_000
# Elements that don't separate words or sentences, so the text continues across them.
INLINE: Final = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img", "ins"}
    | {"kbd", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}
)


@dataclass(frozen=True, slots=True)
class HTMLPiece:
    """A tag, or the text between two tags if `name` is empty, at the characters from `start` up to `end`."""

    start: int
    end: int
    name: str = ""
    is_end: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


def pieces(text: str) -> Iterator[HTMLPiece]:
    """Yield the tags and texts of a document in order, without comments."""
    position = 0
    for tag, name, raw_text in find_tags(text, _RAW_TEXT_ENDS):
        if tag.start() > position:
            yield HTMLPiece(position, tag.start(), text=text[position : tag.start()])
        position = tag.end()
        if name:
            is_end = bool(tag["end"])
            yield HTMLPiece(tag.start(), position, name, is_end, {} if is_end else _attributes(tag["attributes"]))
        if raw_text:
            start, position = position, position + len(raw_text)
            yield HTMLPiece(start, position, text=raw_text)
    if position < len(text):
        yield HTMLPiece(position, len(text), text=text[position:])


def with_bases(text: str, url: str) -> Iterator[tuple[HTMLPiece, str]]:
    """Yield the tags and texts of the page at `url`, each with the URL against which relative ones are resolved."""
    base = url
    for piece in pieces(text):
        # The first one counts.
        if piece.name == "base" and "href" in piece.attributes and base == url:
            base = join(base, piece.attributes["href"]) or base
        yield piece, base


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(text):
        # If a name is repeated, the first one counts.
        found.setdefault(name.lower(), unescape("".join(values)))
    return found


def join(base: str, reference: str) -> str | None:
    """Return the URL that a reference leads to, or None if it leads nowhere or is longer than any real one."""
    reference = reference.strip()
    if len(base) + len(reference) > _MAX_URL:
        return None
    try:
        return urljoin(base, reference)
    except ValueError:
        return None


def comparable(url: str | None) -> tuple[str, str, str]:
    """Return a value that is equal for equivalent URLs, which may differ in escapes, scheme and fragment."""
    try:
        parts = urlsplit(urldefrag(url or "").url)
    except ValueError:
        return "", "", ""
    return host_of(url or ""), unquote(parts.path) or "/", unquote(parts.query)
