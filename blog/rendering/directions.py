"""The directions of a text in an unknown language: each block gets that of its first letter (`dir="auto"`).

Directions are added when a text is shown, so setting its language later needs no rendering.
"""

import re
from typing import Final

from blog.rendering.sanitising import BLOCKS

# Elements that contain only other blocks. Their direction would not depend on the text in those.
_CONTAINERS: Final = frozenset(
    {"col", "colgroup", "details", "dl", "figure", "hr", "ol", "section", "tbody", "tfoot", "thead", "tr", "ul"}
)
_VOID: Final = frozenset({"col", "hr"})
# In sanitised HTML, "<" and ">" always belong to a tag.
_BLOCK_TAG: Final = re.compile(rf"<(/?)({'|'.join(sorted(BLOCKS - _VOID, reverse=True))})(?=[\s>])([^>]*)>")
_DIRECTION: Final = re.compile(r'\sdir="')


def add_auto_directions(html: str) -> str:
    """Return sanitised `html` with `dir="auto"` on its outermost blocks of text.

    The blocks inside have the same direction: a list item starts on the side on which its paragraphs start, and all
    cells of a table start on the same side, even those with only numbers. A block with a direction of its own keeps it.
    Takes linear time.
    """
    tags = list(_BLOCK_TAG.finditer(html))
    parts: list[str] = []
    done = 0
    # The number of open blocks, counted from the outermost one that has a direction.
    depth = 0
    for index, tag in enumerate(tags):
        is_end, name, attributes = tag.groups()
        if is_end:
            depth = max(0, depth - 1)
        elif depth:
            depth += 1
        elif _DIRECTION.search(attributes):
            depth = 1
        elif name not in _CONTAINERS and not (name == "div" and _contains_block(tags, index)):
            parts += [html[done : tag.end() - 1], ' dir="auto"']
            done = tag.end() - 1
            depth = 1
    return "".join([*parts, html[done:]])


def _contains_block(tags: list[re.Match[str]], index: int) -> bool:
    """Whether the next tag begins another block, so that the element at `index` is not the innermost one."""
    return index + 1 < len(tags) and not tags[index + 1][1]
