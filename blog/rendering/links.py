"""Links: bare URLs become links, and a PDF's URL that is alone on a line becomes `Click to access NAME.pdf`.

Source: WordPress.com, since 2022.
"""

import re
from collections import Counter
from typing import Final
from urllib.parse import unquote

from django.utils.translation import gettext
from lxml import etree

from blog.rendering import urls
from blog.rendering.tree import has_marker, text_of

URL_START = re.compile(r"(?<![A-Za-z0-9_])https?://\w[\w.-]*+(?::[0-9]+)?", re.IGNORECASE)

# Whitespace, quotation marks that never occur in URLs, invisible characters, and the full-width
# punctuation of scripts that are written without spaces.
_NOT_IN_URL: Final = r"\s<>\"`\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff。、，；：！？"
_CLOSING: Final = {")": "(", "]": "[", "}": "{", "”": "“", "»": "«", "›": "‹"} | dict(
    zip("）」』】》〉", "（「『【《〈", strict=True)
)
_OPENING: Final = frozenset(_CLOSING.values())
# A stretch of a URL without brackets or quotation marks, which needs no further checks.
_PLAIN_STRETCH = re.compile(f"[^{_NOT_IN_URL}{re.escape(''.join([*_CLOSING, *_OPENING]))}]*+")
_AFTER_HOST: Final = ("/", "?", "#")
_AFTER_URL: Final = ".,;:!?'*_~…’‘‚„|\\" + "".join(_OPENING)

# Text in these elements is a link already, or shows a URL as an example.
_WITHOUT_LINKS: Final = frozenset({"a", "code", "pre", "kbd", "samp", "var"})

_KEPT_RELATIONS: Final = frozenset({"author", "license", "me", "nofollow", "sponsored", "tag", "ugc"})

_PDF = re.compile(r"https?://[^/?#]+/[^?#]*\.pdf(?:[?#].*)?", re.IGNORECASE)


def url_end(start: re.Match[str], stop: int) -> int:
    """Return the position, at most `stop`, where the bare URL ends whose `start` is a match of URL_START.

    Punctuation after the URL does not belong to it, nor does a bracket or quotation mark that closes what was opened
    before it: (see https://example.org/a_(b)). Square brackets belong to it, but only in a query.
    """
    text = start.string
    end = start.end()
    opened: Counter[str] = Counter()
    in_query = False
    continues = text.startswith(_AFTER_HOST, end, stop)
    while continues and (stretch := _PLAIN_STRETCH.match(text, end, stop)):
        in_query = in_query or "?" in stretch[0]
        end = stretch.end()
        bracket = text[end : min(end + 1, stop)]
        opening = _CLOSING.get(bracket)
        if opening:
            continues = opened[opening] > 0
            opened[opening] -= 1
        else:
            continues = bracket in _OPENING and (bracket != "[" or in_query)
            opened[bracket] += 1
        end += continues
    while text[end - 1] in _AFTER_URL:
        end -= 1
    return end


def _linked(text: str) -> tuple[str, list[etree._Element]]:
    """Return `text` up to its first bare URL, and a link for each of its URLs, with the text after it as its tail."""
    links: list[etree._Element] = []
    texts: list[str] = []
    position = 0
    for start in URL_START.finditer(text):
        if start.start() < position:
            continue
        if text.startswith(_AFTER_HOST, start.end()) and not urls.normalise(start[0]):
            # No such host can exist, so what follows it is not scanned. A hostile text may repeat this many times.
            continue
        end = url_end(start, len(text))
        url = text[start.start() : end]
        if not urls.normalise(url):
            continue
        texts.append(text[position : start.start()])
        link = etree.Element("a", href=url)
        link.text = url
        links.append(link)
        position = end
    texts.append(text[position:])
    for link, tail in zip(links, texts[1:], strict=True):
        link.tail = tail
    return texts[0], links


def link_bare_urls(root: etree._Element) -> None:
    """Turn every bare web URL in running text into a link."""
    for element in list(root.iter(etree.Element)):
        if "://" in (element.text or "") and not _is_without_links(element):
            element.text, links = _linked(element.text or "")
            element[:0] = links
        parent = element.getparent()
        if parent is not None and "://" in (element.tail or "") and not _is_without_links(parent):
            tail, links = _linked(element.tail or "")
            element.tail = None
            for link in reversed(links):
                element.addnext(link)
            element.tail = tail


def _is_without_links(element: etree._Element) -> bool:
    return element.tag in _WITHOUT_LINKS or any(True for _ in element.iterancestors(*_WITHOUT_LINKS))


def is_alone_on_line(element: etree._Element, *blocks: str) -> bool:
    """Whether `element` has a line to itself in one of these `blocks`, without a more marker in it."""
    parent, before, after = element.getparent(), element.getprevious(), element.getnext()
    if parent is None or parent.tag not in blocks or has_marker(element):
        return False
    text_before = parent.text if before is None else before.tail
    return (
        (before is None or before.tag == "br")
        and (after is None or after.tag == "br")
        and not f"{text_before or ''}{element.tail or ''}".strip()
    )


def label_pdf_links(root: etree._Element) -> None:
    """Replace a PDF's URL that is alone on a line of a paragraph with the document's name."""
    for link in list(root.iter("a")):
        url = link.get("href", "")
        shows_url = _PDF.fullmatch(url) and unquote(url) == unquote(text_of(link).strip())
        if not shows_url or not is_alone_on_line(link, "p") or any(True for _ in link.iterancestors("li")):
            continue
        name = urls.file_name(url)
        del link[:]
        link.text = gettext("Click to access %(name)s") % {"name": name}
        link.set("class", "wp-block-file")


def finish_links(root: etree._Element) -> None:
    """Normalise the URLs of links, mark links that leave the site, and name those from footnotes to the text."""
    for link in root.iter("a"):
        relations = link.attrib.pop("rel", "").lower().split()
        url = urls.normalise(link.get("href", "")) or ""
        if not url:
            link.attrib.pop("href", "")
            continue
        link.set("href", url)
        if "footnote-backref" in link.get("class", "").split():
            # Screen readers would read the name of the arrow.
            link.set("aria-label", gettext("Back to the text"))
        kept = sorted(_KEPT_RELATIONS.intersection(relations))
        if urls.is_external(url):
            kept.append("noopener")
        if kept:
            link.set("rel", " ".join(kept))
