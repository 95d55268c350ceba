"""The directions of a text whose language is not known: each block gets the one of its first letter (`dir="auto"`).

Directions are added when a text is shown, so setting its language later needs no rendering.
"""

import re
from typing import Final

from blog.rendering.sanitising import BLOCKS

# What contains only other blocks. Their direction would not depend on the text in those.
_CONTAINERS: Final = frozenset(
    {"col", "colgroup", "details", "dl", "figure", "hr", "ol", "section", "tbody", "tfoot", "thead", "tr", "ul"}
)
_VOID: Final = frozenset({"col", "hr"})
# In sanitised HTML, "<" and ">" always belong to a tag.
_BLOCK_TAG: Final = re.compile(rf"<(/?)({'|'.join(sorted(BLOCKS - _VOID, reverse=True))})(?=[\s>])([^>]*)>")
_DIRECTION: Final = re.compile(r'\sdir="')


def add_auto_directions(html: str) -> str:
    """Return sanitised `html` with `dir="auto"` on its outermost blocks of text.

    The blocks inside have the same direction: a list item starts on the side on which its paragraphs start, and the
    cells of a table are all on the same side, also those with numbers only. A block with a direction of its own keeps
    it. Takes linear time.
    """
    tags = list(_BLOCK_TAG.finditer(html))
    parts: list[str] = []
    done = 0
    # How many blocks are open, from the outermost one that has a direction.
    depth = 0
    for index, tag in enumerate(tags):
        is_end, name, attributes = tag.groups()
        if is_end:
            depth = max(0, depth - 1)
        elif depth:
            depth += 1
        elif _DIRECTION.search(attributes):
            depth = 1
        elif name not in _CONTAINERS and not (name == "div" and _holds_block(tags, index)):
            parts += [html[done : tag.end() - 1], ' dir="auto"']
            done = tag.end() - 1
            depth = 1
    return "".join([*parts, html[done:]])


def _holds_block(tags: list[re.Match[str]], index: int) -> bool:
    """Whether the next tag begins another block, so that the element at `index` is not the innermost one."""
    return index + 1 < len(tags) and not tags[index + 1][1]
