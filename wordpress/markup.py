"""The `wordpress` markup: bodies as WordPress stores them, made into the HTML that it would show.

There are two kinds. Classic bodies are HTML in which blank lines part paragraphs and single line ends
break lines (wordpress.paragraphs). Bodies of the block editor are plain HTML between comments such as
`<!-- wp:paragraph -->`. The result is untrusted: blog.rendering cleans it.

What differs from WordPress on purpose: a classic body between blocks keeps its paragraphs, which WordPress runs
together; a gallery whose pictures are not here and a shortcode that is not known stay as text; blocks that show what a
site has at the moment (newest posts, archives) show nothing.
"""

import json
import re
from html import escape

from blog.rendering.tree import clean_text
from wordpress.fragments import list_of_notes, with_shared_blocks
from wordpress.galleries import PicturesOf
from wordpress.origins import Origin
from wordpress.paragraphs import BLOCKS, with_paragraphs
from wordpress.shortcodes import expand
from wordpress.tokens import TYPED, tokenise
from wordpress.typography import typographic

_BLOCK_MARK = re.compile(r"<!--\s+(?P<end>/)?wp:(?P<name>[a-z][a-z0-9_/-]*)\s(?:.*?)(?P<alone>/)?-->", re.DOTALL)
# Blocks that hold a classic body.
_CLASSIC_BLOCKS = {"freeform", "core/freeform", "shortcode", "core/shortcode"}
# Nothing but room between others.
_ROOM = {"spacer", "core/spacer"}
_NOTES = {"footnotes", "core/footnotes"}
# Links to somebody's pages elsewhere.
_PROFILES = {"social-link", "core/social-link"}
# What shows a document in its own frame, above the link to it.
_FILE_BLOCKS = {"file", "core/file"}
_OBJECT = re.compile(r"<object\b[^<>]*>[^<>]*</object>", re.IGNORECASE)
# The mark of a footnote. The notes themselves are kept apart from the body.
_NOTE_MARK = re.compile(r'(<sup\b[^<>]*\bclass="fn"[^<>]*>)<a\b[^<>]*\bhref="#([^"<>]+)"[^<>]*>([^<>]*)</a>')


def to_html(source: str, entry: object = None) -> str:
    """The HTML of `source`, with typographic quotes and the marks `<!--more-->` and `<!--nextpage-->` kept.

    Galleries and shared blocks show what the site that `entry` came from had under their numbers.

    Never raises; takes time in proportion to the length of `source`.
    Source: the documented behaviour of wpautop, wptexturize and the block editor.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    origin = Origin(entry)
    source = expand(with_shared_blocks(source, origin), PicturesOf(origin))
    if "<!-- wp:" not in source:
        return with_paragraphs(source)
    html = "".join(_blocks(source, origin)).strip()
    if 'class="fn"' in html:
        named = set(re.findall(r'\bid="([^"<>]+)"', html))
        html = _NOTE_MARK.sub(lambda mark: mark[0] if mark[2] in named else f"{mark[1]}{mark[3]}", html)
    return html


def _blocks(source: str, origin: Origin) -> list[str]:
    """The insides of all blocks. What stands between blocks is a classic body of its own."""
    html: list[str] = []
    names: list[str] = []
    done = 0

    def inside(until: int) -> str:
        text = source[done:until]
        if names and names[-1] in _ROOM:
            return ""
        if names and names[-1] in _FILE_BLOCKS:
            text = _OBJECT.sub("", text)
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
        elif mark["name"] in _NOTES:
            html.append(list_of_notes(source, _with_typography, origin))
        elif "embed" in mark["name"]:
            html.append(_embed_alone(mark[0]))
        elif mark["name"] in _PROFILES:
            html.append(_profile_alone(mark[0]))
    return [*html, inside(len(source))]


def _embed_alone(mark: str) -> str:
    """The address in an embed's comment that has no markup with it."""
    url = _values(mark).get("url")
    return f"\n<p>{escape(url)}</p>\n" if url else ""


def _profile_alone(mark: str) -> str:
    """The link to somebody's page elsewhere, of which there is only a comment."""
    values = _values(mark)
    url = values.get("url", "")
    words = values.get("label") or values.get("service", "").capitalize() or url
    return f'<li><a href="{escape(url)}">{escape(words)}</a></li>\n' if url else ""


def _values(mark: str) -> dict[str, str]:
    """The texts among the values in a block's comment."""
    try:
        values = json.loads(mark[mark.index("{") : mark.rindex("}") + 1])
    except (ValueError, RecursionError):
        return {}
    # JSON can spell out what no text holds.
    return {name: clean_text(value) for name, value in values.items() if isinstance(value, str)}


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
        if kind == "start" or name in BLOCKS:
            before = ""
        if kind == "start" and name in TYPED:
            typed.append(name)
        elif kind == "end" and typed and typed[-1] == name:
            typed.pop()
    return "".join(html)
