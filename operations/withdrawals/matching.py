"""Finding a name in whatever the site stores, and replacing it: Markdown, HTML, URLs, JSON and plain text.

A text is read as readers see it (`flatten`): without case, accents, vowel signs and invisible characters, and without
the markup within words. So a name is found in `<b>Ann</b> L&eacute;e`, `/ann-l%C3%A9e/` and `ANN_LEE.JPG` alike.
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

# Between what does not belong together, such as paragraphs. No part of any name.
_BREAK: Final = "\0"
# What may be between two words of a name: in prose, in URLs and in the names of files.
SEPARATOR: Final = r"[\s_.+\-\u2010-\u2015\u2212'\u2018\u2019\u02bc\u00b7\u30fb]"
_COMMA: Final = "[,\u060c\u3001]"
# A letter of a script that has spaces between words. Digits are no part of a word: `Ann Lee1` has a footnote.
LETTER: Final = rf"[^\W\d_{UNSPACED}]"
_HANGUL: Final = ("\uac00", "\ud7af")
# By their first and last letter: the scripts that attach “and”, “in”, “to” and the like to the next word.
_PREFIXES: Final = (
    ("\u0600", "\u06ff", "[وف]", "[وفبلك]"),
    ("\u0590", "\u05ff", "[וש]", "[והבלמשכ]"),
)

# Parts of the pattern of what is not read as it is written.
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
# What ends a URL or the name of a file in a text.
_URL_ENDS: Final = frozenset("\"'<>()[]{}|\\")
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{2,5}(?![A-Za-z0-9])")
_MAX_URL: Final = 2_000
# Longer words hardly ever occur again.
_MAX_REMEMBERED: Final = 32

type Span = tuple[int, int]


class Markup(NamedTuple):
    """The place of a tag, the end of a link and the like, and of the text in it, such as attributes."""

    start: int
    end: int
    inner: Span = (0, 0)


@dataclass(frozen=True, slots=True)
class Flat:
    """A text as it is read. `starts` and `ends` say where in the source each character is."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    markup: Sequence[Markup]

    def span(self, found: re.Match[str]) -> Span:
        """Return where in the source a match in `text` is."""
        return self.starts[found.start()], self.ends[found.end() - 1]


def flatten(source: str) -> Flat:
    """Return `source` as it is read."""
    return _Flattener(source).read()


