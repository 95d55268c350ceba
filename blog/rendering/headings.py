"""The headings of rendered texts as readers get them: each links to itself, and together they form the contents.

This is done when a page of one text is shown, because in listings of many texts, headings need no links.
"""

import re
import unicodedata
from html import unescape
from typing import Final, NamedTuple

from django.utils.html import escape

# A heading, or the start or end of a clickable element, which can't contain a link. In sanitised HTML, "<" and ">"
# always belong to a tag, values are in double quotes, and headings contain no other headings.
_HEADING: Final = re.compile(
    r"<(h[1-6])((?:\s[^<>]*)?)>((?:[^<]|<(?!/?h[1-6]\b))*+)</\1>|<(/?)(?:a|summary)(?=[\s>])[^<>]*>"
)
_LINK: Final = re.compile(r"<a[\s>]")
_ID: Final = re.compile(r'\sid="([^"]*)"')
_NO_TEXT: Final = re.compile(r"<sup\b(?:[^<]|<(?!/?sup\b))*+</sup>|<[^<>]*>")
# The levels that the table of contents lists.
_LEVELS: Final = ("h2", "h3")
# A text with fewer headings, or fewer characters of HTML, gets no table of contents.
_MIN_HEADINGS: Final = 4
_MIN_LENGTH: Final = 4_000
_MAX_ID_LENGTH: Final = 80
# The prefix of ids that are made here. No id of the page has it, and authors are unlikely to choose it.
_PREFIX: Final = "s-"


class Heading(NamedTuple):
    """A heading in a table of contents: its level (2 or 3), its id and its text."""

    level: int
    html_id: str
    text: str


def make_id(text: str) -> str:
    """Return an id made of the letters, marks and digits of any script in `text`, and hyphens."""
    kept = "".join(
        character if unicodedata.category(character)[0] in "LMN" or character in "_-" else " "
        for character in unicodedata.normalize("NFKC", text).lower().replace("'", "").replace("’", "")
    )
    return "-".join(kept.split())[:_MAX_ID_LENGTH].strip("-") or "section"


def link_headings(html: str) -> tuple[str, list[Heading]]:
    """Return sanitised `html` in which each heading is a link to itself, and its table of contents.

    The table is empty if the text is short. A heading that already contains a link, or is inside one, gets no other.
    """
    if "</h" not in html:
        return html, []
    # How often each id has been used or wanted.
    uses = dict.fromkeys(_ID.findall(html), 1)
    headings: list[Heading] = []
    is_clickable = False

    def link(match: re.Match[str]) -> str:
        nonlocal is_clickable
        tag, attributes, content, slash = match.groups()
        if tag is None:
            is_clickable = not slash
            return match[0]
        text = " ".join(unescape(_NO_TEXT.sub("", content)).split())
        given = _ID.search(attributes)
        if given:
            html_id = unescape(given[1])
        else:
            html_id = _free_id(_PREFIX + make_id(text), uses)
            attributes += f' id="{escape(html_id)}"'
        if tag in _LEVELS and text:
            headings.append(Heading(int(tag[1]), html_id, text))
        if text and not (is_clickable or _LINK.search(content)):
            content = f'<a href="#{escape(html_id)}">{content}</a>'
        return f"<{tag}{attributes}>{content}</{tag}>"

    linked = _HEADING.sub(link, html)
    is_long = len(headings) >= _MIN_HEADINGS and len(html) >= _MIN_LENGTH
    return linked, headings if is_long else []


def _free_id(wanted: str, uses: dict[str, int]) -> str:
    """Return `wanted`, or else the next of `wanted-2`, `wanted-3` and so on that is free, and take it."""
    html_id = wanted
    while html_id in uses:
        uses[wanted] += 1
        html_id = f"{wanted}-{uses[wanted]}"
    uses[html_id] = 1
    return html_id
