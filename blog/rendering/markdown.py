"""The `markdown` markup: CommonMark with tables, footnotes, definition lists and strikethrough.

HTML in the text is let through, as in CommonMark; it is sanitised together with everything else.
"""

import re
import unicodedata
from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.rules_block import StateBlock, html_block
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin

from blog.rendering.links import URL_START, url_end

# Quotes, list items and brackets that are nested deeper are read as text. Twenty lists inside each
# other need 40. The time that hostile series of brackets take grows with this limit.
_MAX_NESTING: Final = 40

_MAX_ID_LENGTH: Final = 80

_SCHEME_BEFORE = re.compile(r"(?:^|[^A-Za-z0-9_])(https?)$", re.IGNORECASE)
_TEXT_AFTER_MORE_MARKER = re.compile(r"<!--\s*more(?:\s[^>]*)?-->.*\S")


def _heading_id(heading: str) -> str:
    """Return an id made of the letters, marks and digits of any script in `heading`, and hyphens."""
    kept = "".join(
        character if unicodedata.category(character)[0] in "LMN" or character in "_-" else " "
        for character in unicodedata.normalize("NFKC", heading).lower().replace("'", "").replace("’", "")
    )
    return "-".join(kept.split())[:_MAX_ID_LENGTH].strip("-") or "section"


def _add_heading_ids(state: StateCore) -> None:
    """Give every heading an id made from its text; the second of two equal ones ends in `-1`."""
    taken: dict[str, int] = {}
    for heading, inline in zip(state.tokens, state.tokens[1:], strict=False):
        if heading.type != "heading_open":
            continue
        texts = [
            child.content for child in inline.children or [] if child.type in {"text", "text_special", "code_inline"}
        ]
        base = html_id = _heading_id("".join(texts))
        while html_id in taken:
            html_id = f"{base}-{taken[base]}"
            taken[base] += 1
        taken[html_id] = 1
        heading.attrSet("id", html_id)


def _bare_url(state: StateInline, silent: bool) -> bool:
    """Keep a bare web URL as typed: `_` and `*` in it are not emphasis."""
    position = state.pos
    if not state.src.startswith("://", position):
        return False
    before = _SCHEME_BEFORE.search(state.src[max(0, position - 6) : position])
    start = before and URL_START.match(state.src, position - len(before[1]), state.posMax)
    if not start:
        return False
    end = url_end(start, state.posMax)
    if not silent:
        state.pending += unescapeAll(state.src[position:end])
    state.pos = end
    return True


def _html_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read the text after a more marker as a paragraph, which the author meant it to be, and not as HTML."""
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    if _TEXT_AFTER_MORE_MARKER.match(line):
        return False
    return html_block(state, start, end, silent)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING})
    parser.enable(["table", "strikethrough"])
    parser.use(footnote_plugin).use(deflist_plugin)
    parser.block.ruler.at("html_block", _html_block, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.inline.ruler.before("linkify", "bare_url", _bare_url)
    parser.core.ruler.push("heading_ids", _add_heading_ids)
    return parser


def to_html(source: str, entry: object = None) -> str:
    return str(_parser().render(source))
