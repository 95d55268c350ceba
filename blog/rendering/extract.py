"""The first words of a body as plain text, for feeds, search results and descriptions."""

from typing import Final

from lxml import etree

from blog.rendering.sanitising import BLOCKS
from blog.rendering.tree import BREAK, text_of

# The length of WordPress's automatic excerpts.
EXTRACT_WORDS: Final = 55
# For writing that puts no blanks between words.
EXTRACT_CHARACTERS: Final = 1_000

PARTS_WORDS: Final = BLOCKS | {"br", BREAK}
NOT_READ: Final = frozenset({"audio", "rp", "video"})


def _is_note(element: etree._Element) -> bool:
    """Whether this is a footnote's mark in the text, or the footnotes below it."""
    if "footnotes" in element.get("class", "").split():
        return True
    if element.tag != "sup":
        return False
    links = element.findall(".//a")
    return (
        len(links) == 1
        and links[0].get("href", "").startswith("#")
        and text_of(links[0]).strip() == text_of(element).strip()
    )


def extract(root: etree._Element) -> str:
    """The first words of a tree, with an ellipsis where it goes on."""
    words: list[str] = []
    parts: list[str] = []
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, element in walker:
        if event == "start" and (element.tag in NOT_READ or _is_note(element)):
            walker.skip_subtree()
            continue
        if element.tag in PARTS_WORDS:
            words += "".join(parts).split()
            parts.clear()
            if len(words) > EXTRACT_WORDS:
                break
        parts.append((element.text if event == "start" else element.tail) or "")
    words += "".join(parts).split()
    text = " ".join(words[:EXTRACT_WORDS])
    if len(text) > EXTRACT_CHARACTERS:
        return f"{text[:EXTRACT_CHARACTERS].rstrip()}…"
    return f"{text}…" if len(words) > EXTRACT_WORDS else text
