"""The more marker: where a listing stops and says `Read the rest of this entry »`.

WordPress cuts the source at `<!--more-->`. Here the rendered tree is cut, so whatever is open there is
closed, and footnotes and link references that are defined further down still work.
"""

from typing import Final, TypeGuard

from blog.rendering.nodes import Element, Node
from blog.rendering.sanitising import BLOCKS, INLINES

# What may hold nothing but parts of its own kind, and those parts.
FRAMES: Final = frozenset({"colgroup", "dl", "ol", "table", "tbody", "tfoot", "thead", "tr", "ul"})
PARTS: Final = frozenset({"dd", "dt", "li", "tbody", "td", "tfoot", "th", "thead", "tr"})

# Blocks whose words the link can follow when the cut fell among them.
RUN_ON: Final = frozenset({"#root", "blockquote", "caption", "dd", "div", "dt", "figcaption", "li", "p"}) | {
    "section",
    "td",
    "th",
}
# Blocks that can hold a paragraph for the link.
HOLDS_PARAGRAPH: Final = frozenset({"#root", "blockquote", "dd", "div", "li", "section", "td", "th"})

# What a paragraph can hold without a word and still have something to show.
SHOWN_WITHOUT_WORDS: Final = frozenset({"audio", "img", "video"})


def _index(node: Element, parent: Element) -> int:
    return next(index for index, child in enumerate(parent.children) if child is node)


def _detach(node: Element) -> Element:
    """Take `node` out of the tree. Its former parent."""
    parent = node.parent
    if parent is None:
        raise ValueError("The root has no place to be taken from.")
    del parent.children[_index(node, parent)]
    return parent


def drop_empty_paragraphs(root: Element, marker: Element | None) -> None:
    """Take out paragraphs with nothing to see in them. A marker that stood in one stays."""
    paragraphs = [element for element in root.walk() if element.tag == "p"]
    for around in dict.fromkeys(paragraph.parent for paragraph in reversed(paragraphs)):
        if around is None:
            continue
        nodes: list[Node] = []
        for child in around.children:
            if isinstance(child, str) or child.tag != "p" or child.text().strip():
                nodes.append(child)
                continue
            inside = child.walk()
            if any(e.tag in SHOWN_WITHOUT_WORDS or "id" in e.attributes for e in inside):
                nodes.append(child)
            elif marker in inside:
                nodes.append(marker)
        around.replace_children(nodes)


def settle(marker: Element) -> None:
    """Move a marker between items or rows into the nearest one: nothing else can stand there."""
    parent = marker.parent
    while parent is not None and parent.tag in FRAMES:
        index = _index(marker, parent)
        del parent.children[index]
        after = [node for node in parent.children[index:] if _can_hold_marker(node)]
        before = [node for node in parent.children[:index] if _can_hold_marker(node)]
        if after:
            parent = after[0]
            parent.insert(0, marker)
        elif before:
            parent = before[-1]
            parent.append(marker)
        else:
            while parent.tag in FRAMES and parent.parent is not None:
                frame, parent = parent, parent.parent
            parent.insert(_index(frame, parent), marker)


def _can_hold_marker(node: Node) -> TypeGuard[Element]:
    return isinstance(node, Element) and node.tag in PARTS


def _trim(block: Element) -> None:
    """Take blanks, line breaks and emptied elements off the end of `block`."""
    while block.children:
        last = block.children.pop()
        if isinstance(last, str):
            if last.strip():
                block.children.append(last.rstrip())
                return
        elif last.tag != "br" and (last.children or last.tag not in INLINES or last.tag == "img"):
            block.children.append(last)
            return


def _is_inline(node: Node) -> bool:
    return isinstance(node, str) or not any(element.tag in BLOCKS for element in node.walk())


def cut(marker: Element) -> None:
    """Leave in the tree what comes before the marker, and the marker at its end.

    It runs on in the paragraph that was cut, or in the last one when the marker stood behind it.
    Where neither is possible, behind a list or a picture, it gets a paragraph of its own.
    """
    node = marker
    for around in marker.ancestors():
        del around.children[_index(node, around) + 1 :]
        node = around
    # The link must not stand in another link, in bold, or where a reader has to unfold it first.
    folded = [around for around in marker.ancestors() if around.tag == "details"]
    block = _detach(marker)
    if folded:
        block = folded[-1].parent or block
    while block.tag not in BLOCKS and block.parent is not None:
        block = block.parent
    while True:
        _trim(block)
        last = block.children[-1] if block.children else None
        if last is None and block.parent is not None:
            block = _detach(block)
        elif isinstance(last, Element) and last.tag == "p":
            block = last
        elif last is not None and block.tag in RUN_ON and _is_inline(last):
            block.append(" ")
            block.append(marker)
            return
        elif block.tag in HOLDS_PARAGRAPH:
            block.append(Element("p", None, marker))
            return
        else:
            block = block.parent or block
