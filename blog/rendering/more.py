"""The more marker: where a listing stops and says `Read the rest of this entry »`.

WordPress cuts the source at `<!--more-->`. Here the rendered tree is cut, so whatever is open there is
closed, and footnotes and link references that are defined further down still work.
"""

from typing import Final

from lxml import etree

from blog.rendering.sanitising import BLOCKS, INLINES
from blog.rendering.tree import MARKER, take_out, text_of

# What may hold nothing but parts of its own kind, and those parts.
FRAMES: Final = frozenset({"colgroup", "dl", "ol", "table", "tbody", "tfoot", "thead", "tr", "ul"})
PARTS: Final = frozenset({"dd", "dt", "li", "tbody", "td", "tfoot", "th", "thead", "tr"})

# Blocks whose words the link can follow when the cut fell among them.
RUN_ON: Final = frozenset({"body", "blockquote", "caption", "dd", "div", "dt", "figcaption", "li", "p"}) | {
    "section",
    "td",
    "th",
}
# Blocks that can hold a paragraph for the link.
HOLDS_PARAGRAPH: Final = frozenset({"body", "blockquote", "dd", "div", "li", "section", "td", "th"})

# What a paragraph can hold without a word and still have something to show.
SHOWN_WITHOUT_WORDS: Final = frozenset({"audio", "img", "video"})


def drop_empty_paragraphs(root: etree._Element) -> None:
    """Take out paragraphs with nothing to see in them. A marker that stood in one stays."""
    for paragraph in root.iter("p"):
        if (paragraph.text or "").strip() or text_of(paragraph).strip():
            continue
        if any(e.tag in SHOWN_WITHOUT_WORDS or "id" in e.attrib for e in paragraph.iter(etree.Element)):
            continue
        if (marker := paragraph.find(f".//{MARKER}")) is not None:
            take_out(marker)
            paragraph.addprevious(marker)
        paragraph.tag = "dropped"
    etree.strip_elements(root, "dropped", with_tail=False)


def settle(marker: etree._Element) -> None:
    """Move a marker between items or rows into the nearest one: nothing else can stand there."""
    parent = marker.getparent()
    while parent is not None and parent.tag in FRAMES:
        after = next(marker.itersiblings(*PARTS), None)
        before = next(marker.itersiblings(*PARTS, preceding=True), None)
        take_out(marker)
        if after is not None:
            after.insert(0, marker)
            marker.tail, after.text = after.text, None
            parent = after
        elif before is not None:
            before.append(marker)
            parent = before
        else:
            frame = parent
            while frame.tag in FRAMES and (parent := frame.getparent()) is not None and parent.tag in FRAMES:
                frame = parent
            frame.addprevious(marker)


def _trim(block: etree._Element) -> None:
    """Take blanks, line breaks and emptied elements off the end of `block`."""
    while len(block):
        last = block[-1]
        last.tail = (last.tail or "").rstrip() or None
        if last.tail or len(last) or last.text or last.tag not in INLINES or last.tag in SHOWN_WITHOUT_WORDS:
            return
        block.remove(last)
    block.text = (block.text or "").rstrip() or None


def _runs_on(block: etree._Element) -> bool:
    """Whether `block` can hold words and ends in some, not in a block of its own."""
    return block.tag in RUN_ON and (
        not len(block) or bool(block[-1].tail) or not any(e.tag in BLOCKS for e in block[-1].iter(etree.Element))
    )


def cut(marker: etree._Element) -> None:
    """Leave in the tree what comes before the marker, and the marker at its end.

    It runs on in the paragraph that was cut, or in the last one when the marker stood behind it.
    Where neither is possible, behind a list or a picture, it gets a paragraph of its own.
    """
    for node in (marker, *marker.iterancestors()):
        parent = node.getparent()
        if parent is not None:
            node.tail = None
            del parent[parent.index(node) + 1 :]
    # The link must not stand in another link, in bold, or where a reader has to unfold it first.
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
        elif (len(block) or block.text) and _runs_on(block):
            if len(block):
                block[-1].tail = f"{block[-1].tail or ''} "
            else:
                block.text = f"{block.text} "
            block.append(marker)
            return
        elif block.tag in HOLDS_PARAGRAPH:
            etree.SubElement(block, "p").append(marker)
            return
        else:
            block = parent
