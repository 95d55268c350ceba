"""The more marker, `<!--more-->`, and page breaks, `<!--nextpage-->`: where a text is cut.

A listing shows the text up to the more marker; page breaks split a long text into several pages. WordPress cuts the
source. Here the tree is cut, so each part is well-formed, and footnotes that are defined further down still work.
"""

from itertools import accumulate, takewhile
from typing import Final

from lxml import etree

from blog.rendering.sanitising import BLOCKS, INLINES
from blog.rendering.tree import MORE_TAG, PAGE_BREAK_TAG, split_around, take_out, text_of

# Each break copies the elements that are open around it. A hostile text must neither grow too much by that nor take too
# long, so further breaks are ignored after this many pages, or once they have taken this much effort.
MAX_PAGES: Final = 100
_MAX_EFFORT: Final = 100_000
# Elements that can contain only certain children, and those children.
_CONTAINERS: Final = frozenset({"colgroup", "dl", "ol", "table", "tbody", "tfoot", "thead", "tr", "ul"})
_CHILDREN: Final = frozenset({"dd", "dt", "li", "tbody", "td", "tfoot", "th", "thead", "tr"})

# Blocks that can contain a paragraph for the link, and those in which the link can also follow the text that was cut.
_TAKES_PARAGRAPH: Final = frozenset({"body", "blockquote", "dd", "div", "li", "section", "td", "th"})
_TAKES_INLINE_LINK: Final = _TAKES_PARAGRAPH | {"caption", "dt", "figcaption", "p"}

# Elements that are visible without any text. Page breaks are raised first, when there may still be embeds.
_VISIBLE: Final = frozenset({"audio", "img", "video"})
_VISIBLE_ON_PAGE: Final = _VISIBLE | {"embed", "hr", "table", "x-iframe", "x-object"}


def raise_page_breaks(root: etree._Element) -> None:
    """Move the page breaks to the top level of the tree, and remove those with nothing visible before or after them.

    A listing shows the first page at most: if no more marker comes before the first break, one is added there.
    """
    found = list(root.iter(PAGE_BREAK_TAG))
    efforts = accumulate(map(_effort_of, found[: MAX_PAGES - 1]))
    breaks = found[: len(list(takewhile(_MAX_EFFORT.__ge__, efforts)))]
    for surplus in found[len(breaks) :]:
        surplus.tag = "unwrapped"
    # From the last to the first, so that what follows a break is moved only as far as the next one.
    for page_break in reversed(breaks):
        _raise(root, page_break)
    start = root
    for page_break in breaks:
        if _is_page_visible(start):
            start = page_break
        else:
            take_out(page_break)
    if start is not root and not _is_page_visible(start):
        take_out(start)
    first = next(root.iter(MORE_TAG, PAGE_BREAK_TAG), None)
    if first is not None and first.tag == PAGE_BREAK_TAG:
        for marker in list(root.iter(MORE_TAG)):
            take_out(marker)
        first.addprevious(etree.Element(MORE_TAG))


def _effort_of(page_break: etree._Element) -> int:
    """Return a measure of the cost of raising `page_break`: elements around it are moved with all those inside them."""
    ancestors = list(page_break.iterancestors())
    return len(ancestors) ** 2 + sum(len(value) for element in ancestors for value in element.attrib.values())


def _is_page_visible(start: etree._Element) -> bool:
    """Whether anything is visible between `start`, which is a break or the root, and the next break."""
    is_root = start.getparent() is None
    if ((start.text if is_root else start.tail) or "").strip():
        return True
    for element in start if is_root else start.itersiblings():
        if element.tag == PAGE_BREAK_TAG:
            break
        shows_something = next(element.iter(*_VISIBLE_ON_PAGE), None) is not None
        if shows_something or text_of(element).strip() or (element.tail or "").strip():
            return True
    return False


