"""Finding and replacing a name in anything the site stores: Markdown, HTML, URLs, JSON and plain text.

Text is searched as readers see it (`flatten`), ignoring case, accents, vowel signs, invisible characters and markup
within words. So a name is found in `<b>Ann</b> L&eacute;e`, `/ann-l%C3%A9e/` and `ANN_LEE.JPG` alike.
"""

import html
import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from core.slugs import slugify
from search.text import UNSPACED, is_unspaced, normalise, words_of

# Separates parts that don't belong together, such as paragraphs. It occurs in no name.
_BREAK: Final = "\0"
# What may be between two words of a name in prose, URLs and file names.
SEPARATOR: Final = r"[\s_.+\-\u2010-\u2015\u2212'\u2018\u2019\u02bc\u00b7\u30fb]"
_COMMA: Final = "[,\u060c\u3001]"
# A letter of a script with spaces between words. Digits don't belong to words: `Ann Lee1` has a footnote.
LETTER: Final = rf"[^\W\d_{UNSPACED}]"
_HANGUL: Final = ("\uac00", "\ud7af")
# The scripts that attach “and”, “in”, “to” and the like to the next word: their first and last character, the prefixes
# that may come first, and those that may be next to the word.
_PREFIXES: Final = (
    ("\u0600", "\u06ff", "[وف]", "[وفبلك]"),
    ("\u0590", "\u05ff", "[וש]", "[והבלמשכ]"),
)

# Parts of the pattern for tokens that are not read as they are written.
_TAG: Final = r"</?[A-Za-z][A-Za-z0-9:-]*+[^<>]*+>"
_LINK: Final = r'\]\((?:[^()\s]++|\([^()\s]*+\))*+(?:\s++"[^"]*+")?\)|\]\[[^\]\[]*+\]'
_CODED: Final = (
    r"(?P<entity>&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?)"
    r"|(?P<percent>(?:%[0-9A-Fa-f]{2})++)"
    r"|(?P<unicode>\\u[0-9A-Fa-f]{4})"
)
_TOKEN: Final = re.compile(
    rf"(?P<tag>{_TAG})|(?P<gap><!--|-->|\n[^\S\n]*+\n)|{_CODED}|(?P<link>{_LINK})|(?P<mark>[*~`]++|(?<!\S)_++|_++(?!\S))"
    r"|(?P<escape>\\(?=[^\w\s]|\n))|(?P<quote>\n[^\S\n]*+>[>\t ]*+)"
)
_TAG_NAME: Final = re.compile(r"</?([A-Za-z][A-Za-z0-9:-]*+)")
_CODES, _TAGS, _LINKS, _MARKS = map(re.compile, (_CODED, _TAG, _LINK, r"[*~`\\]++"))
# Elements that may be within a word or a name. All others separate what is around them.
_INLINE: Final = frozenset(
    (
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i"),
        *("ins", "kbd", "mark", "nobr", "q", "rb", "ruby", "s", "samp", "small", "span", "strike", "strong", "time"),
        *("tt", "u", "var", "wbr"),
    )
)
# What ends a URL or a file name in a text.
_URL_ENDS: Final = frozenset("\"'<>()[]{}|\\")
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{2,5}(?![A-Za-z0-9])")
_MAX_URL: Final = 2_000
# Longer words are not cached, because they hardly ever recur.
_MAX_REMEMBERED: Final = 32

type Span = tuple[int, int]


class MarkupSpan(NamedTuple):
    """The position of a tag, the end of a link and so on, and that of the text inside it, such as attributes."""

    start: int
    end: int
    inner: Span = (0, 0)


