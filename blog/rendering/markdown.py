"""The `markdown` markup: CommonMark with tables, footnotes, definition lists, strikethrough, captions and galleries.

HTML in the text is passed through, as in CommonMark; it is sanitised together with everything else.
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.rules_block import StateBlock, html_block
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline, autolink, emphasis, image, link, strikethrough
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.footnote.index import footnote_inline, footnote_ref

from blog.rendering.figures import make_figures
from blog.rendering.headings import make_id
from blog.rendering.limits import TooManyLinesError
from blog.rendering.links import URL_START, url_end

# Quotes and list items that are nested deeper are read as text. Twenty nested lists need 40.
_MAX_NESTING: Final = 40
# The same for brackets. From each opening bracket, the text is scanned to this depth to find where it is closed.
_MAX_BRACKET_DEPTH: Final = 6
# markdown-it takes up to 0.4 ms for each of these. Further asterisks, brackets, footnotes and links in `<>` are read as
# text, and a text with more lines is rejected. The longest report has a thousand footnotes, and 7,000 lines of usual
# length.
_MAX_DELIMITERS: Final = 20_000
_MAX_BRACKETS: Final = 8_000
_MAX_FOOTNOTES: Final = 2_000
_MAX_LINES: Final = 10_000
_LINE = re.compile(r"\S[^\r\n]*+")
# All URLs and titles together may have this many characters more than if each were written only once. Encoding turns
# one character of the source into at most twelve.
_MAX_REPEATED: Final = 200_000
_MAX_ENCODED: Final = 12

# CommonMark's limit for the labels of links.
_FOOTNOTE_LABEL = re.compile(r"\[\^[^\] \n]{1,999}+\]")

type _InlineRule = Callable[[StateInline, bool], bool]

_SCHEME_BEFORE = re.compile(r"(?:^|[^A-Za-z0-9_])(https?)$", re.IGNORECASE)
_TEXT_AFTER_MORE_MARKER = re.compile(r"<!--\s*more(?:\s[^>]*)?-->.*\S")


def _add_heading_ids(state: StateCore) -> None:
    """Give every heading an id made from its text; the second of two equal ones ends in `-1`."""
    taken: dict[str, int] = {}
    for heading, inline in zip(state.tokens, state.tokens[1:], strict=False):
        if heading.type != "heading_open":
            continue
        texts = [
            child.content for child in inline.children or [] if child.type in {"text", "text_special", "code_inline"}
        ]
        base = html_id = make_id("".join(texts))
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


def _limited(rule: _InlineRule, starts: tuple[str, ...], maximum: int) -> _InlineRule:
    """Return `rule`, for what begins with one of `starts`, limited to the first `maximum` of these in a text."""

    def limited(state: StateInline, silent: bool) -> bool:
        if not state.src.startswith(starts, state.pos):
            return False
        counts = state.env.setdefault("counts", Counter())
        count = counts[starts]
        counts[starts] += not silent
        return bool(count < maximum and rule(state, silent))

    return limited


def _bracket(rule: _InlineRule, start: str, maximum: int) -> _InlineRule:
    """Return `rule`, for a bracket that begins with `start`, limited as above and to _MAX_BRACKET_DEPTH."""
    limited = _limited(rule, (start,), maximum)

    def bracket(state: StateInline, silent: bool) -> bool:
        if silent and state.level > _MAX_BRACKET_DEPTH and state.src.startswith(start, state.pos):
            # Do as markdown-it does at its own limit: give up on the rest, which is not scanned again.
            state.pos = state.posMax
            return True
        # A bracket that is never closed needs no further checks.
        return state.html_terminator_last("]") > state.pos and limited(state, silent)

    return bracket


def _footnote_ref(state: StateInline, silent: bool) -> bool:
    """Read a reference to a footnote, without searching the whole rest of the text for the end of its label."""
    return bool(_FOOTNOTE_LABEL.match(state.src, state.pos, state.posMax)) and footnote_ref(state, silent)


def _limit_repeated_definitions(state: StateCore) -> None:
    """Remove the attributes of links and images once long definitions have been used too often, as cmark does."""
    left = _MAX_REPEATED + _MAX_ENCODED * len(state.src)
    for token in state.tokens:
        for child in token.children or []:
            left -= sum(len(str(value)) for value in child.attrs.values())
            if left < 0:
                child.attrs = {}


def _html_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read the text after a more marker as a paragraph, as its author meant it, and not as HTML."""
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
    parser.inline.ruler.at("emphasis", _limited(emphasis.tokenize, ("*", "_"), _MAX_DELIMITERS))
    parser.inline.ruler.at("strikethrough", _limited(strikethrough.tokenize, ("~",), _MAX_DELIMITERS))
    parser.inline.ruler.at("autolink", _limited(autolink, ("<",), _MAX_BRACKETS))
    parser.inline.ruler.at("link", _bracket(link, "[", _MAX_BRACKETS))
    parser.inline.ruler.at("image", _bracket(image, "![", _MAX_BRACKETS))
    parser.inline.ruler.at("footnote_inline", _bracket(footnote_inline, "^[", _MAX_FOOTNOTES))
    parser.inline.ruler.at("footnote_ref", _bracket(_footnote_ref, "[^", _MAX_FOOTNOTES))
    parser.core.ruler.push("heading_ids", _add_heading_ids)
    parser.core.ruler.push("repeated_definitions", _limit_repeated_definitions)
    parser.core.ruler.push("figures", make_figures)
    return parser


def check(source: str) -> None:
    """Raise TooManyLinesError for a source that would take too long."""
    if (lines := sum(1 for _line in _LINE.finditer(source))) > _MAX_LINES:
        raise TooManyLinesError(lines, _MAX_LINES)


def to_html(source: str, entry: object = None) -> str:
    return str(_parser().render(source))
