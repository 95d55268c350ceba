"""Markup of Blogger, LiveJournal and Tumblr that texts keep through every converter and importer.

These are captions in tables, mentions of people, and the marks where a text goes on after the front page.
"""

import re
from typing import Final

# A table of Blogger with a picture in its first row and the caption in the second one.
_CAPTION_MARK: Final = "tr-caption-container"
_CAPTION: Final = re.compile(
    r"""<table\b(?P<attributes>(?=[^<>]*?\btr-caption-container\b)[^<>]*+)>\s*+(?:<tbody>)?\s*+
        <tr>\s*+<td\b[^<>]*+>(?P<picture>(?:[^<]++|<(?!/?t[drh]\b|/?table\b))*+)</td>\s*+</tr>\s*+
        <tr>\s*+<td\b(?=[^<>]*?\btr-caption\b)[^<>]*+>(?P<caption>(?:[^<]++|<(?!/?t[drh]\b|/?table\b))*+)</td>\s*+</tr>
        \s*+(?:</tbody>)?\s*+</table>""",
    re.IGNORECASE | re.VERBOSE,
)
_FLOAT: Final = re.compile(r"\bfloat\s*+:\s*+(left|right)", re.IGNORECASE)
# A mention of a person or community of LiveJournal, whose name is only in the attribute.
_MENTION: Final = re.compile(
    r"""<lj\s++(?:user|comm)\s*+=\s*+["']?(?P<name>[a-z0-9_-]{1,50})["']?(?![^\s"'<>/])[^<>]*+>(?:\s*+</lj>)?""",
    re.IGNORECASE,
)
_MORE: Final = "<!--more"
# The mark of Blogger; of LiveJournal, where the rest is within an element; and of Tumblr, in a paragraph of its own.
_OTHER_MORE: Final = re.compile(
    r"""<a\s++name\s*+=\s*+(["']?)more\1\s*+/?>(?:\s*+</a>)?|<lj-cut\b[^<>]*+>|<p>\s*+\[\[MORE\]\]\s*+</p>""",
    re.IGNORECASE,
)


def expand_markup_of_services(source: str) -> str:
    """Return `source` with figures, links and a more marker in place of what other services have for them."""
    if _CAPTION_MARK in source:
        source = _CAPTION.sub(_figure, source)
    source = _MENTION.sub(_link, source)
    if _MORE not in source:
        source = _OTHER_MORE.sub(f"{_MORE}-->", source, count=1)
    return source


def _figure(table: re.Match[str]) -> str:
    side = _FLOAT.search(table["attributes"])
    align = f"align{side[1].lower()}" if side else "aligncenter"
    caption = f'<figcaption class="wp-caption-text">{table["caption"].strip()}</figcaption>'
    return f'\n\n<figure class="wp-caption {align}">{table["picture"].strip()}{caption}</figure>\n\n'


def _link(mention: re.Match[str]) -> str:
    # Host names have hyphens.
    host = mention["name"].lower().replace("_", "-")
    return f'<a href="https://{host}.livejournal.com/">{mention["name"]}</a>'