@dataclass(frozen=True, slots=True)
class Flat:
    """A text as it is read. `starts` and `ends` are the positions of each character in the source."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    markup: Sequence[MarkupSpan]

    def span(self, found: re.Match[str]) -> Span:
        """Return the position in the source of a match in `text`."""
        return self.starts[found.start()], self.ends[found.end() - 1]


def flatten(source: str) -> Flat:
    """Return the text of `source` as it is read."""
    return _Flattener(source).read()


class _Flattener:
    """Builds a `Flat`. For each kind of token, a method of that name adds what is read in its place."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._text: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._markup: list[MarkupSpan] = []

    def read(self) -> Flat:
        position = 0
        for token in _TOKEN.finditer(self._source):
            self._plain(position, token.start())
            getattr(self, f"_{token.lastgroup}")(token[0], *token.span())
            position = token.end()
        self._plain(position, len(self._source))
        return Flat("".join(self._text), self._starts, self._ends, self._markup)

    def _add(self, folded: str, start: int, end: int) -> None:
        self._text.append(folded)
        self._starts += [start] * len(folded)
        self._ends += [end] * len(folded)

    def _plain(self, start: int, end: int) -> None:
        for unit in _units().finditer(self._source, start, end):
            self._add(_fold(unit[0]), *unit.span())

    def _tag(self, token: str, start: int, end: int) -> None:
        self._markup.append(MarkupSpan(start, end, (start + 1, end - 1)))
        found = _TAG_NAME.match(token)
        name = found[1].lower() if found else ""
        if name not in _INLINE:
            self._add(" " if name == "br" else _BREAK, start, end)

    def _gap(self, token: str, start: int, end: int) -> None:
        self._add(_BREAK, start, end)

    def _entity(self, token: str, start: int, end: int) -> None:
        decoded = html.unescape(token)
        if decoded == token:
            self._plain(start, end)
        else:
            self._add(_fold(decoded), start, end)

    def _percent(self, token: str, start: int, end: int) -> None:
        decoded = _decode(token)
        if decoded == token:
            self._plain(start, end)
            return
        for unit in _units().finditer(decoded):
            end = start + 3 * len(unit[0].encode())
            self._add(_fold(unit[0]), start, end)
            start = end

    def _unicode(self, token: str, start: int, end: int) -> None:
        self._add(_fold(_decode(token)), start, end)

    def _link(self, token: str, start: int, end: int) -> None:
        self._markup.append(MarkupSpan(start, end, (start + 2, end - 1)))

    def _mark(self, token: str, start: int, end: int) -> None:
        self._markup.append(MarkupSpan(start, end))

    def _escape(self, token: str, start: int, end: int) -> None:
        """Add nothing, because it only says that the next character is literal."""

    def _quote(self, token: str, start: int, end: int) -> None:
        self._markup.append(MarkupSpan(start, end))
        self._add(" ", start, end)


def _decode(token: str) -> str:
    """Decode an entity, percent-encoded bytes or a JSON escape. Return an invalid one unchanged."""
    if token[0] == "&":
        return html.unescape(token)
    if token[0] == "%":
        try:
            return bytes.fromhex(token.replace("%", "")).decode()
        except UnicodeDecodeError:
            return token
    point = int(token.removeprefix("\\u"), 16)
    # Lone surrogates belong to no name.
    return _BREAK if 0xD800 <= point < 0xE000 else chr(point)


@cache
def marks() -> str:
    """Return all combining marks and non-initial parts of Hangul syllables, for a character class."""
    points = range(0x300, 0x1F000)
    return "".join(chr(p) for p in points if 0x1160 <= p < 0x1200 or unicodedata.category(chr(p))[0] == "M")


@cache
def _units() -> re.Pattern[str]:
    """Return the pattern of a character with its combining marks."""
    return re.compile(f"(?s:.)[{marks()}]*+")


@lru_cache(maxsize=65_536)
def _fold(unit: str) -> str:
    return normalise(unit)


