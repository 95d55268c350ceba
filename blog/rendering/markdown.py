"""The `markdown` markup: CommonMark with tables, footnotes, definition lists and struck text.

HTML within the text is let through, as CommonMark has it; `sanitising` judges it with all the rest.
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

from blog.rendering.links import ADDRESS_START, address_end

# Quotes, list items and brackets nested deeper are not read as such. Twenty lists in one another
# need 40; and the time that hostile rows of brackets take grows with it.
MAX_NESTING: Final = 40

MAX_ID_LENGTH: Final = 80

SCHEME_BEFORE = re.compile(r"(?:^|[^A-Za-z0-9_])(https?)$", re.IGNORECASE)
WORDS_AFTER_MARKER = re.compile(r"<!--\s*more(?:\s[^>]*)?-->.*\S")


def _slug(words: str) -> str:
    """`words` as an id: letters, marks and digits of any writing, the rest as hyphens."""
    kept = "".join(
        character if unicodedata.category(character)[0] in "LMN" or character in "_-" else " "
        for character in unicodedata.normalize("NFKC", words).lower().replace("'", "").replace("’", "")
    )
    return "-".join(kept.split())[:MAX_ID_LENGTH].strip("-") or "section"


def _heading_ids(state: StateCore) -> None:
    """Give every heading an id made from its words; the second of two alike ends in `-1`."""
    taken: dict[str, int] = {}
    for heading, inline in zip(state.tokens, state.tokens[1:], strict=False):
        if heading.type != "heading_open":
            continue
        parts = [
            child.content for child in inline.children or [] if child.type in {"text", "text_special", "code_inline"}
        ]
        slug = name = _slug("".join(parts))
        while name in taken:
            name = f"{slug}-{taken[slug]}"
            taken[slug] += 1
        taken[name] = 1
        heading.attrSet("id", name)


def _bare_address(state: StateInline, silent: bool) -> bool:
    """Keep a bare web address as it is typed: `_` and `*` in it are not emphasis."""
    position = state.pos
    if not state.src.startswith("://", position):
        return False
    before = SCHEME_BEFORE.search(state.src[max(0, position - 6) : position])
    start = before and ADDRESS_START.match(state.src, position - len(before[1]), state.posMax)
    if not start:
        return False
    end = address_end(start, state.posMax)
    if not silent:
        state.pending += unescapeAll(state.src[position:end])
    state.pos = end
    return True


def _html_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read words behind a more marker as the paragraph they are meant to be, not as HTML."""
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    if WORDS_AFTER_MARKER.match(line):
        return False
    return html_block(state, start, end, silent)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING})
    parser.enable(["table", "strikethrough"])
    parser.use(footnote_plugin).use(deflist_plugin)
    parser.block.ruler.at("html_block", _html_block, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.inline.ruler.before("linkify", "bare_address", _bare_address)
    parser.core.ruler.push("heading_ids", _heading_ids)
    return parser


def to_html(source: str, entry: object = None) -> str:
    html: str = _parser().render(source)
    return html
