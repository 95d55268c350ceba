"""Page breaks: `<!--nextpage-->` splits a long text into several pages.

WordPress cuts the source. Here the tree is cut, before anything else is done to it: each break rises to the top level,
and the elements around it are closed before it and opened again after it. So every page is well-formed by itself.
"""

from typing import Final

from lxml import etree

from blog.rendering.tree import MORE_TAG, PAGE_BREAK_TAG, split_around, take_out, text_of

# Separates the pages of a body. Sanitised HTML contains no comments, so it is never anything else.
PAGE_BREAK: Final = "<!--nextpage-->"

# Each break copies the elements that are open around it. A hostile text must not grow by that, so further breaks are
# ignored.
MAX_PAGES: Final = 100
_VISIBLE_WITHOUT_TEXT: Final = frozenset({"audio", "embed", "hr", "img", "table", "video", "x-iframe", "x-object"})


def raise_page_breaks(root: etree._Element, marker: etree._Element | None) -> etree._Element | None:
    """Bring the page breaks to the top level of the tree, and return the more marker that is valid afterwards.

    A break with nothing visible before or after it is removed. A listing shows the first page at most: if no more
    marker comes before the first break, one is added there.
    """
    breaks = list(root.iter(PAGE_BREAK_TAG))
    for surplus in breaks[MAX_PAGES - 1 :]:
        take_out(surplus)
    start = root
    for found in breaks[: MAX_PAGES - 1]:
        _raise(root, found)
        if _is_page_visible(start):
            start = found
        else:
            take_out(found)
    if start is not root and not _is_page_visible(start):
        take_out(start)
    first = next(root.iter(MORE_TAG, PAGE_BREAK_TAG), None)
    if first is None or first.tag == MORE_TAG:
        return marker
    if marker is not None:
        take_out(marker)
    marker = etree.Element(MORE_TAG)
    first.addprevious(marker)
    return marker


def _is_page_visible(start: etree._Element) -> bool:
    """Whether anything is visible between `start`, which is a break or the root, and the next break."""
    is_root = start.getparent() is None
    if ((start.text if is_root else start.tail) or "").strip():
        return True
    element = next(iter(start), None) if is_root else start.getnext()
    while element is not None and element.tag != PAGE_BREAK_TAG:
        if text_of(element).strip() or (element.tail or "").strip():
            return True
        if next(element.iter(*_VISIBLE_WITHOUT_TEXT), None) is not None:
            return True
        element = element.getnext()
    return False


def _raise(root: etree._Element, found: etree._Element) -> None:
    """Make `found` a child of `root` by splitting the elements around it in two."""
    while (parent := found.getparent()) is not None and parent is not root:
        rest = split_around(found)
        if len(rest) or (rest.text or "").strip():
            found.addnext(rest)
        else:
            found.tail = rest.tail
        # The page ends here anyway.
        if len(parent) and parent[-1].tag == "br" and not (parent[-1].tail or "").strip():
            parent.remove(parent[-1])
