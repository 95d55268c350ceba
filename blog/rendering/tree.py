"""From HTML of any quality to an lxml tree that every browser would build, and back to HTML.

nh3 reads HTML by the HTML standard's own algorithm, as browsers do, and writes it again as balanced HTML
of the elements asked for. That is one small step from XML, which lxml reads without guessing anything.

On hostile text the standard's algorithm takes more than linear time. Whatever has so many tags that it
could is closed by libxml2 first, which mends less well but never dawdles.
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Final, cast

import nh3
from lxml import etree

from blog.rendering import addresses
from blog.rendering.legacy import LEGACY_ATTRIBUTES, RENAMED, modernise
from blog.rendering.sanitising import ALLOWED_ATTRIBUTES, ALLOWED_TAGS

# The element that stands for the more marker (see `more`), and how it is written: exactly once in the
# body and in the lead of a text that has one, and never otherwise, because an id "more" that an author
# writes gets a prefix. Those who show the HTML put a link or an anchor in its place.
MARKER: Final = "more"
MORE_PLACEHOLDER: Final = '<span id="more"></span>'
# The element that stands for a page break (see `parts`).
BREAK: Final = "nextpage"

# Elements that are read although they are never shown, for the addresses in them (`media`).
EMBEDDING_ATTRIBUTES: Final = {
    "embed": frozenset({"src"}),
    "param": frozenset({"name", "value"}),
    "x-iframe": frozenset({"src"}),
    "x-object": frozenset({"data"}),
}
VOID: Final = frozenset({"br", "col", "embed", "hr", "img", "param", "source", "wbr"})

# Control characters, byte order marks (nh3 takes one off the start), halves of characters, and the two
# code points that no XML may hold.
UNSAFE_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\ufeff\ufffe\uffff\ud800-\udfff]")

# What browsers read as tags although nobody means it so.
NOT_A_TAG = re.compile(r"<(?=https?:)", re.IGNORECASE)
# Words for browsers that know no frames.
FRAME_WORDS = re.compile(r"(<iframe\b[^<>]*>)[^<>]*(?=</iframe\b)", re.IGNORECASE)
# To a browser all behind a frame that is never closed is its inside, and an object's inside is a place of
# its own. By another name they are like any element.
FRAME = re.compile(r"<(/?)(iframe|object)\b", re.IGNORECASE)
# Parts of whole pages, and elements inside which a browser reads by other rules: gone, and their words stay.
UNWRAPPED = re.compile(
    r"<(/?)(?:html|head|body|applet|button|frameset|marquee|math|noembed|noframes|noscript|plaintext"
    r"|select|svg|template|textarea|xmp)\b",
    re.IGNORECASE,
)

# Formatting that is not closed is opened again in every block after it.
FORMATTING: Final = ("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u")
FORMATTING_TAG = re.compile(rf"<(/?)({'|'.join(FORMATTING)})(?=[\s/>])", re.IGNORECASE)
# Elements that stay open until they are closed, whatever comes inside.
NESTING: Final = (
    *(
        "article",
        "aside",
        "blockquote",
        "center",
        "details",
        "dir",
        "div",
        "dl",
        "fieldset",
        "figure",
        "footer",
        "form",
    ),
    *("header", "main", "menu", "nav", "ol", "pre", "section", "span", "sub", "summary", "sup", "table", "ul"),
)
NESTING_TAG = re.compile(rf"<(/?)({'|'.join(NESTING)})(?=[\s/>])", re.IGNORECASE)
# Deeper than lxml reads. nh3 would spend time on it that grows with the square of the depth, only for that.
DEEPEST: Final = 2_048
# Where it cannot be told which end tags are ones: more than any text opens at all.
MOST_OPENED: Final = 20_000
# Where an end tag may stand that is none: in an attribute, a comment, a script.
UNSURE_ENDS = re.compile(r"""<[A-Za-z/][^<>]*<|=\s*"[^"<]*<|=\s*'[^'<]*<|<!|<(?:script|style|title)\b""", re.IGNORECASE)
# How many elements a text may thus become at most before libxml2 closes what is open.
REOPENING_BUDGET: Final = 200_000
# How deep it may then be nested in itself.
MAX_FORMATTING: Final = 3
# Elements without an end of which libxml2 does not know that.
ENDLESS = re.compile(r"<(embed|source|wbr)\b[^>]*>", re.IGNORECASE)
# What is left of a text that nests deeper than anyone writes: its words, paragraphs and lines.
ANY_TAG = re.compile(r"</?(?!(?:p|br)\b)[A-Za-z][^>]*>", re.IGNORECASE)

EMPTY = cast("Callable[[etree._Element], list[etree._Element]]", etree.XPath("descendant-or-self::*[not(node())]"))

# What nh3 writes: a "<" or ">" is always part of a tag or a comment.
COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
MARKING_COMMENT = re.compile(r"\s*(?:(more)(?:\s.*)?|(nextpage)\s*)", re.DOTALL)
VOID_TAG = re.compile(rf"<((?:{'|'.join(sorted(VOID))})\b[^>]*)>")
TAG_OF_LINES = re.compile(r"<[^>\n\t]*[\n\t][^>]*>")

# A marker in code is an example of one; in a player it would not be seen.
WITHOUT_MARKER: Final = ("pre", "code", "kbd", "samp", "audio", "video")


def clean_text(text: str) -> str:
    """`text` with line ends made `\\n`, control characters gone and lone surrogates replaced."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return UNSAFE_CHARACTERS.sub(lambda match: "\ufffd" if "\ud800" <= match[0] <= "\udfff" else "", text)


