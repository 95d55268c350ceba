"""What a comment's text becomes on the page. Nothing here knows of models, requests or settings."""

import html
import re
from collections.abc import Iterator
from html import escape

import nh3
from django.utils.safestring import SafeString, mark_safe

from blog.rendering.links import address_end

# Of all links that readers wrote.
REL = "nofollow ugc noopener"

_BLOCKS = {"blockquote", "pre"}
_CLEANER = nh3.Cleaner(
    # WordPress's few tags for comments, and what paragraphs are made of.
    tags={"a", "abbr", "b", "cite", "code", "del", "em", "i", "q", "s", "strong", "p", "br"} | _BLOCKS,
    attributes={"a": {"href", "title"}, "abbr": {"title"}},
    url_schemes={"http", "https"},
    link_rel=REL,
    # Each paragraph finds its own direction: Arabic reads from the right on an English page.
    set_tag_attribute_values={name: {"dir": "auto"} for name in ("p", "pre")},
)
# A parser opens each unclosed tag again in every paragraph: of many tags it makes a huge page.
MAX_TAGS = 300

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*>")
_ANY_TAG = re.compile(r"(<[^<>]*>)")
# Unlike in posts, `www.example.org` is an address too.
_ADDRESS = re.compile(r"(?<!\w)(?:https?://|www\.)(?P<host>\w[\w.-]*+)(?::[0-9]+)?", re.IGNORECASE)
_WITHOUT_LINKS = {"a", "code", "pre"}
# What no form of XML or HTML holds: one such sign would make a whole feed unreadable.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def without_controls(text: str) -> str:
    """`text` without control characters, every line end being `\\n`."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def comment_html(text: str, is_html: bool) -> SafeString:
    """The HTML of a comment: paragraphs, line breaks, bare URLs as links, and nothing active.

    `text` is plain, so every sign of it is shown, or with `is_html` (imported) it may hold WordPress's few tags.
    E-mail addresses are never made links. Never raises; takes time in proportion to the length of `text`.
    """
    text = without_controls(text)
    linked = _linked_html(text) if is_html and text.count("<") <= MAX_TAGS else _linked(text)
    cleaned = _CLEANER.clean("".join(_blocks(linked)))
    return mark_safe(cleaned.replace('<p dir="auto"></p>', "").strip())  # noqa: S308  # cleaned in the line above


def _blocks(source: str) -> Iterator[str]:
    """Paragraphs from blank lines, in and between the block elements; `<pre>` stays as it is."""
    # A line end inside a tag is no line break.
    source = _ANY_TAG.sub(lambda tag: tag[0].replace("\n", " "), source)
    verbatim = False
    done = 0
    for tag in _TAG.finditer(source):
        name = tag[2].lower()
        if name not in _BLOCKS | {"p"}:
            continue
        before = source[done : tag.start()]
        yield before if verbatim else _paragraphs(before)
        # A paragraph tag is one more way to say "new paragraph".
        if name != "p":
            yield tag[0]
        if name == "pre":
            verbatim = not tag[1]
        done = tag.end()
    yield source[done:] if verbatim else _paragraphs(source[done:])


def _paragraphs(source: str) -> str:
    paragraphs: list[list[str]] = [[]]
    for line in source.split("\n"):
        if line := line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return "\n".join(f"<p>{_broken(lines)}</p>" for lines in paragraphs if lines)


def _broken(lines: list[str]) -> str:
    """`lines` with a line break between each two, unless there is one already."""
    ends = ("<br>", "<br/>", "<br />")
    return "\n".join([*(line if line.lower().endswith(ends) else line + "<br>" for line in lines[:-1]), lines[-1]])


def _linked_html(source: str) -> str:
    """`source` with its bare URLs made links, but none inside a link or in code."""
    parts = _ANY_TAG.split(source)
    inside: str | None = None
    for number, part in enumerate(parts):
        if tag := _TAG.fullmatch(part):
            name, closes = tag[2].lower(), bool(tag[1])
            if inside is None and name in _WITHOUT_LINKS and not closes:
                inside = name
            elif name == inside and closes:
                inside = None
        elif inside is None and _ADDRESS.search(part):
            parts[number] = _linked(html.unescape(part))
    return "".join(parts)


def _linked(text: str) -> str:
    """Plain `text`, escaped, with its bare URLs made links."""
    parts: list[str] = []
    done = position = 0
    while match := _ADDRESS.search(text, position):
        position = address_end(match, len(text))
        if position <= match.start("host"):
            position = match.end()
            continue
        shown = escape(text[match.start() : position])
        address = shown if match[0][:4].lower() == "http" else "https://" + shown
        parts += [escape(text[done : match.start()]), f'<a href="{address}">{shown}</a>']
        done = position
    parts.append(escape(text[done:]))
    return "".join(parts)
