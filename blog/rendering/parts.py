"""Page breaks: `<!--nextpage-->` parts a long text into pages of its own.

WordPress cuts the source. Here the tree is cut, before anything else is done to it: each break rises to
the top, what is open there ends before it and begins again behind it. So every part is whole by itself.
"""

from typing import Final

from lxml import etree

from blog.rendering.tree import BREAK, MARKER, take_out, text_of

# Stands between the parts of a body. No sanitised HTML holds a comment, so it is never anything else.
PART_BREAK: Final = "<!--nextpage-->"

# Each break copies what is open around it: hostile texts must not grow by that. Further ones are ignored.
MAX_PARTS: Final = 100
SEEN_WITHOUT_WORDS: Final = frozenset({"audio", "embed", "hr", "img", "table", "video", "x-iframe", "x-object"})


def settle(root: etree._Element, marker: etree._Element | None) -> etree._Element | None:
    """Bring the page breaks to the top of the tree. The more marker that counts then.

    A break with nothing before or behind it parts nothing and goes. A listing ends at the first break at
    the latest: where no more marker came before it, there is one now.
    """
    breaks = list(root.iter(BREAK))
    for surplus in breaks[MAX_PARTS - 1 :]:
        take_out(surplus)
    start = root
    for found in breaks[: MAX_PARTS - 1]:
        _raise(root, found)
        if _is_seen_from(start):
            start = found
        else:
            take_out(found)
    if start is not root and not _is_seen_from(start):
        take_out(start)
    first = next(root.iter(MARKER, BREAK), None)
    if first is None or first.tag == MARKER:
        return marker
    if marker is not None:
        take_out(marker)
    marker = etree.Element(MARKER)
    first.addprevious(marker)
    return marker


def _is_seen_from(start: etree._Element) -> bool:
    """Whether there is anything to see from `start`, a break or the root, to the next break."""
    is_root = start.getparent() is None
    if ((start.text if is_root else start.tail) or "").strip():
        return True
    element = next(iter(start), None) if is_root else start.getnext()
    while element is not None and element.tag != BREAK:
        if text_of(element).strip() or (element.tail or "").strip():
            return True
        if next(element.iter(*SEEN_WITHOUT_WORDS), None) is not None:
            return True
        element = element.getnext()
    return False


def _raise(root: etree._Element, found: etree._Element) -> None:
    """Make `found` a child of `root`: what is open around it is parted in two."""
    while (parent := found.getparent()) is not None and parent is not root:
        behind = etree.Element(parent.tag, {str(name): str(value) for name, value in parent.attrib.items()})
        # Two of one id would be none.
        behind.attrib.pop("id", "")
        behind.text, found.tail = found.tail, None
        behind.extend(list(found.itersiblings()))
        behind.tail, parent.tail = parent.tail, None
        parent.remove(found)
        parent.addnext(found)
        if len(behind) or (behind.text or "").strip():
            found.addnext(behind)
        else:
            found.tail = behind.tail
        _trim_break(parent)


def _trim_break(element: etree._Element) -> None:
    """Take a line break off the end of `element`: the page ends there anyway."""
    last = element[-1] if len(element) else None
    if last is not None and last.tag == "br" and not (last.tail or "").strip():
        element.remove(last)
