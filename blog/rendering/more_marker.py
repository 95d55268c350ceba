"""The more marker: where a listing cuts a text off and says `Read the rest of this entry »`.

WordPress cuts the source at `<!--more-->`. Here the rendered tree is cut, so open elements are closed, and footnotes
and link references that are defined further down still work.
"""

from typing import Final

from lxml import etree

from blog.rendering.sanitising import BLOCKS, INLINES
from blog.rendering.tree import MORE_TAG, take_out, text_of

# Elements that can hold only certain children, and those children.
_CONTAINERS: Final = frozenset({"colgroup", "dl", "ol", "table", "tbody", "tfoot", "thead", "tr", "ul"})
_CHILDREN: Final = frozenset({"dd", "dt", "li", "tbody", "td", "tfoot", "th", "thead", "tr"})

# Blocks that can hold a paragraph for the link, and those in which the link can also follow the text that was cut.
_TAKES_PARAGRAPH: Final = frozenset({"body", "blockquote", "dd", "div", "li", "section", "td", "th"})
_TAKES_INLINE_LINK: Final = _TAKES_PARAGRAPH | {"caption", "dt", "figcaption", "p"}

# Elements that are visible without any text.
_VISIBLE_WITHOUT_TEXT: Final = frozenset({"audio", "img", "video"})


def drop_empty_paragraphs(root: etree._Element) -> None:
    """Remove paragraphs in which nothing is visible, but not a more marker inside them."""
    for paragraph in root.iter("p"):
        if (paragraph.text or "").strip() or text_of(paragraph).strip():
            continue
        if any(e.tag in _VISIBLE_WITHOUT_TEXT or "id" in e.attrib for e in paragraph.iter(etree.Element)):
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
        if last.tail or len(last) or last.text or last.tag not in INLINES or last.tag in _VISIBLE_WITHOUT_TEXT:
            return
        block.remove(last)
    block.text = (block.text or "").rstrip() or None


def _ends_in_text(block: etree._Element) -> bool:
    """Whether `block` can hold text and ends in some, rather than in a block of its own."""
    return block.tag in _TAKES_INLINE_LINK and (
        not len(block) or bool(block[-1].tail) or not any(e.tag in BLOCKS for e in block[-1].iter(etree.Element))
    )


def cut(marker: etree._Element) -> None:
    """Leave in the tree what comes before the marker, and the marker at its end.

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
