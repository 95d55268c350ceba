"""Paragraphs and line breaks for classic content, made from blank lines and line ends.

The results follow the observed behaviour of WordPress (wpautop), but are well-formed where WordPress leaves stray tags.
Other deliberate differences: comments leave no empty lines behind, stray end tags of blocks separate paragraphs, and
headings, captions and terms can have line breaks but no paragraphs, as HTML requires.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from blog.rendering.html_tags import VOID
from wordpress.markup.texturize import texturize
from wordpress.markup.tokenizer import CODE, VERBATIM, Token, tokenise

_BLANK_LINE = re.compile(r"\n[ \t\f]*\n[ \t\f\n]*")
_LINE_BREAK = "<br>\n"
_WHITESPACE = " \t\f\n"
# Comments that are needed later. All others are dropped.
_MARKER = re.compile(r"<!--\s*(?:more\b.*|noteaser)\s*-->", re.DOTALL)
_PAGE_BREAK = re.compile(r"<!--\s*nextpage\s*-->")

# Real content stays far below these limits. They keep the output of hostile content small.
_MAX_DEPTH = 100
_MAX_INLINE_DEPTH = 30
_MAX_REOPENED = 50_000


class _Content(Enum):
    """The kind of content of an element, which determines what blank lines and line ends become."""

    PARAGRAPHS = auto()  # every text is a paragraph
    FLOW = auto()  # every text is a paragraph, except one right after the start tag
    LINES = auto()  # line breaks only
    ELEMENTS = auto()  # neither
    VERBATIM = auto()


_BLOCK_NAMES = {
    _Content.PARAGRAPHS: "blockquote",
    # Lists (menu, ol, ul) with text instead of items were once used for indentation.
    _Content.FLOW: "address article aside center details dialog div fieldset footer form header main nav search "
    "section dd li td th menu ol ul",
    _Content.LINES: "caption dt figcaption legend option p summary h1 h2 h3 h4 h5 h6",
    _Content.ELEMENTS: "colgroup dl figure hgroup optgroup table tbody tfoot thead tr hr col",
    _Content.VERBATIM: " ".join(VERBATIM),
}
BLOCKS = {name: content for content, names in _BLOCK_NAMES.items() for name in names.split()}
# The open elements that a start tag closes, and the elements that shield open ones from an end tag.
_SIBLINGS = {
    "li": {"li"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "option": {"option"},
    "td": {"td", "th"},
    "th": {"td", "th"},
    "tr": {"td", "th", "tr"},
}
_SHIELDS = {"li": {"ul", "ol", "menu"}, "dt": {"dl"}, "dd": {"dl"}, "td": {"table"}, "th": {"table"}, "tr": {"table"}}
# Elements that are visible without text.
_VISIBLE = {"area", "audio", "button", "canvas", "embed", "iframe", "img", "input", "map", "object", "select", "video"}
# Elements whose line ends are not line breaks.
_WITHOUT_BREAKS = {"audio", "map", "object", "select", "video"}


@dataclass(slots=True)
class _Inline:
    """An open inline element. It is closed at the end of a paragraph and reopened in the next one with text."""

    name: str
    source: str
    is_open: bool = False  # in the current paragraph
    was_opened: bool = False  # in any paragraph


def autop(source: str) -> str:
    """Return classic content as HTML. Its line ends must be `\\n`. Never raises."""
    return _Formatter().format(source)


class _Formatter:
    def __init__(self) -> None:
        self.html: list[str] = []
        # The names of the open blocks, after an empty one for the whole content.
        self.open = [""]
        self.inlines: list[_Inline] = []
        self.reopened = 0
        # The texts since the last start or end of a block, and whether each is a paragraph.
        self.texts: list[tuple[str, bool]] = []
        # Whether a blank line, another text or the end of a block precedes the current text.
        self.is_separate = False
        # The current text, and whether anything in it is visible.
        self.pieces: list[str] = []
        self.is_visible = False
        self.has_pending_line_end = False
        # The position of a <br> of the source that the current text ends with, or 0.
        self.break_at = 0
        self.before = ""

    @property
    def content(self) -> _Content:
        return BLOCKS.get(self.open[-1], _Content.PARAGRAPHS)

    def format(self, source: str) -> str:
        for token in tokenise(source):
            self._add(token)
        self._end_texts()
        while len(self.open) > 1:
            self._close_block()
        return "".join(self.html).strip()

    def _add(self, token: Token) -> None:
        kind, source, name = token
        if self.content is _Content.VERBATIM:
            if kind == "end" and name == self.open[-1]:
                self._close_block()
            else:
                self.html.append(source.replace("<", "&lt;") if kind == "text" else source)
        elif kind == "text":
            self._add_text(source)
        elif kind == "comment":
            if _PAGE_BREAK.fullmatch(source):
                self._end_text()
                self.texts.append((source, False))
            elif _MARKER.fullmatch(source):
                self.pieces.append(source)
        elif name == "br":
            self._break()
        elif kind == "start":
            start = self._start_block if name in BLOCKS else self._start_inline
            start(token)
        else:
            end = self._end_block if name in BLOCKS else self._end_inline
            end(name)

    # Text

    def _add_text(self, text: str) -> None:
        text = text.replace("<", "&lt;")
        if not any(inline.name in CODE for inline in self.inlines):
            text = texturize(text, self.before)
        self.before = text[-1]
        if any(inline.name in _WITHOUT_BREAKS for inline in self.inlines):
            self._add_line(text.replace("\n", " "))
            return
        for index, lines in enumerate(_BLANK_LINE.split(text)):
            if index:
                self._end_text()
                self.is_separate = True
            for line_index, line in enumerate(lines.split("\n")):
                self.has_pending_line_end |= line_index > 0
                self._add_line(line)

    def _add_line(self, line: str) -> None:
        if line.strip(_WHITESPACE):
            self._show(line)
        elif line and self.is_visible and not self.has_pending_line_end:
            self.pieces.append(" ")

    def _show(self, html: str) -> None:
        """Add something visible to the current text."""
        if not self.is_visible:
            html = html.lstrip(_WHITESPACE)
        elif self.has_pending_line_end:
            self.pieces.append("\n" if self.break_at or self.content is _Content.ELEMENTS else _LINE_BREAK)
            html = html.lstrip(_WHITESPACE)
        self.has_pending_line_end, self.break_at = False, 0
        for inline in self.inlines:
            if not inline.is_open:
                self.pieces.append(inline.source)
                self.reopened += len(inline.source) if inline.was_opened else 0
                inline.is_open = inline.was_opened = True
        self.pieces.append(html)
        self.is_visible = True

    def _end_text(self) -> None:
        self._close_inlines(0)
        if self.reopened > _MAX_REOPENED:
            self.inlines.clear()
        self.inlines = [inline for inline in self.inlines if inline.name not in _VISIBLE]
        text = "".join(self.pieces).strip(_WHITESPACE)
        if text:
            wrap = self.content is _Content.PARAGRAPHS or (self.content is _Content.FLOW and self.is_separate)
            self.texts.append((text, wrap and self.is_visible))
            self.is_separate |= self.is_visible
        self.pieces = []
        self.is_visible = self.has_pending_line_end = False
        self.break_at = 0

    def _end_texts(self) -> None:
        """Write the texts since the last start or end of a block, as paragraphs or as they are."""
        self._end_text()
        if self.open[-1] == "p":
            self.html.append("</p>\n<p>".join(text for text, _is_paragraph in self.texts))
        else:
            self.html.append("\n".join(f"<p>{text}</p>" if wrap else text for text, wrap in self.texts))
        if any(wrap for _text, wrap in self.texts):
            self.html.append("\n")
        self.texts = []
        self.is_separate = False
        self.before = ""

    # Blocks

    def _start_block(self, token: Token) -> None:
        self._end_texts()
        opened = self.open[-1]
        if opened == "p" or opened in _SIBLINGS.get(token.name, ()):
            self._close_block()
            if token.name == "tr" and opened != "p" and self.open[-1] == "tr":
                self._close_block()
        self.is_separate = token.is_empty or len(self.open) > _MAX_DEPTH
        if token.is_empty:
            self.html.append(f"{token.whole}\n")
        elif not self.is_separate:
            self.html.append(token.source)
            self.open.append(token.name)

    def _end_block(self, name: str) -> None:
        stops = {name, "", *_SHIELDS.get(name, ())}
        depth = next(depth for depth, block in enumerate(reversed(self.open), start=1) if block in stops)
        if self.open[-depth] == name:
            self._end_texts()
            for _index in range(depth):
                self._close_block()
        else:
            # Even a stray end tag separates texts.
            self._end_text()
            self.is_separate = True

    def _close_block(self) -> None:
        self.html.append(f"</{self.open.pop()}>\n")
        self.is_separate = True

    # Inline elements

    def _start_inline(self, token: Token) -> None:
        name = token.name
        self.before = ""
        if token.is_empty:
            if name in VOID or name in _VISIBLE:
                self._show(token.whole)
            else:
                self.pieces.append(token.whole)
            return
        if name == "a":
            # Links can't be nested; browsers close the first one.
            self._end_inline("a")
        if len(self.inlines) >= _MAX_INLINE_DEPTH:
            return
        self.inlines.append(_Inline(name, token.source))
        if name in _VISIBLE:
            self._show("")

    def _end_inline(self, name: str) -> None:
        names = [inline.name for inline in self.inlines]
        if name not in names:
            return
        index = len(names) - 1 - names[::-1].index(name)
        self._close_inlines(index)
        ended = self.inlines.pop(index)
        if not ended.was_opened:
            # An empty element may still be the target of a link.
            self.pieces.append(f"{ended.source}</{name}>")

    def _close_inlines(self, start: int) -> None:
        for inline in reversed(self.inlines[start:]):
            if inline.is_open:
                self.pieces.append(f"</{inline.name}>")
                inline.is_open = False

    def _break(self) -> None:
        if self.break_at:
            # Two line breaks separate paragraphs, like a blank line.
            del self.pieces[self.break_at]
            if self.pieces[self.break_at - 1] == _LINE_BREAK:
                del self.pieces[self.break_at - 1]
            self._end_text()
            self.is_separate = True
        elif self.is_visible:
            # Line breaks at the beginning of a text are dropped.
            self._show("<br>")
            self.break_at = len(self.pieces) - 1
            self.before = ""
