"""Parsing HTML of any quality into the lxml tree that every browser would build, and serialising it again.

nh3 parses HTML with the HTML standard's own algorithm, as browsers do, and writes it again as well-formed HTML, which
is nearly XML. The algorithm takes more than linear time on hostile text. Where there are enough tags for that, libxml2
closes the elements first: it repairs less well, but is never slow.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from html import escape, unescape
from typing import Final, cast

import nh3
from lxml import etree

from blog.rendering import urls
from blog.rendering.html_tags import TAG, find_tags, raw_text_ends
from blog.rendering.obsolete import LATE_SOURCES, RENAMED, modernise
from blog.rendering.sanitising import ALLOWED_ATTRIBUTES, ALLOWED_TAGS, divide_texts, limited_value
from core.text import unify_line_ends

# The element that represents the more marker (`markers`), and its HTML, which occurs exactly once in the body and
# in the lead of a text that has a marker. It never occurs otherwise, because an author's own id "more" gets a prefix.
# Code that shows a text replaces it with a link or an anchor.
MORE_TAG: Final = "more"
MORE_PLACEHOLDER: Final = '<span id="more"></span>'
# The element that represents a page break (`markers`).
PAGE_BREAK_TAG: Final = "nextpage"

# Elements that are read although they are never shown, for the sake of their URLs (`remote_media`).
_EMBEDDING_ATTRIBUTES: Final = {
    "embed": frozenset({"src"}),
    "param": frozenset({"name", "value"}),
    "x-iframe": frozenset({"src"}),
    "x-object": frozenset({"data"}),
}
_READ_ATTRIBUTES: Final = {
    **ALLOWED_ATTRIBUTES,
    **_EMBEDDING_ATTRIBUTES,
    "img": ALLOWED_ATTRIBUTES["img"].union(LATE_SOURCES),
    # Only rendering names links that show a symbol. Others are called what they show.
    "a": ALLOWED_ATTRIBUTES["a"] - {"aria-label"},
    # The last three are obsolete.
    "*": ALLOWED_ATTRIBUTES["*"] | {"align", "name", "style"},
}
_READER: Final = nh3.Cleaner(
    tags=set(ALLOWED_TAGS | _EMBEDDING_ATTRIBUTES.keys() | RENAMED.keys()),
    clean_content_tags={"script", "style", "title"},
    attributes={tag: set(names) for tag, names in _READ_ATTRIBUTES.items()},
    attribute_filter=limited_value,
    url_schemes=set(urls.ALLOWED_SCHEMES),
    link_rel=None,
    strip_comments=False,
)

_VOID: Final = frozenset({"br", "col", "embed", "hr", "img", "param", "source", "track", "wbr"})

# Control characters, byte order marks (nh3 removes one from the start), lone surrogates, and the two
# code points that XML does not allow.
_UNSAFE_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\ufeff\ufffe\uffff\ud800-\udfff]")

# What browsers read as tags although authors never mean it that way.
_NOT_A_TAG = re.compile(r"<(?=https?:)", re.IGNORECASE)
# Text for browsers that do not support frames.
_FRAME_FALLBACK = re.compile(r"(<iframe\b[^<>]*>)[^<>]*(?=</iframe\b)", re.IGNORECASE)
# To a browser, everything after an unclosed frame is its content, and the content of an object has its own scope.
# Under another name they are like any other element.
_FRAME = re.compile(r"<(/?)(iframe|object)\b", re.IGNORECASE)
# Elements that are read under their own names: those above, and others that have rules of their own in a browser's
# parser. All others are removed, but their text stays: elements of whole pages, elements in which a browser parses by
# other rules, and words that are not elements of HTML, as in `List<int>`. nh3 would remove the content of many of these
# words as well, because they are elements of SVG or MathML.
_READ: Final = (
    (ALLOWED_TAGS | _EMBEDDING_ATTRIBUTES.keys() | RENAMED.keys())
    | {"area", "base", "basefont", "bgsound", "big", "font", "frame", "image", "input", "keygen", "link", "meta"}
    | {"nobr", "optgroup", "option", "rb", "rtc", "script", "style", "title"}
)
_TAG_NAME = re.compile(r"</?([a-z][^\s/>]*+)", re.IGNORECASE)
# The tags of a formula, its source in TeX, and everything that is not the formula itself. Each match ends before the
# next tag of its kind, so that finding them takes linear time.
_MATH_TAG = re.compile(
    r"""<math(?=[\s>])(?P<attributes>(?:[^"'<>]++|"[^"<]*+"|'[^'<]*+')*+)>|</math\s*+>""", re.IGNORECASE
)
_TEX_ATTRIBUTE = re.compile(r"""\sdata-latex\s*+=\s*+(?:"([^"]*+)"|'([^']*+)')""", re.IGNORECASE)
_TEX_ANNOTATION = re.compile(r"<annotation\s(?=[^<>]*application/x-tex\b)[^<>]*+>([^<]*+)</annotation", re.IGNORECASE)
_ANNOTATION = re.compile(
    r"<annotation\b[^<>]*+>(?:[^<]++|<(?!/?annotation\b))*+</annotation(?:-xml)?\s*+>", re.IGNORECASE
)

# Unclosed formatting is opened again in every following block.
_FORMATTING: Final = ("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u")
# Elements that do not stay open, whatever they contain: void ones, and those that end with the next one of their kind.
_NOT_NESTING: Final = frozenset(
    {"br", "caption", "col", "colgroup", "dd", "dt", "embed", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img", "input"}
    | {"li", "link", "meta", "optgroup", "option", "p", "param", "source", "tbody", "td", "tfoot", "th", "thead", "tr"}
    | {"track", "wbr", *_FORMATTING}
)
_RAW_TEXT_ENDS: Final = raw_text_ends(("script", "style", "title"))
# Deeper than lxml reads. nh3 would take quadratic time, for nothing.
_MAX_DEPTH: Final = 2_048
# libxml2 closes the elements of a text that could otherwise grow by more elements than this, or by more characters.
_REOPENING_BUDGET: Final = 200_000
_REOPENED_CHARACTERS: Final = 5_000_000
# How deep formatting may then be nested in formatting.
_MAX_FORMATTING_DEPTH: Final = 3
# Elements without an end tag that libxml2 does not know as such.
_VOID_UNKNOWN_TO_LIBXML2 = re.compile(r"<(embed|source|track|wbr)\b[^>]*>", re.IGNORECASE)
# Removed from a text that nests deeper than any real one. Its text, paragraphs and line breaks remain.
_ANY_TAG = re.compile(r"</?(?!(?:p|br)\b)[A-Za-z][^>]*>", re.IGNORECASE)

# These match the output of nh3, in which "<" and ">" always belong to a tag or a comment.
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_MARKER_COMMENT = re.compile(rf"\s*(?:({MORE_TAG})(?:\s.*)?|({PAGE_BREAK_TAG})\s*)", re.DOTALL)
_VOID_TAG = re.compile(rf"<((?:{'|'.join(sorted(_VOID))})\b[^>]*)>")
_MULTILINE_TAG = re.compile(r"<[^>\n\t]*[\n\t][^>]*>")

# A marker in code is only an example, and in a player it would be invisible.
_WITHOUT_MARKER: Final = ("pre", "code", "kbd", "samp", "audio", "video")


def clean_text(text: str) -> str:
    """Return `text` with `\\n` as line ends, without control characters, and with lone surrogates replaced."""
    return _UNSAFE_CHARACTERS.sub(
        lambda match: "\ufffd" if "\ud800" <= match[0] <= "\udfff" else "", unify_line_ends(text)
    )


def _show_formulas(source: str) -> str:
    """Return `source` with the TeX of each formula as code, or else without its annotations. MathML is not allowed."""
    parts: list[str] = []
    done = 0
    start: re.Match[str] | None = None
    for tag in _MATH_TAG.finditer(source):
        if tag["attributes"] is not None:
            start = tag
        elif start:
            formula = _formula(start["attributes"], source[start.end() : tag.start()])
            parts += (source[done : start.start()], formula)
            done, start = tag.end(), None
    return "".join([*parts, source[done:]])


def _formula(attributes: str, content: str) -> str:
    annotation, attribute = _TEX_ANNOTATION.search(content), _TEX_ATTRIBUTE.search(attributes)
    tex = annotation[1].strip() if annotation else ""
    if not tex and attribute:
        tex = escape(unescape(attribute[1] or attribute[2] or ""), quote=False).strip()
    return f"<code>{tex}</code>" if tex else _ANNOTATION.sub("", content)


def _forgive(source: str) -> str:
    """Return `source` without what would make a browser hide the author's text."""
    source = _NOT_A_TAG.sub("&lt;", source)
    source = _show_formulas(source)
    source = _FRAME_FALLBACK.sub(r"\1", source)
    source = _FRAME.sub(lambda match: f"<{match[1]}x-{match[2].lower()}", source)
    source = rename_unknown(source)
    # A comment or tag that never ends is shown as text, so that an editor notices the mistake.
    for start, end in (("<!--", "-->"), ("<", ">")):
        closed = source.rfind(end) + 1
        source = source[:closed] + source[closed:].replace(start, f"&lt;{start[1:]}")
    for quote in ('"', "'"):
        opened = source.rfind(quote)
        if opened > 0 and source[opened - 1] == "=":
            tag = max(0, source.rfind("<", 0, opened))
            # The quotation mark may also be at the end of a value, as in `href="/?a="`.
            if (found := TAG.match(source, tag)) and found.end() == len(source) and not found["close"]:
                source = f"{source[:tag]}&lt;{source[tag + 1 :]}"
    return source


def rename_unknown(source: str) -> str:
    """Return `source` with a name that means nothing for each element that is removed while its text stays."""
    if _READ.issuperset(map(str.lower, _TAG_NAME.findall(source))):
        return source
    parts: list[str] = []
    done = 0
    for tag, name, _raw_text in find_tags(source, _RAW_TEXT_ENDS):
        if name and name not in _READ:
            parts += (source[done : tag.start()], f"<{tag['end']}unwrapped ")
            done = tag.end("name")
    return "".join([*parts, source[done:]])


def _tags(source: str) -> Iterator[tuple[bool, str, int]]:
    """Yield for each tag whether it is an end tag, its lower-case name and its length."""
    ends_count = True
    for tag, name, raw_text in find_tags(source, _RAW_TEXT_ENDS):
        is_end = bool(tag["end"])
        if name and (ends_count or not is_end):
            yield is_end, name, len(tag[0])
        # A comment in a script can keep its end tag from ending it. From there on, no end is certain.
        ends_count = ends_count and not ("<!--" in raw_text and "<script" in raw_text.lower())


def _max_open(tags: Iterable[tuple[bool, str, int]]) -> int:
    """Return the largest amount that is open at the same time, given the amount of each of the `tags`."""
    open_by_name: dict[str, list[int]] = defaultdict(list)
    open_now = maximum = 0
    for is_end, name, amount in tags:
        if not is_end:
            open_by_name[name].append(amount)
            open_now += amount
            maximum = max(maximum, open_now)
        elif open_by_name[name]:
            open_now -= open_by_name[name].pop()
    return maximum


def _flatten(source: str) -> str:
    """Return `source` without anything that takes a parser more than linear time. Text and paragraphs always stay."""
    count = source.count("<")
    # No more elements can be open than there are tags, which is enough to know for nearly all texts.
    if count * count <= _REOPENING_BUDGET and count * len(source) <= _REOPENED_CHARACTERS:
        return source
    tags = list(_tags(source))
    if _max_open((is_end, name, 1) for is_end, name, _length in tags if name not in _NOT_NESTING) > _MAX_DEPTH:
        return _ANY_TAG.sub(" ", source)
    formatting = [tag for tag in tags if tag[1] in _FORMATTING]
    elements = count * _max_open((is_end, name, 1) for is_end, name, _length in formatting)
    if elements > _REOPENING_BUDGET or count * _max_open(formatting) > _REOPENED_CHARACTERS:
        return _close_elements(source)
    return source


def _close_elements(source: str) -> str:
    """Return `source` with every element closed, and formatting nested only a few levels deep."""
    parser = etree.HTMLParser(remove_pis=True)
    root = etree.fromstring(f"<body>{_VOID_UNKNOWN_TO_LIBXML2.sub(r'\g<0></\1>', source)}", parser)
    if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
        return _ANY_TAG.sub(" ", source)
    for element in root.iter(*_FORMATTING):
        if sum(1 for _ in element.iterancestors(*_FORMATTING)) >= _MAX_FORMATTING_DEPTH:
            element.tag = "unwrapped"
    return etree.tostring(root, encoding="unicode", method="html")


def _marker_element(comment: re.Match[str]) -> str:
    """Return the element that represents a comment, or "" for a comment without a meaning."""
    marker = _MARKER_COMMENT.fullmatch(comment[1])
    return f"<{marker[1] or marker[2]}/>" if marker else ""


def _read(source: str) -> etree._Element:
    html = clean_text(_READER.clean(divide_texts(source))).replace("&nbsp;", "\xa0")
    html = _COMMENT.sub(_marker_element, html)
    html = _VOID_TAG.sub(r"<\1/>", html)
    # XML turns line ends in attributes into spaces. In a URL, line ends mean nothing, but spaces do.
    html = _MULTILINE_TAG.sub(lambda match: match[0].replace("\n", "&#10;").replace("\t", "&#9;"), html)
    return etree.fromstring(f"<body>{html}</body>", etree.XMLParser(huge_tree=True, resolve_entities=False))


def parse(html: str) -> etree._Element:
    """Return the tree of `html`, with obsolete HTML modernised and at most one more marker."""
    source = _flatten(_forgive(clean_text(html)))
    try:
        root = _read(source)
    except etree.XMLSyntaxError:
        # It is nested deeper than lxml reads.
        root = _read(_ANY_TAG.sub(" ", source))
    modernise(root)
    for marker in list(root.iter(MORE_TAG, PAGE_BREAK_TAG)):
        if any(True for _ in marker.iterancestors(*_WITHOUT_MARKER)):
            marker.tag = "unwrapped"
    for second in list(root.iter(MORE_TAG))[1:]:
        second.tag = "unwrapped"
    return root


def take_out(element: etree._Element) -> None:
    """Remove `element` from the tree, but not the text after it."""
    parent, before = cast("etree._Element", element.getparent()), element.getprevious()
    text, element.tail = element.tail or "", None
    parent.remove(element)
    if before is not None:
        before.tail = f"{before.tail or ''}{text}" or None
    else:
        parent.text = f"{parent.text or ''}{text}" or None


def split_around(element: etree._Element) -> etree._Element:
    """Split the parent of `element` in two, with `element` between them. Return the second half, for the caller to add.

    The halves have the same attributes, but only the first one has the id.
    """
    parent = cast("etree._Element", element.getparent())
    rest = etree.Element(parent.tag, {str(name): str(value) for name, value in parent.items() if name != "id"})
    rest.text, element.tail = element.tail, None
    rest.extend(list(element.itersiblings()))
    rest.tail, parent.tail = parent.tail, None
    parent.addnext(element)
    return rest


def text_of(element: etree._Element) -> str:
    return "".join(map(str, element.itertext()))


def has_marker(element: etree._Element) -> bool:
    """Whether the more marker is inside `element`, which must then not be replaced."""
    return next(element.iter(MORE_TAG), None) is not None


def serialise(root: etree._Element) -> str:
    """Return the HTML of everything inside `root`."""
    for element in root.iter(etree.Element):
        if element.text is None and not len(element) and element.tag not in _VOID:
            # It is written as `<p></p>`, since HTML has no `<p/>`.
            element.text = ""
    for element in root.iter("pre"):
        # A line end right after the tag is not part of the text: every parser removes one.
        element.text = (element.text or "").lstrip("\n")
    html: str = etree.tostring(root, encoding="unicode").removeprefix("<body>").removesuffix("</body>")
    return html.replace(f"<{MORE_TAG}></{MORE_TAG}>", MORE_PLACEHOLDER)