def _forgive(source: str) -> str:
    """`source` without what would make a browser hide the author's words."""
    source = NOT_A_TAG.sub("&lt;", source)
    source = FRAME_WORDS.sub(r"\1", source)
    source = FRAME.sub(lambda match: f"<{match[1]}x-{match[2].lower()}", source)
    source = UNWRAPPED.sub(r"<\1unwrapped ", source)
    # A comment or a tag that never ends is shown as the text it is, so that an editor sees the mistake.
    ended = source.rfind("-->") + 1
    source = source[:ended] + source[ended:].replace("<!--", "&lt;!--")
    ended = source.rfind(">") + 1
    source = source[:ended] + source[ended:].replace("<", "&lt;")
    for quote in ('"', "'"):
        opened = source.rfind(quote)
        if opened > 0 and source[opened - 1] == "=":
            tag = source.rfind("<", 0, opened)
            if tag >= 0 and ">" not in source[tag:opened]:
                source = f"{source[:tag]}&lt;{source[tag + 1 :]}"
    return source


def _most_open(source: str, tag: re.Pattern[str], *, ends_count: bool) -> int:
    """How many elements of the kind that `tag` finds are open at once, at most."""
    is_open: Counter[str] = Counter()
    now = most = 0
    for end, name in tag.findall(source.lower()):
        if not end:
            is_open[name] += 1
            now += 1
            most = max(most, now)
        elif ends_count and is_open[name]:
            is_open[name] -= 1
            now -= 1
    return most


def _flattened(source: str) -> str:
    """`source` with nothing in it that would take a parser more than its length: words and paragraphs always stay."""
    tags = source.count("<")
    # No more can be open than there are tags: of nearly all texts that says enough.
    if tags * tags <= REOPENING_BUDGET:
        return source
    ends_count = not UNSURE_ENDS.search(source)
    deepest = DEEPEST if ends_count else MOST_OPENED
    if tags > deepest and _most_open(source, NESTING_TAG, ends_count=ends_count) > deepest:
        return ANY_TAG.sub(" ", source)
    if tags * _most_open(source, FORMATTING_TAG, ends_count=ends_count) > REOPENING_BUDGET:
        return _closed(source)
    return source