def _raise(root: etree._Element, page_break: etree._Element) -> None:
    """Make `page_break` a child of `root` by splitting the elements around it in two."""
    while (parent := page_break.getparent()) is not None and parent is not root:
        rest = split_around(page_break)
        if len(rest) or (rest.text or "").strip():
            page_break.addnext(rest)
        else:
            page_break.tail = rest.tail
        # A line break at the end of a page has no effect.
        if len(parent) and parent[-1].tag == "br" and not (parent[-1].tail or "").strip():
            parent.remove(parent[-1])


def drop_empty_paragraphs(root: etree._Element) -> None:
    """Remove paragraphs in which nothing is visible, but keep a more marker inside them."""
    for paragraph in root.iter("p"):
        if (paragraph.text or "").strip() or text_of(paragraph).strip():
            continue
        if any(e.tag in _VISIBLE or "id" in e.attrib for e in paragraph.iter(etree.Element)):
            continue
        if (marker := paragraph.find(f".//{MORE_TAG}")) is not None:
            take_out(marker)
            paragraph.addprevious(marker)
        paragraph.tag = "dropped"
    etree.strip_elements(root, "dropped", with_tail=False)


def settle(marker: etree._Element) -> None:
    """Move a marker between list items or table rows into the nearest one: HTML allows nothing else between them."""
    parent = marker.getparent()
    while parent is not None and parent.tag in _CONTAINERS:
        following = next(marker.itersiblings(*_CHILDREN), None)
        preceding = next(marker.itersiblings(*_CHILDREN, preceding=True), None)
        take_out(marker)
        if following is not None:
            following.insert(0, marker)
            marker.tail, following.text = following.text, None
            parent = following
        elif preceding is not None:
            preceding.append(marker)
            parent = preceding
        else:
            outermost = parent
            while (parent := outermost.getparent()) is not None and parent.tag in _CONTAINERS:
                outermost = parent
            outermost.addprevious(marker)


def _trim(block: etree._Element) -> None:
    """Remove spaces, line breaks and empty elements from the end of `block`."""
    while len(block):
        last = block[-1]
        last.tail = (last.tail or "").rstrip() or None
        if last.tail or len(last) or last.text or last.tag not in INLINES or last.tag in _VISIBLE:
            return
        block.remove(last)
    block.text = (block.text or "").rstrip() or None


def _ends_in_text(block: etree._Element) -> bool:
    """Whether `block` can contain text and ends in text, rather than in a block of its own."""
    return block.tag in _TAKES_INLINE_LINK and (
        not len(block) or bool(block[-1].tail) or not any(e.tag in BLOCKS for e in block[-1].iter(etree.Element))
    )


def cut(marker: etree._Element) -> None:
    """Remove everything after the marker from the tree, and put the marker at its end.

    The marker continues the paragraph that was cut, or the last one if the marker came after it.
    Where neither is possible, such as after a list or an image, it gets a paragraph of its own.
    """
    for node in (marker, *marker.iterancestors()):
        parent = node.getparent()
        if parent is not None:
            node.tail = None
            del parent[parent.index(node) + 1 :]
    # The link must not end up in another link, in bold text, or where a reader has to unfold it first.
    folded = list(marker.iterancestors("details"))
    block = (folded[-1] if folded else marker).getparent()
    take_out(marker)
    while block is not None:
        parent = block.getparent()
        if block.tag not in BLOCKS and parent is not None:
            block = parent
            continue
        _trim(block)
        if not len(block) and not block.text and parent is not None:
            parent.remove(block)
            block = parent
        elif len(block) and block[-1].tag == "p" and not block[-1].tail:
            block = block[-1]
        elif (len(block) or block.text) and _ends_in_text(block):
            if len(block):
                block[-1].tail = f"{block[-1].tail or ''} "
            else:
                block.text = f"{block.text} "
            block.append(marker)
            return
        elif block.tag in _TAKES_PARAGRAPH:
            etree.SubElement(block, "p").append(marker)
            return
        else:
            block = parent