class _Flattener:
    """Collects what becomes a `Flat`. A method for each kind of token says what is read in its place."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._text: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._markup: list[Markup] = []

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
        self._markup.append(Markup(start, end, (start + 1, end - 1)))
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
        self._markup.append(Markup(start, end, (start + 2, end - 1)))

    def _mark(self, token: str, start: int, end: int) -> None:
        self._markup.append(Markup(start, end))

    def _escape(self, token: str, start: int, end: int) -> None:
        """Read nothing: it only says that the next character is meant literally."""

    def _quote(self, token: str, start: int, end: int) -> None:
        self._markup.append(Markup(start, end))
        self._add(" ", start, end)


def _decode(token: str) -> str:
    """Return what an entity, percent-encoded bytes or an escape of JSON stand for; if for nothing, itself."""
    if token[0] == "&":
        return html.unescape(token)
    if token[0] == "%":
        try:
            return bytes.fromhex(token.replace("%", "")).decode()
        except UnicodeDecodeError:
            return token
    point = int(token.removeprefix("\\u"), 16)
    # Halves of a pair belong to no name.
    return _BREAK if 0xD800 <= point < 0xE000 else chr(point)


@cache
def marks() -> str:
    """Return all combining marks, and the parts of Hangul syllables that follow the first, for a character class."""
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
    """A name in all of its `spellings`, and what it is replaced with. Spellings without a letter or digit are ignored.

    The replacement must not contain the name, or what means something in HTML and Markdown. `renamed` are names of
    files that contain the name and are replaced with something else.
    """

    def __init__(
        self, spellings: Iterable[str], replacement: str = "", renamed: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.spellings = [spelling for spelling in dict.fromkeys(spellings) if words_of(spelling)]
        self.replacement = replacement
        self._renamed = renamed
        # In a slug, a URL or the name of a file.
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
        """Return False only if the name is certainly not in `text`. Many times faster than `find`."""
        skimmed = _skim(text)
        return any(needle in skimmed for needle in self._needles)

    def find(self, text: str) -> list[Span]:
        """Return where the name is in `text`, also within tags and the like, in order."""
        if not self.may_be_in(text):
            return []
        flat = flatten(text)
        found = [flat.span(match) for match in self.pattern.finditer(flat.text)]
        for markup in flat.markup:
            start, end = markup.inner
            found += [(start + first, start + last) for first, last in self.find(text[start:end])]
        return sorted(found)

    def replace(self, text: str, *, is_url: bool = False) -> str:
        """Return `text` with the replacement in place of the name. Markup within the name stays, after it."""
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

    def _replace_within(self, text: str, markup: Markup) -> str:
        first, last = markup.inner
        if not last:
            return text[markup.start : markup.end]
        return text[markup.start : first] + self.replace(text[first:last]) + text[last : markup.end]


def pattern_of(spelling: str) -> str:
    """Return the regular expression for one spelling in the text of a `Flat`: as a whole, not in a longer word.

    Scripts without spaces have no words to be a part of. In Arabic and Hebrew, “and”, “in”, “to” and the like are
    attached to the next word, and in Korean, particles to the one before. They stay.
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
        # Slugs and names of files leave out the apostrophe of a genitive: “zoe-quillfeathers-case”.
        expression += rf"|{parts[0]}{'[-_]'.join(map(re.escape, words))}(?=s(?!{LETTER}))"
    return expression


def _gap_like(gap: str) -> str:
    """Return the expression for what is between two words of a name, like `gap` in the spelling."""
    if re.search(_COMMA, gap):
        return rf"{SEPARATOR}{{0,3}}{_COMMA}{SEPARATOR}{{0,6}}"
    # Hyphens and apostrophes are often left out, spaces are not.
    return rf"{SEPARATOR}{{{1 if ' ' in gap else 0},6}}"


def before(letter: str) -> str:
    """Return the expression for the place before a name that begins with `letter`."""
    if is_unspaced(letter) and not _HANGUL[0] <= letter <= _HANGUL[1]:
        return ""
    start = rf"(?<!{LETTER})(?<![{marks()}])"
    for first, last, outer, inner in _PREFIXES:
        if first <= letter <= last:
            return rf"(?:{start}|(?<={start}{inner})|(?<={start}{outer}{inner}))"
    return start


def after(letter: str) -> str:
    """Return the expression for the place after a name that ends with `letter`."""
    return "" if is_unspaced(letter) else rf"(?!{LETTER})(?![{marks()}])"


def _skim(text: str) -> str:
    """Return `text` decoded and folded, as it is and without the markup within words."""
    if "&" in text or "%" in text or "\\u" in text:
        text = _CODES.sub(lambda token: _decode(token[0]), text)
    whole = _MARKS.sub("", text)
    without_links = _LINKS.sub("", text) if "](" in text or "][" in text else text
    without_tags = _TAGS.sub("", without_links) if "<" in text else without_links
    bare = {_MARKS.sub("", without_links), _MARKS.sub("", without_tags)} - {whole}
    return _fold_all(_BREAK.join([whole, *bare]))


def _fold_all(text: str) -> str:
    """Return `text` normalised, but for spaces. Most words occur again and again, so looking them up is faster."""
    if text.isascii():
        return text.lower()
    return " ".join(
        [
            part.lower() if part.isascii() else _fold(part) if len(part) <= _MAX_REMEMBERED else normalise(part)
            for part in text.split(" ")
        ]
    )


def _is_in_url(text: str, start: int, end: int) -> bool:
    """Whether the name at this place is part of a URL, a slug, an e-mail address or the name of a file."""
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
