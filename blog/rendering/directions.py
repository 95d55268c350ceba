"""The directions of what a text consists of, such as a quotation in English within a text in Arabic.

Directions are added when a text is shown, so setting its language later needs no rendering.
"""

import re
from html import unescape
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

# Passages may have a direction of their own. In lists and tables, the items and cells stay on the same side.
_PASSAGE_TAG: Final = re.compile(r"<(/?)(blockquote|dl|figcaption|h[1-6]|ol|p|table|ul)(?=[\s>])([^>]*)>")
_TAG: Final = re.compile(r"<[^>]*>")
# Shorter ones, such as a name, look right on the side of the text.
_MIN_WORDS: Final = 3
# Of Hebrew, Arabic, Syriac, Thaana and N'Ko.
_RTL_LETTERS: Final = "[\u05d0-\u05f2\u0620-\u064a\u066e-\u06d5\u06fa-\u08c9\ufb1d-\ufdfb\ufe70-\ufefc]"
_LETTER: Final = {"rtl": re.compile(_RTL_LETTERS), "ltr": re.compile(rf"(?!{_RTL_LETTERS})[^\W\d_]")}
_OTHER: Final = {"rtl": "ltr", "ltr": "rtl"}
# A link that shows its URL, at whose beginning the final slash would be in a text that is read from right to left.
_SHOWN_URL: Final = re.compile(r'<a (?=[^>]*>https?://[^\s<]*</a>)(?![^>]*\sdir=")')


def main_direction(text: str) -> str:
    """Return the direction of most letters in `text`: `rtl` or `ltr`; empty if it is undecided, or only a name."""
    rtl, ltr = (len(_LETTER[direction].findall(text)) for direction in ("rtl", "ltr"))
    if rtl == ltr or len(text.split()) < _MIN_WORDS:
        return ""
    return "rtl" if rtl > ltr else "ltr"


def add_directions(html: str, direction: str) -> str:
    """Return the sanitised `html` of a text with the directions of its parts, as far as they aren't its `direction`.

    The direction is empty if the language of the text is unknown.
    """
    if _LETTER["rtl"].search(html):
        html = _SHOWN_URL.sub('<a dir="ltr" ', html)
    elif direction == "ltr":
        return html
    return _add_other_direction(html, direction) if direction else add_auto_directions(html)


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


def _add_other_direction(html: str, direction: str) -> str:
    """Return the sanitised `html` of a text in `direction` with the other one on each passage without its letters.

    Takes linear time.
    """
    other = _OTHER[direction]
    positions: list[int] = []
    opened: list[re.Match[str]] = []
    # The number of open passages whose parts have no direction of their own.
    closed_off = 0
    for tag in _PASSAGE_TAG.finditer(html):
        if not tag[1]:
            opened.append(tag)
            closed_off += _is_closed_off(tag)
        elif opened:
            start = opened.pop()
            closed_off -= _is_closed_off(start)
            is_quoted = bool(opened)
            if closed_off or _DIRECTION.search(start[3]) or (is_quoted and start[2] == "blockquote"):
                continue
            text = unescape(_TAG.sub(" ", html[start.end() : tag.start()]))
            if len(text.split()) >= _MIN_WORDS and _LETTER[other].search(text) and not _LETTER[direction].search(text):
                positions.append(start.end() - 1)
    parts: list[str] = []
    done = 0
    for position in sorted(positions):
        parts += [html[done:position], f' dir="{other}"']
        done = position
    return "".join([*parts, html[done:]])


def _is_closed_off(tag: re.Match[str]) -> bool:
    return tag[2] != "blockquote" or bool(_DIRECTION.search(tag[3]))
