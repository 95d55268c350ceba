"""Pages of other sites: fetching them, and finding endpoints and links in one pass, whatever they contain."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from http.client import HTTP_PORT, HTTPS_PORT
from typing import Any, Final

from comments.webmentions.authors import author_name
from comments.webmentions.documents import INLINE, RAW_TEXT, comparable, join, pieces, with_bases
from core.http import HTTPClient, status_error
from core.text import one_line

# Reaches public web servers only, and no other services, which trust this machine more than strangers. Gives up soon,
# because the worker's other tasks are waiting.
CLIENT: Final = HTTPClient(ports={HTTP_PORT, HTTPS_PORT}, timeout=5, deadline=10)
# How many bytes of a page are read.
_MAX_BYTES: Final = 2**20
# In characters: of the title of a page, and of the text around a link on each side of it.
_MAX_NAME: Final = 200
_MAX_CONTEXT: Final = 150
# How many levels of a JSON document are searched for a link.
_MAX_DEPTH: Final = 20

# Elements that link to another page or include it, and the attribute with its URL.
_LINKING: Final = {
    **dict.fromkeys(("a", "area", "link"), "href"),
    **dict.fromkeys(("img", "video", "audio", "source", "iframe", "embed"), "src"),
}
# A link of the header `Link`, and one of its parameters. Source: RFC 8288, 3.
_QUOTED: Final = r'"((?:[^"\\]|\\.)*+)"'
_LINK: Final = re.compile(rf"<([^<>]*+)>((?:\s*+;\s*+[^\s=;,\"<>]++(?:\s*+=\s*+(?:{_QUOTED}|[^\s;,\"<>]*+))?+)*+)")
_PARAMETER: Final = re.compile(rf";\s*+([^\s=;,\"<>]++)(?:\s*+=\s*+(?:{_QUOTED}|([^\s;,\"<>]*+)))?+")
# What is stripped from both ends of a URL in plain text.
_PUNCTUATION: Final = "()[]<>{}\"'.,;:!?*"
# The encodings in which even invalid bytes are decoded in linear time.
_ENCODING: Final = re.compile(
    r"charset\s*+=\s*+[\"']?(utf-?8|iso-8859-\d++|windows-125\d|koi8-[ru]|shift_jis|euc-(?:jp|kr)|gb\w++|big5)\b",
    re.IGNORECASE,
)
# A document has to declare its encoding within this many bytes.
# Source: HTML, "prescan a byte stream to determine its encoding".
_HEAD: Final = 1024


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A page at the URL that redirects led to, with its `Link` headers and its media type in lower case."""

    url: str
    links: tuple[str, ...]
    media_type: str
    text: str


@dataclass(frozen=True, slots=True)
class Quotation:
    """The name of a page that links to us, the text around the link, and the author. Each may be empty."""

    name: str
    text: str
    author: str = ""


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
    """Return the URL of the page's Webmention endpoint, or None. Source: 3.1.2."""
    for header in page.links:
        for url, parameters, *_rest in _LINK.findall(header):
            relations = [
                quoted or bare for name, quoted, bare in _PARAMETER.findall(parameters) if name.lower() == "rel"
            ]
            # The first one counts.
            if relations and _is_webmention(relations[0]):
                return join(page.url, url)
    if not _is_html(page):
        return None
    for piece, base in with_bases(page.text, page.url):
        rel, href = piece.attributes.get("rel", ""), piece.attributes.get("href")
        if piece.name in {"a", "link"} and href is not None and _is_webmention(rel):
            # An empty URL is the page itself.
            return join(base, href)
    return None


def find_link(page: FetchedPage, target: str) -> Quotation | None:
    """Return what surrounds the page's first link to `target`, or None if it doesn't link there. Source: 3.2.2."""
    wanted = comparable(target)
    if _is_html(page):
        return _find_in_html(page, wanted)
    if page.media_type.endswith("json"):
        return Quotation("", "") if _is_in_json(page.text, wanted) else None
    words = page.text.split() if page.media_type.startswith("text/") else []
    is_there = any(comparable(word.strip(_PUNCTUATION)) == wanted for word in words if "://" in word)
    return Quotation("", "") if is_there else None


def links_in(html: str) -> Iterator[str]:
    """Yield the URLs of the links in a text."""
    yield from (piece.attributes["href"] for piece in pieces(html) if piece.name == "a" and "href" in piece.attributes)


def _is_html(page: FetchedPage) -> bool:
    return page.media_type in {"text/html", "application/xhtml+xml"}


def _is_webmention(relations: str) -> bool:
    return "webmention" in relations.lower().split()


def _find_in_html(page: FetchedPage, wanted: tuple[str, str, str]) -> Quotation | None:
    name = before = after = ""
    found_at = -1
    element = ""
    for piece, base in with_bases(page.text, page.url):
        if piece.text:
            if element == "title":
                name = name or one_line(unescape(piece.text[:_MAX_NAME]))
            elif found_at >= 0:
                after = (after + piece.text)[: _MAX_CONTEXT + 1]
            elif element not in RAW_TEXT:
                before = (before + piece.text)[-_MAX_CONTEXT - 1 :]
            if len(after) > _MAX_CONTEXT:
                break
            continue
        element = "" if piece.is_end else piece.name
        if piece.name not in INLINE:
            if found_at >= 0:
                break
            before = ""
        attribute = _LINKING.get(piece.name)
        if attribute and found_at < 0:
            url = piece.attributes.get(attribute)
            if url is not None and comparable(join(base, url)) == wanted:
                found_at = piece.end
    if found_at < 0:
        return None
    return Quotation(name, _excerpt(before, after), author_name(page.text, page.url, found_at))


def _excerpt(before: str, after: str) -> str:
    """Return the text on both sides of the start of a link on one line, with whole words where there are spaces."""
    before, after = unescape(before), unescape(after)
    if len(before) > _MAX_CONTEXT:
        before = before.partition(" ")[2] or before
    if len(after) > _MAX_CONTEXT:
        after = after.rpartition(" ")[0] or after
    return one_line(before + after)


def _is_in_json(text: str, wanted: tuple[str, str, str]) -> bool:
    """Whether a string in a JSON document is the URL."""
    try:
        level: list[Any] = [json.loads(text)]
    except (ValueError, RecursionError):
        return False
    for _depth in range(_MAX_DEPTH):
        if any(isinstance(value, str) and comparable(value) == wanted for value in level):
            return True
        level = [child for value in level for child in _children(value)]
    return False


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _decode(body: bytes, content_type: str) -> str:
    """Decode a document from the encoding it declares, or from UTF-8, without NUL, which PostgreSQL refuses."""
    declared = _ENCODING.search(content_type) or _ENCODING.search(body[:_HEAD].decode("latin-1"))
    try:
        return body.decode(declared[1] if declared else "utf-8", "replace").replace("\0", "")
    except LookupError:
        return body.decode("utf-8", "replace").replace("\0", "")
