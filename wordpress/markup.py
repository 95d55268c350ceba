"""The `wordpress` markup: bodies as WordPress stores them, made into the HTML that it would show.

There are two kinds. Classic bodies are HTML in which blank lines part paragraphs and single line ends
break lines (wordpress.paragraphs). Bodies of the block editor are plain HTML between comments such as
`<!-- wp:paragraph -->`. The result is untrusted: blog.rendering cleans it.
"""

import re

from wordpress.paragraphs import with_paragraphs
from wordpress.shortcodes import captions_to_figures
from wordpress.tokens import TYPED, tokenise
from wordpress.typography import typographic

_BLOCK_MARK = re.compile(r"<!--\s+(?P<end>/)?wp:(?P<name>[a-z][a-z0-9_/-]*)\s(?:.*?)(?P<alone>/)?-->", re.DOTALL)
# Blocks that hold a classic body.
_CLASSIC_BLOCKS = {"freeform", "core/freeform", "shortcode", "core/shortcode"}


def to_html(source: str) -> str:
    """The HTML of `source`, with typographic quotes and the marks `<!--more-->` and `<!--nextpage-->` kept.

    Never raises; takes time in proportion to the length of `source`.
    Source: the documented behaviour of wpautop, wptexturize and the block editor.
    """
    source = captions_to_figures(source.replace("\r\n", "\n").replace("\r", "\n"))
    if "<!-- wp:" not in source:
        return with_paragraphs(source)
    return "".join(_blocks(source)).strip()


def _blocks(source: str) -> list[str]:
    """The insides of all blocks. What stands between blocks is a classic body of its own."""
    html: list[str] = []
    names: list[str] = []
    done = 0

    def inside(until: int) -> str:
        text = source[done:until]
        if names and names[-1] not in _CLASSIC_BLOCKS:
            return _with_typography(text)
        return with_paragraphs(text) + "\n" if text.strip() else "\n"

    # Marks end where comments do; after the last such end there is none.
    for mark in _BLOCK_MARK.finditer(source, 0, source.rfind("-->") + 3):
        html.append(inside(mark.start()))
        done = mark.end()
        if mark["end"]:
            if names:
                names.pop()
        elif not mark["alone"]:
            names.append(mark["name"])
    return [*html, inside(len(source))]


def _with_typography(source: str) -> str:
    """`source` with nothing changed but straight quotes, dashes and dots."""
    html: list[str] = []
    typed: list[str] = []
    before = ""
    for kind, written, name in tokenise(source):
        if kind == "text":
            text = written.replace("<", "&lt;")
            html.append(text if typed else typographic(text, before))
            before = text[-1]
            continue
        html.append(written)
        if kind == "start" and name in TYPED:
            typed.append(name)
        elif kind == "end" and typed and typed[-1] == name:
            typed.pop()
    return "".join(html)
