"""Pages of other sites: fetching them, and what they say about links, read in one pass whatever they contain."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from django.conf import settings

from core.http import HTTPClient, host_of, status_error
from core.text import one_line

# It reaches public servers only, and soon gives up: other tasks of the worker wait for it.
CLIENT: Final = HTTPClient(timeout=5, deadline=10)
# In bytes, of a page. What comes later is not looked at.
_MAX_BYTES: Final = 2**20
# In characters: of the title of a page, and of the text around a link on each side of it.
_MAX_NAME: Final = 200
_MAX_BESIDE: Final = 150
# Deeper than this, JSON says nothing about a link.
_MAX_DEPTH: Final = 20

# A tag or a comment, ended where the HTML standard ends it, or by the end of the text. Nothing is looked at twice.
_TAG: Final = re.compile(
    r"""<!--(?:-?>|.*?(?:--!?>|\Z))
    |<[!?][^>]*+>?
    |<(?P<end>/?)(?P<name>[a-z][^\s/>]*+)
        (?P<attributes>
            (?:[\s/]++|[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|(?!["'])[^\s>]*+))?+)*+
        )>?""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_ATTRIBUTE: Final = re.compile(
    r"""([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"?|'([^']*+)'?|([^\s"'>][^\s>]*+)))?""", re.DOTALL
)
# Elements that contain no tags: with text that readers don't see, and the title.
_RAW_TEXT_ENDS: Final = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("iframe", "noembed", "noframes", "script", "style", "template", "textarea", "title", "xmp")
}
# Between those that don't separate words or sentences, the text around a link goes on.
_INLINE: Final = frozenset(
    {
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "img",
        "ins",
        "kbd",
    }
    | {"mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}
)
# Elements that link to another page or include it, and the attribute with its URL.
_LINKING: Final = {
    **dict.fromkeys(("a", "area", "link"), "href"),
    **dict.fromkeys(("img", "video", "audio", "source", "iframe", "embed"), "src"),
}
# A link of the header `Link`, and one of its parameters. Source: RFC 8288, 3.
_QUOTED: Final = r'"((?:[^"\\]|\\.)*+)"'
_LINK: Final = re.compile(rf"<([^<>]*+)>((?:\s*+;\s*+[^\s=;,\"<>]++(?:\s*+=\s*+(?:{_QUOTED}|[^\s;,\"<>]*+))?+)*+)")
_PARAMETER: Final = re.compile(rf";\s*+([^\s=;,\"<>]++)(?:\s*+=\s*+(?:{_QUOTED}|([^\s;,\"<>]*+)))?+")
# Around a URL in plain text.
_PUNCTUATION: Final = "()[]<>{}\"'.,;:!?*"
# The encodings of which bytes can be read in linear time, also wrong ones.
_ENCODING: Final = re.compile(
    r"charset\s*+=\s*+[\"']?(utf-?8|iso-8859-\d++|windows-125\d|koi8-[ru]|shift_jis|euc-(?:jp|kr)|gb\w++|big5)\b",
    re.IGNORECASE,
)
# Where a document has to say its encoding. Source: HTML, "prescan a byte stream to determine its encoding".
_HEAD: Final = 1024


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A page, at the URL to which redirects led, with its headers `Link` and its media type in lower case."""

    url: str
    links: tuple[str, ...]
    media_type: str
    text: str


@dataclass(frozen=True, slots=True)
class Quotation:
    """What a page is called that links to us, and what it says around the link. Either may be empty."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """A tag, or a text between tags: then `name` is empty."""

    name: str = ""
    is_end: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


def own_hosts() -> set[str]:
    """Return the hosts of this site: the current one and former ones."""
    return {host_of(settings.SITE_URL), *settings.BROADSIDE_FORMER_HOSTS}


def fetch(url: str) -> FetchedPage:
    """Return the page at a URL. Raises FetchError."""
    url, answer = CLIENT.follow(url, max_bytes=_MAX_BYTES)
    if not 200 <= answer.status < 300:
        raise status_error(answer.status, answer.headers)
    content_type = answer.headers.get("Content-Type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    links = tuple(answer.headers.get_all("Link", []))
    return FetchedPage(url, links, media_type, _decode(answer.body, content_type))


def send(endpoint: str, source: str, target: str) -> None:
    """Tell the site with this endpoint that `source` links to `target`, or no longer does. Raises FetchError."""
    answer = CLIENT.post(endpoint, {"source": source, "target": target})
    if not 200 <= answer.status < 300:
        raise status_error(answer.status, answer.headers)


def find_endpoint(page: FetchedPage) -> str | None:
    """Return the URL to which the page wants links to it reported, or None. Source: 3.1.2."""
    for header in page.links:
        for url, parameters, *_rest in _LINK.findall(header):
            relations = [
                quoted or bare for name, quoted, bare in _PARAMETER.findall(parameters) if name.lower() == "rel"
            ]
            # Of several, the first counts.
            if relations and _is_webmention(relations[0]):
                return _join(page.url, url)
    if not _is_html(page):
        return None
    for piece, base in _with_bases(page):
        rel, href = piece.attributes.get("rel", ""), piece.attributes.get("href")
        if piece.name in {"a", "link"} and href is not None and _is_webmention(rel):
            # An empty one is the page itself.
            return _join(base, href)
    return None


def find_link(page: FetchedPage, target: str) -> Quotation | None:
    """Return what the page says around its first link to `target`, or None if it doesn't link there. Source: 3.2.2."""
    wanted = _comparable(target)
    if _is_html(page):
        return _find_in_html(page, wanted)
    if page.media_type.endswith("json"):
        return Quotation("", "") if _is_in_json(page.text, wanted) else None
    words = page.text.split() if page.media_type.startswith("text/") else []
    is_there = any(_comparable(word.strip(_PUNCTUATION)) == wanted for word in words if "://" in word)
    return Quotation("", "") if is_there else None


def links_in(html: str) -> Iterator[str]:
    """Yield the URLs of the links of a text."""
    yield from (piece.attributes["href"] for piece in _pieces(html) if piece.name == "a" and "href" in piece.attributes)


def _is_html(page: FetchedPage) -> bool:
    return page.media_type in {"text/html", "application/xhtml+xml"}


def _is_webmention(relations: str) -> bool:
    return "webmention" in relations.lower().split()


def _join(base: str, reference: str) -> str | None:
    try:
        return urljoin(base, reference.strip())
    except ValueError:
        return None


def _comparable(url: str | None) -> tuple[str, str, str]:
    """Return what is the same for all ways to write a URL: with other escapes, scheme or fragment."""
    try:
        parts = urlsplit(urldefrag(url or "").url)
    except ValueError:
        return "", "", ""
    return host_of(url or ""), unquote(parts.path) or "/", unquote(parts.query)


def _find_in_html(page: FetchedPage, wanted: tuple[str, str, str]) -> Quotation | None:
    name = before = after = ""
    is_found = False
    element = ""
    for piece, base in _with_bases(page):
        if piece.text:
            if element == "title":
                name = name or one_line(unescape(piece.text[:_MAX_NAME]))
            elif is_found:
                after = (after + piece.text)[: _MAX_BESIDE + 1]
            elif element not in _RAW_TEXT_ENDS:
                before = (before + piece.text)[-_MAX_BESIDE - 1 :]
            if len(after) > _MAX_BESIDE:
                break
            continue
        element = "" if piece.is_end else piece.name
        if piece.name not in _INLINE:
            if is_found:
                break
            before = ""
        attribute = _LINKING.get(piece.name)
        if attribute and not is_found:
            url = piece.attributes.get(attribute)
            is_found = url is not None and _comparable(_join(base, url)) == wanted
    return Quotation(name, _excerpt(before, after)) if is_found else None


def _excerpt(before: str, after: str) -> str:
    """Return the text on both sides of the start of a link on one line, with whole words where there are spaces."""
    before, after = unescape(before), unescape(after)
    if len(before) > _MAX_BESIDE:
        before = before.partition(" ")[2] or before
    if len(after) > _MAX_BESIDE:
        after = after.rpartition(" ")[0] or after
    return one_line(before + after)


def _with_bases(page: FetchedPage) -> Iterator[tuple[_Piece, str]]:
    """Yield the tags and texts of a page, each with the URL against which relative ones are resolved there."""
    base = page.url
    for piece in _pieces(page.text):
        # Of several, the first counts.
        if piece.name == "base" and "href" in piece.attributes and base == page.url:
            base = _join(base, piece.attributes["href"]) or base
        yield piece, base


def _pieces(text: str) -> Iterator[_Piece]:
    """Yield the tags and texts of a document in their order, without comments."""
    position = 0
    while tag := _TAG.search(text, position):
        if tag.start() > position:
            yield _Piece(text=text[position : tag.start()])
        position = tag.end()
        if not tag["name"]:
            continue
        name, is_end = tag["name"].lower(), bool(tag["end"])
        yield _Piece(name, is_end, {} if is_end else _attributes(tag["attributes"]))
        if not is_end and (raw_text_end := _RAW_TEXT_ENDS.get(name)):
            end = raw_text_end.search(text, position)
            start, position = position, end.start() if end else len(text)
            if position > start:
                yield _Piece(text=text[start:position])
    if position < len(text):
        yield _Piece(text=text[position:])


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(text):
        # Of two with one name, the first counts.
        found.setdefault(name.lower(), unescape("".join(values)))
    return found


def _is_in_json(text: str, wanted: tuple[str, str, str]) -> bool:
    """Whether a string of a JSON document is the URL."""
    try:
        level: list[Any] = [json.loads(text)]
    except (ValueError, RecursionError):
        return False
    for _depth in range(_MAX_DEPTH):
        if any(isinstance(value, str) and _comparable(value) == wanted for value in level):
            return True
        level = [child for value in level for child in _children(value)]
    return False


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _decode(body: bytes, content_type: str) -> str:
    """Return the text of a document in the encoding that it says, or in UTF-8. PostgreSQL refuses NUL."""
    declared = _ENCODING.search(content_type) or _ENCODING.search(body[:_HEAD].decode("latin-1"))
    try:
        return body.decode(declared[1] if declared else "utf-8", "replace").replace("\0", "")
    except LookupError:
        return body.decode("utf-8", "replace").replace("\0", "")
