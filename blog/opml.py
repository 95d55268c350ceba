"""Lists of links as OPML, the format in which WordPress and feed readers export them.

Source: opml.org, OPML 2.0, and what WordPress writes at `/wp-links-opml.php`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final
from xml.parsers import expat

from django.utils.translation import gettext, ngettext
from lxml import etree

from blog.appearance.blocks import MAX_BLOCKS, Block
from blog.appearance.options import MAX_LENGTH, MAX_LINKS, Link, is_link, read_links
from core.text import remove_controls, remove_non_xml

# In bytes. A blogroll of 100 links has 20 KB.
MAX_OPML_BYTES: Final = 2**20
# The kind of blocks with links (blog.sidebar).
_KIND: Final = "links"
# The maximum lengths of a title and of a URL, in characters.
_MAX_TITLE: Final = 100
_MAX_URL: Final = 2000
# The attributes with the URL in the files of WordPress, of other programs, and of programs that only know feeds.
_URLS: Final = ("htmlUrl", "url", "xmlUrl")


class OPMLError(Exception):
    """A file without any readable links. The message is a sentence for the person who uploaded it."""


@dataclass(slots=True)
class LinkLists:
    """Links by the title of their list, in the order of the file, and sentences about those that are left out."""

    links: dict[str, list[Link]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def read_opml(content: bytes) -> LinkLists:
    """Return the links of a file, each once. Raises OPMLError."""
    if len(content) > MAX_OPML_BYTES:
        raise OPMLError(gettext("The file is too large. A list of links can have 1 MB at most."))
    lists, seen, count, invalid = LinkLists(), set[str](), 0, 0
    for title, link in _outlines(content):
        if not (link.url.startswith(("http://", "https://")) and is_link(link.url) and len(link.url) <= _MAX_URL):
            invalid += 1
        elif link.url not in seen:
            seen.add(link.url)
            lists.links.setdefault(title, []).append(link)
        count += 1
    if not seen:
        raise OPMLError(gettext("There are no links to websites in the file. It has to be in OPML format."))
    if invalid:
        text = ngettext(
            "%d link doesn't lead to a website and was left out.",
            "%d links don't lead to websites and were left out.",
            invalid,
        )
        lists.left_out.append(text % invalid)
    if repeated := count - invalid - len(seen):
        text = ngettext("%d repeated link was left out.", "%d repeated links were left out.", repeated)
        lists.left_out.append(text % repeated)
    return lists


def _outlines(content: bytes) -> list[tuple[str, Link]]:
    """Return each link with the title of the outline that contains it. Raises OPMLError."""
    found: list[tuple[str, Link]] = []
    # The titles of the outlines that are open.
    titles = [""]

    def refuse(*_about: object) -> None:
        # Entities, which can exhaust any memory or refer to other files, require a document type.
        raise OPMLError(
            gettext("The file has a document type (DOCTYPE). Lists of links have none, so it was not read.")
        )

    def start(name: str, attributes: dict[str, str]) -> None:
        if name != "outline":
            return
        title = _line(attributes.get("text") or attributes.get("title") or "")
        if url := next(filter(None, (attributes.get(each, "").strip() for each in _URLS)), ""):
            # Owners edit a link as a line, in which the URL is the last word.
            found.append((titles[-1], Link(title, "%20".join(_line(url, _MAX_URL + 1).split()))))
            title = titles[-1]
        titles.append(title)

    def end(name: str) -> None:
        if name == "outline":
            titles.pop()

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise OPMLError(gettext("The file can't be read. It has to be in OPML format.")) from error
    return found


def _line(text: str, limit: int = _MAX_TITLE) -> str:
    return " ".join(remove_controls(text).split())[:limit].strip()


def link_blocks(lists: LinkLists, *, below: Sequence[Block]) -> list[Block]:
    """Return a block for each list, to put below those of a sidebar. Links that these already have are left out.

    So are those that don't fit. Both are added to the sentences in `lists`.
    """
    present = {link.url for block in below for link in _links_of(block)}
    new = {title: [link for link in links if link.url not in present] for title, links in lists.links.items()}
    new = {title: links for title, links in new.items() if links}
    if count := sum(map(len, lists.links.values())) - sum(map(len, new.values())):
        text = ngettext("%d link is in the sidebar already.", "%d links are in the sidebar already.", count)
        lists.left_out.append(text % count)
    fitting = dict(islice(new.items(), max(0, MAX_BLOCKS - len(below))))
    if count := sum(len(links) for title, links in new.items() if title not in fitting):
        text = ngettext(
            "%d link was left out, because the sidebar can't have more blocks.",
            "%d links were left out, because the sidebar can't have more blocks.",
            count,
        )
        lists.left_out.append(text % count)
    return [_block(lists, title, links) for title, links in fitting.items()]


def _block(lists: LinkLists, title: str, links: Sequence[Link]) -> Block:
    lines = _fitting(links)
    if count := len(links) - len(lines):
        text = ngettext(
            "%(count)d link of “%(title)s” doesn't fit into a block and was left out.",
            "%(count)d links of “%(title)s” don't fit into a block and were left out.",
            count,
        )
        lists.left_out.append(text % {"count": count, "title": title or gettext("Links")})
    return {"kind": _KIND, "title": title, "options": {"links": "\n".join(lines)}}


def _fitting(links: Iterable[Link]) -> list[str]:
    """Return the lines of as many links as fit into a block."""
    lines: list[str] = []
    length = 0
    for link in links:
        line = f"{link.title} {link.url}".strip()
        length += len(line) + 1
        if len(lines) == MAX_LINKS or length > MAX_LENGTH:
            break
        lines.append(line)
    return lines


def _links_of(block: Block) -> Sequence[Link]:
    return read_links(block["options"].get("links") or "") if block["kind"] == _KIND else []


def count_links(blocks: Iterable[Block]) -> int:
    return sum(len(_links_of(block)) for block in blocks)


def write_opml(title: str, blocks: Iterable[Block]) -> bytes:
    """Return the links in `blocks`, in the form in which WordPress exports its own."""
    root: Any = etree.Element("opml", version="2.0")
    head, body = etree.SubElement(root, "head"), etree.SubElement(root, "body")
    etree.SubElement(head, "title").text = remove_non_xml(title)
    for block in blocks:
        if links := _links_of(block):
            name = remove_non_xml(block["title"]) or gettext("Links")
            category = etree.SubElement(body, "outline", type="category", text=name, title=name)
            for link in links:
                etree.SubElement(category, "outline", type="link", text=remove_non_xml(link.title), htmlUrl=link.url)
    document: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return document