def _closed(source: str) -> str:
    """`source` with every element closed that it opens, none of them deep in others."""
    parser = etree.HTMLParser(remove_pis=True)
    root = etree.fromstring(f"<body>{ENDLESS.sub(r'\g<0></\1>', source)}", parser)
    if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
        return ANY_TAG.sub(" ", source)
    for element in root.iter(*FORMATTING):
        if sum(1 for _ in element.iterancestors(*FORMATTING)) >= MAX_FORMATTING:
            element.tag = "unwrapped"
    return etree.tostring(root, encoding="unicode", method="html")


@cache
def _reader() -> nh3.Cleaner:
    attributes = {tag: set(names) for tag, names in (ALLOWED_ATTRIBUTES | EMBEDDING_ATTRIBUTES).items()}
    attributes["*"] |= LEGACY_ATTRIBUTES
    return nh3.Cleaner(
        tags=set(ALLOWED_TAGS | EMBEDDING_ATTRIBUTES.keys() | RENAMED.keys()),
        clean_content_tags={"script", "style", "title"},
        attributes=attributes,
        url_schemes=set(addresses.ALLOWED_SCHEMES),
        link_rel=None,
        strip_comments=False,
    )


def _mark(comment: str) -> str:
    """The element that stands for a comment, if it means something."""
    if not (found := MARKING_COMMENT.fullmatch(comment)):
        return ""
    return f"<{MARKER}/>" if found[1] else f"<{BREAK}/>"


def _read(source: str) -> etree._Element:
    html = clean_text(_reader().clean(source)).replace("&nbsp;", "\xa0")
    html = COMMENT.sub(lambda comment: _mark(comment[1]), html)
    html = VOID_TAG.sub(r"<\1/>", html)
    # XML makes blanks of line ends in attributes; in an address they mean nothing, and blanks do.
    html = TAG_OF_LINES.sub(lambda match: match[0].replace("\n", "&#10;").replace("\t", "&#9;"), html)
    return etree.fromstring(f"<body>{html}</body>", etree.XMLParser(huge_tree=True, resolve_entities=False))


def parse(html: str) -> tuple[etree._Element, etree._Element | None]:
    """The tree of `html`, old HTML said in new, and in it the element of its first more marker, if there is one.

    Page breaks are in it too, wherever they were written.
    """
    source = _flattened(_forgive(clean_text(html)))
    try:
        root = _read(source)
    except etree.XMLSyntaxError:
        # Nested deeper than lxml reads.
        root = _read(ANY_TAG.sub(" ", source))
    modernise(root)
    marker = None
    for found in list(root.iter(MARKER, BREAK)):
        if any(True for _ in found.iterancestors(*WITHOUT_MARKER)):
            found.tag = "unwrapped"
        elif found.tag == MARKER and marker is None:
            marker = found
        elif found.tag == MARKER:
            found.tag = "unwrapped"
    return root, marker


def unwrap(root: etree._Element) -> None:
    """Take out the elements renamed "unwrapped", not what they hold."""
    etree.strip_tags(root, "unwrapped")


def take_out(element: etree._Element) -> None:
    """Take `element` out of the tree and leave the text behind it there."""
    parent = element.getparent()
    if parent is None:
        return
    text, element.tail = element.tail, None
    before = element.getprevious()
    parent.remove(element)
    if before is not None:
        before.tail = (before.tail or "") + (text or "") or None
    else:
        parent.text = (parent.text or "") + (text or "") or None


def text_of(element: etree._Element) -> str:
    """All text inside, run together."""
    return "".join(map(str, element.itertext()))


def write(root: etree._Element) -> str:
    """The HTML of everything inside `root`."""
    for element in EMPTY(root):
        if element.tag not in VOID:
            # Written as `<p></p>`: HTML has no `<p/>`.
            element.text = ""
    for element in root.iter("pre"):
        if element.text:
            # A line end right after the tag is not part of the text; each reading takes one off.
            element.text = element.text.lstrip("\n")
    html: str = etree.tostring(root, encoding="unicode")
    html = html.removeprefix("<body>").removesuffix("</body>")
    return html.replace(f"<{MARKER}></{MARKER}>", MORE_PLACEHOLDER)
