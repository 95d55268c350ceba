"""Repairing what browsers forgive in HTML, but validators, feed readers and screen readers don't.

The parser has already made a tree (`tree`), and the allow-list has removed what may not be shown (`sanitising`). Here
elements get the parents, children and values that the HTML standard requires (https://html.spec.whatwg.org/). No text
is lost. Every rule looks at an element, its children and what is known of its ancestors, so the time is linear.
"""

import datetime as dt
import re
from typing import Final
from urllib.parse import quote

from django.utils.translation import gettext
from lxml import etree

from blog.rendering.tree import MORE_TAG, PAGE_BREAK_TAG, take_out

_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
_LISTS: Final = frozenset({"ol", "ul"})
# Elements that need one of these parents, and what they become without it.
_NEEDS_PARENT: Final = {
    "li": (_LISTS, "div"),
    **dict.fromkeys(("dd", "dt"), (frozenset({"dl"}), "div")),
    "figcaption": (frozenset({"figure"}), "div"),
    "summary": (frozenset({"details"}), "div"),
    **dict.fromkeys(("rp", "rt"), (frozenset({"ruby"}), "span")),
}
# Elements that mean nothing without text or anything else that is visible.
_NEEDS_CONTENT: Final = (*_HEADINGS, "caption", "dt", "figcaption", "tr")
_VISIBLE: Final = frozenset({"audio", "hr", "img", "td", "th", "video", MORE_TAG, PAGE_BREAK_TAG})
# Elements that mean nothing without this attribute.
_REQUIRED: Final = {"bdo": "dir", "time": "datetime"}
# Inside these, headings are only large text.
_WITHOUT_HEADINGS: Final = frozenset({"caption", "dt", "th"})
# Attributes whose values are checked.
_CHECKED: Final = frozenset({"cite", "colspan", "datetime", "href", "poster", "rowspan", "span", "src"})
_NOT_IN_URL: Final = re.compile(r"[\x00-\x20\"<>\\^`{|}\x7f\ufdd0-\ufdef\ufffd]|%(?![0-9A-Fa-f]{2})")
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/?#]*@")
_HOST: Final = re.compile(r"(?:https?:)?//[^/?#]*|[A-Za-z][A-Za-z0-9+.-]*:")
_WITHOUT_SPACE: Final = re.compile(r"(?:https?://|/)\S+")
_DATE_AND_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,3})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


def repair(root: etree._Element) -> None:
    """Make the tree valid. Repeating this changes nothing."""
    _repair_values(root)
    _repair_parents(root)
    _drop_empty(root)
    etree.strip_tags(root, "unwrapped")
    for element in list(root.iter("dl", "ol", "ul", "figure", "details")):
        if element.tag == "dl":
            _repair_definitions(element)
        elif element.tag in _LISTS:
            _repair_list(element)
        elif element.tag == "figure":
            _repair_caption(element)
        else:
            _repair_details(element)
    etree.strip_tags(root, "unwrapped")
    _repair_headings(root)
    _repair_header_cells(root)


def _repair_parents(root: etree._Element) -> None:
    for element in root.iter(*_NEEDS_PARENT):
        parents, replacement = _NEEDS_PARENT[str(element.tag)]
        parent = element.getparent()
        if parent is None or parent.tag not in parents:
            element.tag = replacement
            element.attrib.pop("value", "")


def _drop_empty(root: etree._Element) -> None:
    # From the end, so that the content of an element is examined before the element.
    filled: set[etree._Element] = set()
    for element in reversed(list(root.iter(etree.Element))):
        parent = element.getparent()
        has_content = element in filled or element.tag in _VISIBLE or bool((element.text or "").strip())
        is_empty = not has_content and "id" not in element.attrib and all(child.tag == "unwrapped" for child in element)
        if is_empty and element.tag in _NEEDS_CONTENT:
            element.text, element.tag = None, "unwrapped"
        elif has_content and parent is not None:
            filled.add(parent)
        if parent is not None and (element.tail or "").strip():
            filled.add(parent)


def _repair_list(element: etree._Element) -> None:
    """Put everything between the items of a list into the item before it, or into a new one."""
    item: etree._Element | None = None
    if text := (element.text or "").strip():
        item = etree.Element("li")
        item.text, element.text = text, None
        element.insert(0, item)
    for child in list(element):
        if child.tag == "li":
            item = child
        elif child is not item:
            if item is None:
                item = etree.Element("li")
                child.addprevious(item)
            item.append(child)
            continue
        if (child.tail or "").strip():
            last = etree.SubElement(child, "unwrapped")
            last.tail, child.tail = child.tail, None
    if element.tag == "ul":
        for child in element:
            child.attrib.pop("value", "")


def _repair_definitions(element: etree._Element) -> None:
    """Turn a list of definitions that lacks terms or definitions into ordinary elements."""
    tags = [child.tag for child in element]
    texts = (element.text, *(child.tail for child in element))
    pairs = "".join("t" if tag == "dt" else "d" if tag == "dd" else "?" for tag in tags)
    if re.fullmatch(r"(?:t+d+)*", pairs) and not any((text or "").strip() for text in texts):
        return
    element.tag = "div"
    for child in element:
        if child.tag in {"dd", "dt"}:
            child.tag = "div"