class Name:
    """A name in all its `spellings`, and its replacement. Spellings without a letter or digit are ignored.

    The replacement must not contain the name, or any characters with a meaning in HTML and Markdown. `renamed` maps
    file names that contain the name to replacements of their own.
    """

    def __init__(
        self, spellings: Iterable[str], replacement: str = "", renamed: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.spellings = [spelling for spelling in dict.fromkeys(spellings) if words_of(spelling)]
        self.replacement = replacement
        self._renamed = renamed
        # For slugs, URLs and file names.
        self.url_replacement = slugify(replacement) or "withdrawn"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of the name in the text of a `Flat`."""
        longest_first = sorted(self.spellings, key=len, reverse=True)
        return re.compile("|".join(map(pattern_of, longest_first)) or r"(?!)")

    @cached_property
    def _needles(self) -> list[str]:
        return sorted({max(words_of(spelling), key=len) for spelling in self.spellings})

    def may_be_in(self, text: str) -> bool:
        """Return False only if `text` certainly doesn't contain the name. Many times faster than `find`."""
        skimmed = _skim(text)
        return any(needle in skimmed for needle in self._needles)

    def find(self, text: str) -> list[Span]:
        """Return all positions of the name in `text`, including those within tags and other markup, in order."""
        if not self.may_be_in(text):
            return []
        flat = flatten(text)
        found = [flat.span(match) for match in self.pattern.finditer(flat.text)]
        for markup in flat.markup:
            start, end = markup.inner
            found += [(start + first, start + last) for first, last in self.find(text[start:end])]
        return sorted(found)

    def replace(self, text: str, *, is_url: bool = False) -> str:
        """Return `text` with the name replaced. Markup within the name is kept after the replacement."""
        if not self.may_be_in(text):
            return text
        for old, new in self._renamed.items():
            text = text.replace(old, new)
        flat = flatten(text)
        markup = deque(flat.markup)
        pieces: list[str] = []
        position = 0
        for start, end in [*(flat.span(match) for match in self.pattern.finditer(flat.text)), (len(text), len(text))]:
            while markup and markup[0].start < start:
                before = markup.popleft()
                pieces += [text[position : before.start], self._replace_within(text, before)]
                position = before.end
            pieces.append(text[position:start])
            if start < end:
                in_url = is_url or _is_in_url(text, start, end)
                pieces.append(self.url_replacement if in_url else self.replacement)
            while markup and markup[0].start < end:
                pieces.append(self._replace_within(text, markup.popleft()))
            position = end
        return "".join(pieces)

    def _replace_within(self, text: str, markup: MarkupSpan) -> str:
        first, last = markup.inner
        if not last:
            return text[markup.start : markup.end]
        return text[markup.start : first] + self.replace(text[first:last]) + text[last : markup.end]


def pattern_of(spelling: str) -> str:
    """Return the regular expression for one spelling in the text of a `Flat`. It only matches whole words.

    In scripts without spaces, it matches anywhere. In Arabic and Hebrew, “and”, “in”, “to” and the like are attached to
    the next word, and in Korean, particles to the previous one. They are allowed, and kept.
    """
    normalised, words = normalise(spelling), words_of(spelling)
    parts = [before(words[0][0]), re.escape(words[0])]
    position = normalised.index(words[0]) + len(words[0])
    for word in words[1:]:
        start = normalised.index(word, position)
        parts += [_gap_like(normalised[position:start]), re.escape(word)]
        position = start + len(word)
    expression = "".join([*parts, after(words[-1][-1])])
    if len(words) > 1 and not is_unspaced(words[-1][-1]):
        # Slugs and file names leave out the apostrophe of a possessive: “zoe-quillfeathers-case”.
        expression += rf"|{parts[0]}{'[-_]'.join(map(re.escape, words))}(?=s(?!{LETTER}))"
    return expression


def _gap_like(gap: str) -> str:
    """Return the expression for what may separate two words of a name that are separated by `gap` in the spelling."""
    if re.search(_COMMA, gap):
        return rf"{SEPARATOR}{{0,3}}{_COMMA}{SEPARATOR}{{0,6}}"
    # Hyphens and apostrophes are often left out, spaces are not.
    return rf"{SEPARATOR}{{{1 if ' ' in gap else 0},6}}"


def before(letter: str) -> str:
    """Return the expression for what may precede a name that starts with `letter`."""
    if is_unspaced(letter) and not _HANGUL[0] <= letter <= _HANGUL[1]:
        return ""
    start = rf"(?<!{LETTER})(?<![{marks()}])"
    for first, last, outer, inner in _PREFIXES:
        if first <= letter <= last:
            return rf"(?:{start}|(?<={start}{inner})|(?<={start}{outer}{inner}))"
    return start


def after(letter: str) -> str:
    """Return the expression for what may follow a name that ends with `letter`."""
    return "" if is_unspaced(letter) else rf"(?!{LETTER})(?![{marks()}])"


def _skim(text: str) -> str:
    """Return `text` decoded and folded, both with and without the markup within words."""
    if "&" in text or "%" in text or "\\u" in text:
        text = _CODES.sub(lambda token: _decode(token[0]), text)
    whole = _MARKS.sub("", text)
    without_links = _LINKS.sub("", text) if "](" in text or "][" in text else text
    without_tags = _TAGS.sub("", without_links) if "<" in text else without_links
    bare = {_MARKS.sub("", without_links), _MARKS.sub("", without_tags)} - {whole}
    return _fold_all(_BREAK.join([whole, *bare]))


def _fold_all(text: str) -> str:
    """Return `text` normalised except for spaces, word by word, because most words recur and are cached."""
    if text.isascii():
        return text.lower()
    return " ".join(
        [
            part.lower() if part.isascii() else _fold(part) if len(part) <= _MAX_REMEMBERED else normalise(part)
            for part in text.split(" ")
        ]
    )


def _is_in_url(text: str, start: int, end: int) -> bool:
    """Whether the name at this position is part of a URL, a slug, an e-mail address or a file name."""
    if any(char.isspace() for char in text[start:end]):
        return False
    if (
        text[start - 1 : start] in {*"-_%#@=&"}
        or text[end : end + 1] in {*"-_%@"}
        or text[end : end + 2] in {"s-", "s_"}
    ):
        return True
    if _EXTENSION.match(text, end):
        return True
    first = start
    while first > max(0, start - _MAX_URL) and not (text[first - 1].isspace() or text[first - 1] in _URL_ENDS):
        first -= 1
    return "/" in text[first:start]
