"""HTML text as a row of tokens: the first, forgiving step from hostile text to a tree.

The rules are those of the HTML standard's tokeniser (https://html.spec.whatwg.org/, 13.2.5) except
where the standard would throw a reader's words away: a comment or a tag that never ends is shown as
the text it is, so that an editor sees the mistake instead of losing the rest of the post.

Everything here takes time in proportion to the length of the text, whatever the text.
"""

import html
import re
from collections.abc import Iterator
from html.entities import html5
from typing import Final, Literal, NamedTuple

# What browsers do not show and a reader is not meant to see. An iframe's content is for browsers
# that know none; its address is kept by the start tag.
WITHOUT_CONTENT: Final = frozenset({"script", "style", "title", "iframe"})

# A tag that never ends costs one look at the rest of the text; after so many we stop looking.
MAX_UNFINISHED_TAGS: Final = 10

BLANKS = r"[ \t\n]"
NAME = re.compile(r"[A-Za-z][^ \t\n/>]*+")
ATTRIBUTE_NAME = re.compile(r"[ \t\n/]*+([^ \t\n/>][^ \t\n/>=]*+)")
EQUALS = re.compile(rf"{BLANKS}*+={BLANKS}*+")
UNQUOTED = re.compile(r"[^ \t\n>]*+")
TAG_END = re.compile(r"[ \t\n/]*+>")
REFERENCE = re.compile(r"&(?:#(?:[0-9]++|[xX][0-9a-fA-F]++);?|[A-Za-z][A-Za-z0-9]{1,40}+;?)")
REFERENCE_IN_ATTRIBUTE = re.compile(r"&(?:(#(?:[0-9]++|[xX][0-9a-fA-F]++);?)|([A-Za-z][A-Za-z0-9]{1,40}+(?:;|(?!=))))")
# Long enough for the last code point, short enough for int() and for us.
MAX_REFERENCE_LENGTH = 12

# Control characters, byte order marks (nh3 takes one off the start) and halves of characters.
UNSAFE_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\ufeff\ud800-\udfff]")


class Token(NamedTuple):
    """One piece of HTML. `value` is a decoded text, a lower-case tag name or a comment's inside."""

    kind: Literal["text", "start", "end", "comment"]
    value: str
    attributes: dict[str, str]


def clean_text(text: str) -> str:
    """`text` with line ends made `\\n`, control characters gone and lone surrogates replaced."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return UNSAFE_CHARACTERS.sub(lambda match: "\ufffd" if "\ud800" <= match[0] <= "\udfff" else "", text)


def _decode_reference(reference: str) -> str:
    if reference.startswith("&#") and len(reference) > MAX_REFERENCE_LENGTH:
        return "\ufffd"
    return html.unescape(reference)


def _decode_attribute_reference(match: re.Match[str]) -> str:
    # In an attribute only a whole name counts, or `?a=1&copy=2` would hold a copyright sign.
    if match[2] is not None and match[2] not in html5:
        return match[0]
    return _decode_reference(match[0])


def decode_text(text: str) -> str:
    """`text` with its character references replaced by what they stand for."""
    if "&" not in text:
        return text
    return clean_text(REFERENCE.sub(lambda match: _decode_reference(match[0]), text))


def decode_attribute(value: str) -> str:
    """An attribute's value with its character references replaced by what they stand for."""
    if "&" not in value:
        return value
    return clean_text(REFERENCE_IN_ATTRIBUTE.sub(_decode_attribute_reference, value))


def _read_attributes(source: str, position: int) -> tuple[dict[str, str], int] | None:
    """The attributes from `position` on and where the tag ends, or None if it never does."""
    attributes: dict[str, str] = {}
    if source.startswith(">", position):
        return attributes, position + 1
    while not (end := TAG_END.match(source, position)):
        name = ATTRIBUTE_NAME.match(source, position)
        if not name:
            return None
        position = name.end()
        value = ""
        if equals := EQUALS.match(source, position):
            position = equals.end()
            quote = source[position : position + 1]
            if quote in ('"', "'"):
                closing = source.find(quote, position + 1)
                if closing < 0:
                    return None
                value = source[position + 1 : closing]
                position = closing + 1
            else:
                unquoted = UNQUOTED.match(source, position)
                value = unquoted[0] if unquoted else ""
                position += len(value)
        attributes.setdefault(name[1].lower(), decode_attribute(value))
    return attributes, end.end()


def _comment_end(source: str, start: int) -> tuple[int, int] | None:
    """Where the inside of the comment opening at `start` ends, and where the comment does."""
    inside = start + 4
    for short in (">", "->"):
        if source.startswith(short, inside):
            return inside, inside + len(short)
    end = source.find("-->", inside)
    return None if end < 0 else (end, end + 3)


def tokenise(source: str) -> Iterator[Token]:
    """The tokens of `source`, which `clean_text` has seen. Neighbouring texts are not joined."""
    position = 0
    unfinished = 0
    never_closed: set[str] = set()
    last_comment_end = source.rfind("-->")
    last_tag_end = source.rfind(">")
    while (start := source.find("<", position)) >= 0 and unfinished < MAX_UNFINISHED_TAGS:
        if start > position:
            yield Token("text", decode_text(source[position:start]), {})
        position = start + 1
        if source.startswith("<!--", start):
            comment = _comment_end(source, start) if start < last_comment_end else None
            if comment:
                yield Token("comment", source[start + 4 : comment[0]], {})
                position = comment[1]
                continue
        elif source.startswith(("<!", "<?"), start):
            # Declarations, CDATA and the processing instructions word processors leave behind.
            if start < last_tag_end:
                position = source.find(">", start) + 1
                continue
        else:
            is_end = source.startswith("/", position)
            name = NAME.match(source, position + is_end)
            if name and not name[0].startswith(("http:", "https:")):
                read = _read_attributes(source, name.end()) if start < last_tag_end else None
                if read:
                    attributes, position = read
                    tag = name[0].lower()
                    yield Token("end" if is_end else "start", tag, attributes)
                    if not is_end and tag in WITHOUT_CONTENT and tag not in never_closed:
                        closing = re.compile(rf"</{tag}(?=[ \t\n/>])", re.IGNORECASE)
                        if found := closing.search(source, position):
                            position = found.start()
                        else:
                            never_closed.add(tag)
                    continue
                unfinished += start < last_tag_end
        yield Token("text", "<", {})
    if position < len(source):
        yield Token("text", decode_text(source[position:]), {})