def _repair_caption(element: etree._Element) -> None:
    """Leave a figure with one caption, as its first or last child."""
    captions = element.findall("figcaption")
    for surplus in captions[1:]:
        surplus.tag = "div"
    if not captions or (captions[0] is element[-1] and not (captions[0].tail or "").strip()):
        return
    if captions[0] is not element[0] or (element.text or "").strip():
        caption = captions[0]
        take_out(caption)
        element.append(caption)


def _repair_details(element: etree._Element) -> None:
    """Make a summary the first child of a `details` element, and add one if there is none."""
    summaries = element.findall("summary")
    for surplus in summaries[1:]:
        surplus.tag = "div"
    if summaries and summaries[0] is element[0] and not (element.text or "").strip():
        return
    if summaries:
        summary = summaries[0]
        take_out(summary)
    else:
        summary = etree.Element("summary")
        summary.text = gettext("Details")
    summary.tail, element.text = element.text, None
    element.insert(0, summary)


def _repair_headings(root: etree._Element) -> None:
    """Close the gaps between the levels of headings, below the title of the entry on each page."""
    open_levels: list[tuple[int, int]] = []
    large_text: set[etree._Element] = set()
    for element in root.iter(etree.Element):
        if element.tag in _WITHOUT_HEADINGS or element.getparent() in large_text:
            large_text.add(element)
        if element.tag == PAGE_BREAK_TAG:
            open_levels.clear()
        elif element.tag in _HEADINGS:
            if element in large_text:
                element.tag = "div"
                continue
            level = int(str(element.tag)[1])
            while open_levels and open_levels[-1][0] >= level:
                open_levels.pop()
            repaired = min(level, (open_levels[-1][1] if open_levels else 1) + 1)
            open_levels.append((level, repaired))
            element.tag = f"h{repaired}"


def _repair_header_cells(root: etree._Element) -> None:
    """Remove everything from `headers` that is not the id of a header cell in the same table."""
    cells = [cell for cell in root.iter("td", "th") if "headers" in cell.attrib]
    if not cells:
        return
    tables: dict[etree._Element, etree._Element] = {}
    known: set[tuple[etree._Element | None, str]] = set()
    for element in root.iter(etree.Element):
        parent = element.getparent()
        if element.tag == "table":
            tables[element] = element
        elif parent in tables:
            tables[element] = tables[parent]
        if element.tag == "th" and "id" in element.attrib:
            known.add((tables.get(element), element.get("id", "")))
    for cell in cells:
        names = [name for name in cell.get("headers", "").split() if (tables.get(cell), name) in known]
        if names:
            cell.set("headers", " ".join(names))
        else:
            del cell.attrib["headers"]


def _repair_values(root: etree._Element) -> None:
    for element in root.iter(etree.Element):
        if element.tag == "a" and "href" not in element.attrib:
            # It is only the target of a link, or a leftover of one.
            element.attrib.pop("hreflang", "")
            element.tag = "span" if element.attrib or element.text or len(element) else "unwrapped"
        elif (required := _REQUIRED.get(str(element.tag))) and required not in element.attrib:
            element.tag = "span"
        elif element.tag in {"audio", "video"} and "src" in element.attrib:
            for source in element.findall("source"):
                source.tag = "unwrapped"
        for name in _CHECKED.intersection(element.keys()):
            value = _valid(name, element.get(name, ""), element)
            if value is None:
                del element.attrib[name]
            else:
                element.set(name, value)


def _valid(name: str, value: str, element: etree._Element) -> str | None:
    """Return a valid form of an attribute's value, or None if there is none."""
    if name in {"href", "poster", "src"}:
        return _valid_url(value)
    if name == "cite":
        # Some tools use it for a remark.
        return _valid_url(value) if _WITHOUT_SPACE.fullmatch(value) else None
    if name == "datetime":
        return value if element.tag == "time" or _is_date(value) else None
    if name == "span" and len(element):
        # The columns inside it count instead.
        return None
    return value if (name == "rowspan" or int(value)) and int(value) <= 1_000 else None


def _valid_url(url: str) -> str:
    """Return `url` with everything encoded that may not be in a URL, and without a user name and password.

    These are not valid in a link either, and mostly serve to make a host look like another one.
    """
    url = _NOT_IN_URL.sub(lambda match: quote(match[0]), url)
    found = _HOST.match(url)
    host = found[0] if found else ""
    path, mark, fragment = url[len(host) :].partition("#")
    path = path.replace("[", "%5B").replace("]", "%5D")
    fragment = fragment.replace("#", "%23").replace("[", "%5B").replace("]", "%5D")
    return f"{_CREDENTIALS.sub('', host)}{path}{mark}{fragment}"


def _is_date(value: str) -> bool:
    try:
        return bool(_DATE_AND_TIME.fullmatch(value)) and bool(dt.datetime.fromisoformat(value))
    except ValueError:
        return False
