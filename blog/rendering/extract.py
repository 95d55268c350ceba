"""The first words of a body as plain text, for feeds, search results and descriptions."""

from typing import Final

from blog.rendering.nodes import Element
from blog.rendering.sanitising import BLOCKS

# The length of WordPress's automatic excerpts.
EXTRACT_WORDS: Final = 55
# For writing that puts no blanks between words.
EXTRACT_CHARACTERS: Final = 1_000

PARTS_WORDS: Final = BLOCKS | {"br"}
NOT_READ: Final = frozenset({"audio", "rp", "video"})


def _is_note(element: Element) -> bool:
    """Whether this is a footnote's mark in the text, or the footnotes below it."""
    if "footnotes" in element.attributes.get("class", "").split():
        return True
    links = [child for child in element.walk() if child.tag == "a"]
    return (
        element.tag == "sup"
        and len(links) == 1
        and links[0].attributes.get("href", "").startswith("#")
        and links[0].text().strip() == element.text().strip()
    )


def _collect(element: Element, parts: list[str]) -> None:
    for child in element.children:
        if isinstance(child, str):
            parts.append(child)
        elif child.tag not in NOT_READ and not _is_note(child):
            edge = " " if child.tag in PARTS_WORDS else ""
            parts.append(edge)
            _collect(child, parts)
            parts.append(edge)


def extract(root: Element) -> str:
    """The first words of a tree, with an ellipsis where it goes on."""
    parts: list[str] = []
    _collect(root, parts)
    words = "".join(parts).split()
    text = " ".join(words[:EXTRACT_WORDS])
    if len(text) > EXTRACT_CHARACTERS:
        return f"{text[:EXTRACT_CHARACTERS].rstrip()}…"
    return f"{text}…" if len(words) > EXTRACT_WORDS else text
