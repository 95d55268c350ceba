"""Paragraphs and line breaks of classic bodies, from blank lines and line ends.

What becomes what follows the observed behaviour of WordPress (wpautop); the way there is our own: the
body is read once, tag by tag, with the open elements kept, so that what comes out is well-formed where
WordPress leaves stray tags. It differs on purpose in little: comments leave no empty line behind, stray ends of
blocks part texts, and headings, captions and terms hold lines but no paragraphs, as HTML has it.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from wordpress.tokens import TYPED, VERBATIM, VOID, Token, comment_text, tokenise
from wordpress.typography import typographic

_BLANK_LINE = re.compile(r"\n[ \t\f]*\n[ \t\f\n]*")
_LINE_BREAK = "<br>\n"
_BLANKS = " \t\f\n"
# Comments that mean something later on; others never show.
_MARKS = re.compile(r"more\b.*|nextpage|noteaser", re.DOTALL)

# Real bodies stay far below these; they keep hostile ones from growing.
_MAX_DEPTH = 100
_MAX_INLINE_DEPTH = 30
_MAX_OPENED_AGAIN = 50_000


class _Holds(Enum):
    """What an element holds, which decides what blank lines and line ends in it become."""

    PARAGRAPHS = auto()  # each text is a paragraph
    TEXTS = auto()  # each text is a paragraph but one that follows the start at once
    WORDS = auto()  # line breaks only
    PARTS = auto()  # other elements: neither
    VERBATIM = auto()


BLOCKS: dict[str, _Holds] = {
    **dict.fromkeys(("blockquote",), _Holds.PARAGRAPHS),
    **dict.fromkeys(
        ("address", "article", "aside", "center", "details", "dialog", "div", "fieldset", "footer", "form"),
        _Holds.TEXTS,
    ),
    **dict.fromkeys(("header", "main", "nav", "noscript", "search", "section"), _Holds.TEXTS),
    **dict.fromkeys(("dd", "li", "td", "th"), _Holds.TEXTS),
    # Lists that hold text and no items were once a way to indent it.
    **dict.fromkeys(("menu", "ol", "ul"), _Holds.TEXTS),
    **dict.fromkeys(("caption", "dt", "figcaption", "legend", "option", "p", "summary"), _Holds.WORDS),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), _Holds.WORDS),
    **dict.fromkeys(("colgroup", "dl", "figure", "hgroup", "optgroup"), _Holds.PARTS),
    **dict.fromkeys(("table", "tbody", "tfoot", "thead", "tr", "hr", "col"), _Holds.PARTS),
    **dict.fromkeys(VERBATIM, _Holds.VERBATIM),
}
# Whose start ends which open element, and which element hides an open one from an end.
_SIBLINGS = {
    "li": {"li"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "td": {"td", "th"},
    "th": {"td", "th"},
    "tr": {"td", "th", "tr"},
    "option": {"option"},
}
_HIDES = {"li": {"ul", "ol", "menu"}, "dt": {"dl"}, "dd": {"dl"}, "td": {"table"}, "th": {"table"}, "tr": {"table"}}
# Seen even if there is no text in them.
_SEEN = {"area", "audio", "button", "canvas", "embed", "iframe", "img", "input", "map", "object", "select", "video"}
# Line ends in these are not shown.
_UNBROKEN = {"audio", "map", "object", "select", "video"}


@dataclass(slots=True)
class _Inline:
    """An open inline element. It ends with its paragraph and is opened again in the next that has text."""

    name: str
    source: str
    here: bool = False  # opened in the paragraph at hand
    once: bool = False  # opened anywhere yet


def with_paragraphs(source: str) -> str:
    """The classic body `source` as HTML. Line ends are `\\n`. Never raises."""
    body = _Body()
    for token in tokenise(source):
        body.take(token)
    return body.finish()


class _Body:
    def __init__(self) -> None:
        self.html: list[str] = []
        self.open: list[tuple[str, _Holds]] = [("", _Holds.PARAGRAPHS)]
        self.inlines: list[_Inline] = []
        self.opened_again = 0
        # The texts since the last block began or ended: each with whether it is a paragraph.
        self.texts: list[tuple[str, bool]] = []
        # Whether a blank line, another text or the end of a block stands before the text at hand.
        self.parted = False
        # The text at hand.
        self.pieces: list[str] = []
        self.seen = False
        self.line_ended = False
        # Whether it ends in a break that was typed as such, and where that is.
        self.broken = False
        self.break_at = 0
        self.before = ""

    @property
    def holds(self) -> _Holds:
        return self.open[-1][1]

    def take(self, token: Token) -> None:
        kind, source, name = token
        if self.holds is _Holds.VERBATIM:
            self._take_verbatim(token)
        elif kind == "text":
            self._text(source)
        elif kind == "comment":
            if _MARKS.fullmatch(comment_text(token)):
                self.pieces.append(source)
        elif name in BLOCKS:
            if kind == "start":
                self._start_block(token)
            else:
                self._end_block(name)
        elif kind == "start" or name == "br":
            self._start_inline(token)
        else:
            self._end_inline(name)

    def finish(self) -> str:
        self._end_texts()
        while len(self.open) > 1:
            self._close_block()
        return "".join(self.html).strip()

    def _take_verbatim(self, token: Token) -> None:
        if token.kind == "end" and token.name == self.open[-1][0]:
            self._close_block()
        else:
            self.html.append(token.source.replace("<", "&lt;") if token.kind == "text" else token.source)

    # Text

    def _text(self, text: str) -> None:
        text = text.replace("<", "&lt;")
        if not any(inline.name in TYPED for inline in self.inlines):
            text = typographic(text, self.before)
        self.before = text[-1]
        if self._unbroken():
            self._words(" ".join(text.split("\n")))
            return
        for number, lines in enumerate(_BLANK_LINE.split(text)):
            if number:
                self._end_text()
                self.parted = True
            for line_number, line in enumerate(lines.split("\n")):
                self.line_ended |= line_number > 0
                self._words(line)

    def _unbroken(self) -> bool:
        return any(inline.name in _UNBROKEN for inline in self.inlines)

    def _words(self, words: str) -> None:
        if words.strip(_BLANKS):
            self._show(words)
        elif words and self.seen and not self.line_ended:
            self.pieces.append(" ")

    def _show(self, html: str) -> None:
        """Add to the text at hand what readers see."""
        if not self.seen:
            html = html.lstrip(_BLANKS)
        elif self.line_ended:
            self.pieces.append("\n" if self.broken or self.holds is _Holds.PARTS else _LINE_BREAK)
            html = html.lstrip(_BLANKS)
        self.line_ended = self.broken = False
        for inline in self.inlines:
            if not inline.here:
                self.pieces.append(inline.source)
                self.opened_again += len(inline.source) if inline.once else 0
                inline.here = inline.once = True
        self.pieces.append(html)
        self.seen = True

    def _end_text(self) -> None:
        for inline in reversed(self.inlines):
            if inline.here:
                self.pieces.append(f"</{inline.name}>")
                inline.here = False
        if self.opened_again > _MAX_OPENED_AGAIN:
            self.inlines.clear()
        self.inlines = [inline for inline in self.inlines if inline.name not in _SEEN]
        text = "".join(self.pieces).strip(_BLANKS)
        if text:
            wrap = self.holds is _Holds.PARAGRAPHS or (self.holds is _Holds.TEXTS and self.parted)
            self.texts.append((text, wrap and self.seen))
            self.parted |= self.seen
        self.pieces = []
        self.seen = self.line_ended = self.broken = False

    def _end_texts(self) -> None:
        """Write the texts since the last block, as paragraphs or as they are."""
        self._end_text()
        if self.open[-1][0] == "p":
            self.html.append("</p>\n<p>".join(text for text, _is_paragraph in self.texts))
        else:
            self.html.append("\n".join(f"<p>{text}</p>" if wrap else text for text, wrap in self.texts))
        if any(wrap for _text, wrap in self.texts):
            self.html.append("\n")
        self.texts = []
        self.parted = False
        self.before = ""

    # Blocks

    def _start_block(self, token: Token) -> None:
        if self.open[-1][0] == "p":
            self._end_texts()
            self._close_block()
        elif self.open[-1][0] in _SIBLINGS.get(token.name, ()):
            self._end_texts()
            self._close_block()
            if token.name == "tr" and self.open[-1][0] == "tr":
                self._close_block()
        else:
            self._end_texts()
        if token.is_empty or len(self.open) > _MAX_DEPTH:
            self.parted = True
            if token.is_empty:
                self.html.append(f"{token.whole}\n")
            return
        self.html.append(token.source)
        self.open.append((token.name, BLOCKS[token.name]))
        self.parted = False

    def _end_block(self, name: str) -> None:
        hides: set[str] = _HIDES.get(name, set())
        depth = 0
        for depth, (opened, _holds) in enumerate(reversed(self.open), start=1):  # noqa: B007  # the number is used after the loop
            if opened == name or opened in hides or not opened:
                break
        if self.open[-depth][0] != name:
            # A stray end parts texts all the same.
            self._end_text()
            self.parted = True
            return
        self._end_texts()
        for _number in range(depth):
            self._close_block()

    def _close_block(self) -> None:
        name, _holds = self.open.pop()
        self.html.append(f"</{name}>\n")
        self.parted = True

    # Inline elements

    def _start_inline(self, token: Token) -> None:
        name = token.name
        if name == "br":
            self._break()
            return
        self.before = ""
        if token.is_empty:
            if name in VOID or name in _SEEN:
                self._show(token.whole)
            else:
                self.pieces.append(token.whole)
            return
        if name == "a":
            # A link cannot stand in a link: browsers end the first.
            self._end_inline("a")
        if len(self.inlines) >= _MAX_INLINE_DEPTH:
            return
        self.inlines.append(_Inline(name, token.source))
        if name in _SEEN:
            self._show("")

    def _end_inline(self, name: str) -> None:
        for index in range(len(self.inlines) - 1, -1, -1):
            if self.inlines[index].name == name:
                break
        else:
            return
        for inner in reversed(self.inlines[index + 1 :]):
            if inner.here:
                self.pieces.append(f"</{inner.name}>")
                inner.here = False
        ended = self.inlines.pop(index)
        if ended.here:
            self.pieces.append(f"</{name}>")
        elif not ended.once:
            # Nothing in it, but it may be the aim of a link.
            self.pieces.append(f"{ended.source}</{name}>")

    def _break(self) -> None:
        if self.broken:
            # Two breaks part paragraphs, as a blank line does.
            del self.pieces[self.break_at]
            if self.break_at and self.pieces[self.break_at - 1] == _LINE_BREAK:
                del self.pieces[self.break_at - 1]
            self._end_text()
            self.parted = True
            return
        if not self.seen:
            # No text begins with a break.
            return
        self._show("<br>")
        self.broken = True
        self.break_at = len(self.pieces) - 1
        self.before = ""
