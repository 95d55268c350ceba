"""The one allow-list of elements, attributes and classes that posts and pages may contain.

It is applied twice: when the tree is read (`tree`), so that all later steps see a sane structure, and by nh3
(https://nh3.readthedocs.io/) as the last step, so that nothing else gets out, whatever the steps in between do. Two
gaps in nh3 are closed here: `srcset` is not on the list, and `urls` checks URLs without a scheme (`//host/…`).
"""

import re
from collections.abc import Callable
from itertools import count
from typing import Final

import nh3
from lxml import etree

from blog.rendering import urls
from blog.rendering.providers import is_player_url

BLOCKS: Final = frozenset(
    {"caption", "col", "colgroup", "h1", "h2", "h3", "h4", "h5", "h6", "tbody", "td", "tfoot", "th", "thead", "tr"}
    | {"blockquote", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "hr", "li", "ol"}
    | {"p", "pre", "section", "summary", "table", "ul"}
)
INLINES: Final = frozenset(
    {"a", "abbr", "audio", "b", "bdi", "bdo", "br", "cite", "code", "del", "dfn", "em", "i", "img"}
    | {"ins", "kbd", "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "source", "span"}
    | {"strong", "sub", "sup", "time", "track", "u", "var", "video", "wbr"}
)
ALLOWED_TAGS: Final = BLOCKS | INLINES

ALLOWED_ATTRIBUTES: Final[dict[str, frozenset[str]]] = {
    "*": frozenset({"class", "dir", "id", "lang", "title", "translate"}),
    "a": frozenset({"aria-label", "href", "hreflang", "rel"}),
    "audio": frozenset({"controls", "preload", "src"}),
    **dict.fromkeys(("blockquote", "q"), frozenset({"cite"})),
    **dict.fromkeys(("col", "colgroup"), frozenset({"span"})),
    **dict.fromkeys(("del", "ins"), frozenset({"cite", "datetime"})),
    "details": frozenset({"open"}),
    "figure": frozenset({"data-player"}),
    "img": frozenset({"alt", "decoding", "height", "loading", "src", "width"}),
    "li": frozenset({"value"}),
    "ol": frozenset({"reversed", "start", "type"}),
    "source": frozenset({"src", "type"}),
    "td": frozenset({"colspan", "headers", "rowspan"}),
    "th": frozenset({"abbr", "colspan", "headers", "rowspan", "scope"}),
    "time": frozenset({"datetime"}),
    "track": frozenset({"default", "kind", "label", "src", "srclang"}),
    "video": frozenset({"controls", "height", "poster", "preload", "src", "width"}),
}

# Images load when they scroll into view; players load nothing until a reader starts them.
_FORCED_ATTRIBUTES: Final[dict[str, dict[str, str]]] = {
    "audio": {"controls": "", "preload": "none"},
    "img": {"loading": "lazy", "decoding": "async"},
    "video": {"controls": "", "preload": "none"},
}

# WordPress's classes for images, captions, galleries, alignment and blocks that have their own styles, those of
# footnotes, `remote_media` and `players`, and the one for text that translation programs leave as it is.
_CLASS = re.compile(
    r"align(?:left|right|center|none)|has-text-align-(?:left|right|center)"
    r"|wp-caption(?:-text)?|size-[a-z0-9_-]+"
    r"|footnotes(?:-sep|-list)?|footnote-(?:ref|item|backref)"
    r"|wp-block-(?:buttons?|columns?|cover|file|gallery|media-text|pullquote|verse)"
    r"|columns-[1-9]|is-(?:cropped|style-outline)"
    r"|remote-media|link-card|player(?:-audio|-document)?"
    r"|notranslate"
)
_CODE_CLASS = re.compile(r"language-[A-Za-z0-9+#_.-]+")

_SLOWLY_WRITTEN = re.compile("[&\x80-\xbf]")
_TAG_OR_SLOWLY_WRITTEN = re.compile("<[^<>]*+>?|[&\x80-\xbf]")
_DIVIDER_EVERY: Final = 1_000
_MAX_VALUE_LENGTH: Final = 20_000


def _one_of(*values: str) -> Callable[[str], str | None]:
    return lambda value: value.lower() if value.lower() in values else None


def _matching(pattern: str) -> Callable[[str], str | None]:
    compiled = re.compile(pattern)
    return lambda value: value.strip() if compiled.fullmatch(value.strip()) else None


_VALUE_RULES: Final[dict[str, Callable[[str], str | None]]] = {
    **dict.fromkeys(("cite", "href"), urls.normalise),
    **dict.fromkeys(("poster", "src"), urls.normalise_own),
    "data-player": lambda value: value if is_player_url(value) else None,
    # Their presence is all that counts.
    **dict.fromkeys(("controls", "default", "open", "reversed"), lambda value: ""),
    **dict.fromkeys(("colspan", "rowspan", "span"), _matching(r"[0-9]{1,4}")),
    **dict.fromkeys(("height", "width"), _matching(r"[0-9]{1,5}")),
    **dict.fromkeys(("hreflang", "lang", "srclang"), _matching(r"[A-Za-z0-9-]{1,35}")),
    **dict.fromkeys(("start", "value"), _matching(r"-?[0-9]{1,9}")),
    "datetime": _matching(r"[0-9A-Za-z:.,+ -]{1,40}"),
    "decoding": _one_of("async"),
    "kind": _one_of("subtitles", "captions", "descriptions", "chapters", "metadata"),
    "label": lambda value: value.strip() or None,
    "dir": _one_of("ltr", "rtl", "auto"),
    "loading": _one_of("lazy"),
    "preload": _one_of("none"),
    "scope": _one_of("row", "col", "rowgroup", "colgroup"),
    "translate": _one_of("yes", "no"),
    # The type of a list, or of an audio or video file.
    "type": _matching(r"[1aAiI]|(?:audio|video)/[A-Za-z0-9.+-]+(?:;\s*codecs=[A-Za-z0-9.,\s-]+)?"),
}


def allowed_value(tag: str, attribute: str, value: str) -> str | None:
    """Return the part of `value` that this attribute of this tag may have; None removes the attribute."""
    if attribute != "class":
        rule = _VALUE_RULES.get(attribute)
        return rule(value) if rule else value
    is_code = tag == "code"
    names = [name for name in value.split() if _CLASS.fullmatch(name) or (is_code and _CODE_CLASS.fullmatch(name))]
    return " ".join(names) or None


def clean_attributes(root: etree._Element) -> None:
    """Remove from the tree the attributes that nh3 would remove too, and add those that are required."""
    for element in root.iter(etree.Element):
        if element.attrib:
            tag = str(element.tag)
            own = ALLOWED_ATTRIBUTES.get(tag, ())
            for name, value in element.items():
                is_allowed = name in ALLOWED_ATTRIBUTES["*"] or name in own
                allowed = allowed_value(tag, str(name), str(value)) if is_allowed else None
                if allowed is None:
                    del element.attrib[name]
                elif allowed != value:
                    element.set(name, allowed)
        for name, value in _FORCED_ATTRIBUTES.get(element.tag, {}).items():
            element.set(name, value)


def divide_texts(html: str) -> str:
    """Return `html` with invisible dividers in texts that nh3 would take more than linear time to write.

    For each `&` and each of the characters U+0080 to U+00BF in a text, nh3 scans the rest of the text. It removes the
    dividers, because they are not on any list of allowed elements.
    """
    if len(_SLOWLY_WRITTEN.findall(html)) < _DIVIDER_EVERY:
        return html
    found = count()

    def divide(match: re.Match[str]) -> str:
        is_tag = match[0].startswith("<")
        return match[0] if is_tag or next(found) % _DIVIDER_EVERY else f"<divider></divider>{match[0]}"

    return _TAG_OR_SLOWLY_WRITTEN.sub(divide, html)


def limited_value(tag: str, attribute: str, value: str) -> str | None:
    """Return `value` unless it is longer than that of any real attribute: nh3 takes more than linear time for it."""
    return value if len(value) <= _MAX_VALUE_LENGTH else None


_CLEANER: Final = nh3.Cleaner(
    tags=set(ALLOWED_TAGS),
    attributes={tag: set(names) for tag, names in ALLOWED_ATTRIBUTES.items()},
    attribute_filter=allowed_value,
    url_schemes=set(urls.ALLOWED_SCHEMES),
    link_rel=None,
    strip_comments=True,
)


def sanitise(html: str) -> str:
    """Return `html` as well-formed HTML that contains only what is on the list."""
    return _CLEANER.clean(divide_texts(html))
