"""Splitting content into tokens: tags, comments and the text between them."""

import re
from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple

from blog.rendering.html_tags import VOID

# Inside a tag, quotes hide a `>` only after an equals sign; otherwise a stray quote would swallow paragraphs.
_TAG_NAME = r"</?(?=([A-Za-z][^\s/<>]*+))"
_TAG = rf"""{_TAG_NAME}(?:(?:[^<>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?)*+|[^<>]*+)>|<[!?][^<>]*+>"""
_TAGS = re.compile(_TAG)
_TAGS_AND_COMMENTS = re.compile(rf"<!--.*?-->|{_TAG}", re.DOTALL)
_SELF_CLOSING = re.compile(r"""(?:["'\s]|</?[A-Za-z][\w:-]*)/>$""")

# Elements whose content is left as it is, including blank lines and quotes.
VERBATIM: Final = frozenset({"math", "pre", "script", "style", "svg", "textarea"})
# Elements whose content keeps its straight quotes.
CODE: Final = VERBATIM | {"code", "kbd", "samp", "tt", "var"}


class Token(NamedTuple):
    """`source` is the token as written, `name` the lower-case name of a tag."""

    kind: Literal["text", "start", "end", "comment"]
    source: str
    name: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether the element has no content: `<br>`, or an XHTML `<a name="top" />`."""
        return self.name in VOID or _SELF_CLOSING.search(self.source) is not None

    @property
    def whole(self) -> str:
        """The empty element as HTML, in which a slash at the end of a tag has no meaning."""
        return self.source if self.name in VOID else f"{self.source[:-2].rstrip()}></{self.name}>"


def tokenise(source: str) -> Iterator[Token]:
    """Yield the tokens of `source`. Joined, they are `source` again. Takes time proportional to its length."""
    # Search for comments only up to the end of the last one, because each failed search would scan the whole rest.
    comments_end = source.rfind("-->") + 3 if "-->" in source else 0
    position = 0
    for pattern, until in ((_TAGS_AND_COMMENTS, comments_end), (_TAGS, len(source))):
        for match in pattern.finditer(source, position, until):
            if match.start() > position:
                yield Token("text", source[position : match.start()])
            position = match.end()
            if match[1] is None:
                yield Token("comment", match[0])
            else:
                yield Token("end" if match[0][1] == "/" else "start", match[0], match[1].lower())
    if position < len(source):
        yield Token("text", source[position:])


def tokenise_with_code(source: str) -> Iterator[tuple[Token, bool]]:
    """Yield the tokens of `source`, and whether each is inside code."""
    code: list[str] = []
    for token in tokenise(source):
        yield token, bool(code)
        if token.kind == "start" and token.name in CODE:
            code.append(token.name)
        elif token.kind == "end" and code and code[-1] == token.name:
            code.pop()


def find_in_texts(pattern: re.Pattern[str], source: str) -> Iterator[re.Match[str]]:
    """Yield the matches of `pattern` in the texts between tags and comments, except in code."""
    if not pattern.search(source):
        return
    for token, is_code in tokenise_with_code(source):
        if token.kind == "text" and not is_code:
            yield from pattern.finditer(token.source)


def change_texts(source: str, change: Callable[[str], str]) -> str:
    """Return `source` with the texts between tags and comments changed by `change`, except in code."""
    return "".join(
        change(token.source) if token.kind == "text" and not is_code else token.source
        for token, is_code in tokenise_with_code(source)
    )
