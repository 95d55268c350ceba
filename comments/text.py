"""Rendering the text of a comment as HTML."""

import re
from collections.abc import Iterator
from html import escape, unescape
from itertools import groupby

import nh3
from django.utils.safestring import SafeString, mark_safe

from blog.rendering.links import url_end
from blog.rendering.sanitising import divide_texts, limited_value
from blog.rendering.tree import rename_unknown
from comments.websites import has_address
from core.text import remove_controls

REL = "nofollow ugc noopener"

_BLOCKS = {"blockquote", "pre"}
# Imported comments may contain these too. Only their texts stay, as paragraphs.
_LISTS = {"ol", "ul", "li", "dl", "dt", "dd"}
_TABLES = {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
_SEPARATORS = {"p", "address", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr"} | _LISTS | _TABLES
_CLEANER = nh3.Cleaner(
    # The few tags that WordPress allows in comments, and those of paragraphs.
    tags={"a", "abbr", "b", "cite", "code", "del", "em", "i", "q", "s", "strong", "p", "br"} | _BLOCKS,
    attributes={"a": {"href", "title"}, "abbr": {"title"}},
    url_schemes={"http", "https"},
    attribute_filter=lambda tag, name, value: (
        None if name == "href" and has_address(value) else limited_value(tag, name, value)
    ),
    link_rel=REL,
    # Each paragraph has its own direction, so Arabic reads from the right on an English page.
    set_tag_attribute_values={name: {"dir": "auto"} for name in ("p", "pre")},
)
# The cleaner adds `rel` to every link, but HTML allows it only where there is a URL.
_LINK_WITHOUT_URL = re.compile(rf'<a((?: title="[^"]*+")?) rel="{REL}">')
# The parser reopens unclosed tags in every paragraph, so many tags or long ones would make a huge page. No more than
# MAX_REOPENED characters are repeated, even if the longest tag is reopened at each of the others.
MAX_TAGS = 300
MAX_REOPENED = 200_000

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*>")
_ANY_TAG = re.compile(r"(<[^<>]*>)")
_END_WITHOUT_BREAK = re.compile(r"(?<!<br>)(?<!<br/>)(?<!<br />)\n", re.IGNORECASE)
# Unlike in posts, `www.example.org` counts as a URL too.
_URL = re.compile(r"(?<!\w)(?:https?://|www\.)(?P<host>\w[\w.-]*+)(?::[0-9]+)?", re.IGNORECASE)
# The rest of the user information before the host, as in `https://user:password@host/`.
_USER_INFO = re.compile(r"(?::[^\s/?#@<>]{0,200})?@")
_WITHOUT_LINKS = {"a", "code", "pre"}


def comment_html(text: str, is_html: bool) -> SafeString:
    """Render a comment as HTML with paragraphs, line breaks and links for bare URLs, but nothing active.

    `text` is plain text, or with `is_html` (imported comments) it may contain the few tags that WordPress allows.
    E-mail addresses do not become links. Never raises; the time is proportional to the length of `text`.
    """
    text = remove_controls(text)
    linked = _link_urls_in_html(text) if is_html and not _has_many_tags(text) else _link_urls(text)
    cleaned = _CLEANER.clean(divide_texts(rename_unknown("".join(_blocks(linked)))))
    if (visible := remove_controls(cleaned)) != cleaned:
        # They were written as character references, such as `&#1;`. Removing them may have changed a URL's scheme.
        cleaned = _CLEANER.clean(divide_texts(visible))
    cleaned = _LINK_WITHOUT_URL.sub(r"<a\1>", cleaned)
    return mark_safe(cleaned.replace('<p dir="auto"></p>', "").strip())  # noqa: S308  # cleaned above


def _has_many_tags(text: str) -> bool:
    count = text.count("<")
    longest = max(map(len, _ANY_TAG.findall(text)), default=0)
    return count > MAX_TAGS or count * longest > MAX_REOPENED


def _blocks(source: str) -> Iterator[str]:
    """Yield block elements, and the paragraphs in and between them, separated by empty lines. `<pre>` is unchanged."""
    # A newline inside a tag is not a line break.
    source = _ANY_TAG.sub(lambda tag: tag[0].replace("\n", " "), source)
    verbatim = False
    done = 0
    for tag in _TAG.finditer(source):
        name = tag[2].lower()
        if name not in _BLOCKS | _SEPARATORS:
            continue
        before = source[done : tag.start()]
        yield before if verbatim else _paragraphs(before)
        if name in _BLOCKS:
            yield tag[0]
        if name == "pre":
            verbatim = not tag[1]
        done = tag.end()
    yield source[done:] if verbatim else _paragraphs(source[done:])


def _paragraphs(source: str) -> str:
    lines = (line.strip() for line in source.split("\n"))
    paragraphs = ("\n".join(group) for has_text, group in groupby(lines, bool) if has_text)
    return "\n".join(f"<p>{_END_WITHOUT_BREAK.sub('<br>\n', paragraph)}</p>" for paragraph in paragraphs)


def _link_urls_in_html(source: str) -> str:
    """Turn the bare URLs in `source` into links, except inside links and code."""
    parts = _ANY_TAG.split(source)
    inside: str | None = None
    for index, part in enumerate(parts):
        if tag := _TAG.fullmatch(part):
            name, closes = tag[2].lower(), bool(tag[1])
            if inside is None and name in _WITHOUT_LINKS and not closes:
                inside = name
            elif name == inside and closes:
                inside = None
        elif inside is None and _URL.search(part):
            parts[index] = _link_urls(unescape(part))
    return "".join(parts)


def _link_urls(text: str) -> str:
    """Escape plain `text` and turn its bare URLs into links."""
    parts: list[str] = []
    done = position = 0
    while match := _URL.search(text, position):
        position = url_end(match, len(text))
        # After user information, the host is not the one that readers expect, or this is an e-mail address.
        if _USER_INFO.match(text, match.end()) or position <= match.start("host"):
            position = match.end()
            continue
        shown = escape(text[match.start() : position])
        url = shown if match[0][:4].lower() == "http" else "https://" + shown
        parts += [escape(text[done : match.start()]), f'<a href="{url}">{shown}</a>']
        done = position
    parts.append(escape(text[done:]))
    return "".join(parts)
