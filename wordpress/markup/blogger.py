"""Markup that texts of Blogger keep in every export: captions in tables, and the anchor of the jump break."""

import re
from typing import Final

_MARK: Final = "tr-caption-container"
# A table with a picture in its first row and the caption in the second one.
_CAPTION: Final = re.compile(
    r"""<table\b(?P<attributes>(?=[^<>]*?\btr-caption-container\b)[^<>]*+)>\s*+(?:<tbody>)?\s*+
        <tr>\s*+<td\b[^<>]*+>(?P<picture>(?:[^<]++|<(?!/?t[drh]\b|/?table\b))*+)</td>\s*+</tr>\s*+
        <tr>\s*+<td\b(?=[^<>]*?\btr-caption\b)[^<>]*+>(?P<caption>(?:[^<]++|<(?!/?t[drh]\b|/?table\b))*+)</td>\s*+</tr>
        \s*+(?:</tbody>)?\s*+</table>""",
    re.IGNORECASE | re.VERBOSE,
)
_FLOAT: Final = re.compile(r"\bfloat\s*+:\s*+(left|right)", re.IGNORECASE)
_JUMP_BREAK: Final = re.compile(r"""<a\s++name\s*+=\s*+(["']?)more\1\s*+/?>(?:\s*+</a>)?""", re.IGNORECASE)
_MORE: Final = "<!--more"


def expand_blogger(source: str) -> str:
    """Return `source` with pictures and their captions as figures, and a more marker in place of the jump break."""
    if _MARK in source:
        source = _CAPTION.sub(_figure, source)
    if _MORE not in source:
        source = _JUMP_BREAK.sub(f"{_MORE}-->", source, count=1)
    return source


def _figure(table: re.Match[str]) -> str:
    side = _FLOAT.search(table["attributes"])
    align = f"align{side[1].lower()}" if side else "aligncenter"
    caption = f'<figcaption class="wp-caption-text">{table["caption"].strip()}</figcaption>'
    return f'\n\n<figure class="wp-caption {align}">{table["picture"].strip()}{caption}</figure>\n\n'
