"""A WordPress body as a row of tokens: tags, comments and the text between."""

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

# In a tag, quotes hide a `>` only after an equals sign; else a stray quote would swallow paragraphs.
_NAMED = r"</?(?=([A-Za-z][^\s/>]*+))"
_TAG = rf"""{_NAMED}(?:(?:[^<>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?)*+|[^<>]*+)>|<[!?][^<>]*+>"""
_TAGS = re.compile(_TAG)
_TAGS_AND_COMMENTS = re.compile(rf"<!--.*?-->|{_TAG}", re.DOTALL)
_CLOSED_IN_ITSELF = re.compile(r"""(?:["'\s]|</?[A-Za-z][\w:-]*)/>$""")

VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
# Their insides are taken as they are, blank lines and quotes included.
VERBATIM: Final = frozenset({"math", "pre", "script", "style", "svg", "textarea"})
# Their insides keep straight quotes.
TYPED: Final = VERBATIM | {"code", "kbd", "samp", "tt", "var"}


class Token(NamedTuple):
    """`source` is the token as it was written, `name` that of a tag, in lower case."""

    kind: Literal["text", "start", "end", "comment"]
    source: str
    name: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing can stand in it: `<br>`, or an XHTML `<a name="top" />`."""
        return self.name in VOID or _CLOSED_IN_ITSELF.search(self.source) is not None

    @property
    def whole(self) -> str:
        """An empty element as HTML writes it, where a slash at the end means nothing."""
        return self.source if self.name in VOID else f"{self.source[:-2].rstrip()}></{self.name}>"


def tokenise(source: str) -> Iterator[Token]:
    """The tokens of `source`. Joined, they are `source` again. Takes time in proportion to its length."""
    # Where no comment can end any more none is looked for: each look would go through all that is left.
    border = source.rfind("-->") + 3 if "-->" in source else 0
    position = 0
    for pattern, until in ((_TAGS_AND_COMMENTS, border), (_TAGS, len(source))):
        for match in pattern.finditer(source, position, until):
            if match.start() > position:
                yield Token("text", source[position : match.start()])
            position = match.end()
            yield _tag(match[0], match[1])
    if position < len(source):
        yield Token("text", source[position:])


def _tag(source: str, name: str | None) -> Token:
    if name is None:
        return Token("comment", source)
    return Token("end" if source[1] == "/" else "start", source, name.lower())


def comment_text(token: Token) -> str:
    """What a comment says: `more` of `<!--more-->`; nothing for a declaration."""
    return token.source[4:-3].strip() if token.source.startswith("<!--") else ""
