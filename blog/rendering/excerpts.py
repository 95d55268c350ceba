"""Automatic excerpts: the beginning of a text without markup, for feeds, search results and descriptions."""

from typing import Final

from lxml import etree

from blog.rendering.sanitising import BLOCKS
from blog.rendering.tree import PAGE_BREAK_TAG, text_of

# The length of WordPress's automatic excerpts.
_MAX_WORDS: Final = 55
# For scripts that are written without spaces.
_MAX_CHARACTERS: Final = 1_000

_BETWEEN_WORDS: Final = BLOCKS | {"br", PAGE_BREAK_TAG}
_LEFT_OUT: Final = frozenset({"audio", "rp", "video"})
# The classes of cards for content of other sites (blog.rendering.players).
_CARDS: Final = frozenset({"link-card", "player"})


def _is_footnote(element: etree._Element) -> bool:
    """Whether this is a reference to a footnote, or the list of footnotes."""
    if "footnotes" in element.get("class", "").split():
        return True
    # Of nested elements, only the innermost is examined, so that this takes linear time.
    if element.tag != "sup" or element.find(".//sup") is not None:
        return False
    links = element.findall(".//a")
    if len(links) != 1 or not links[0].get("href", "").startswith("#"):
        return False
    return text_of(links[0]).strip() == text_of(element).strip()


def _is_card(element: etree._Element) -> bool:
    return element.tag == "figure" and not _CARDS.isdisjoint(element.get("class", "").split())


def make_excerpt(root: etree._Element) -> str:
    """Return the first words of a tree, with an ellipsis if there are more.

    As in WordPress, embedded content does not count, unless there is nothing else.
    """
    return _first_words(root, with_cards=False) or _first_words(root, with_cards=True)


def _first_words(root: etree._Element, *, with_cards: bool) -> str:
    words: list[str] = []
    texts: list[str] = []
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, element in walker:
        is_card = not with_cards and _is_card(element)
        if event == "start" and (element.tag in _LEFT_OUT or is_card or _is_footnote(element)):
            walker.skip_subtree()
            continue
        if element.tag in _BETWEEN_WORDS:
            words += "".join(texts).split()
            texts.clear()
            if len(words) > _MAX_WORDS:
                break
        texts.append((element.text if event == "start" else element.tail) or "")
    words += "".join(texts).split()
    text = " ".join(words[:_MAX_WORDS])
    is_cut = len(words) > _MAX_WORDS or len(text) > _MAX_CHARACTERS
    return f"{text[:_MAX_CHARACTERS].rstrip()}…" if is_cut else text
