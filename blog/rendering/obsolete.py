"""Obsolete HTML, and styles in place of elements, as old editors and other blogs' software have written them."""

import re
from typing import Final

from lxml import etree

# Elements that are not allowed, but separate words and paragraphs, become the closest one that is.
RENAMED: Final = {
    **dict.fromkeys(("address", "article", "aside", "center", "dialog", "fieldset", "footer", "form"), "div"),
    **dict.fromkeys(("header", "hgroup", "legend", "main", "nav", "search"), "div"),
    "listing": "pre",
    **dict.fromkeys(("dir", "menu"), "ul"),
    "acronym": "abbr",
    "strike": "s",
    "tt": "code",
}
# Where scripts that load images late expect the URL. `src` is empty until then, or has an invisible image.
LATE_SOURCES: Final = ("data-src", "data-lazy-src", "data-original")
_PLACEHOLDER = re.compile(r"\s*(?:data:|about:|$)")
_TEXT_ALIGN = re.compile(r"(?:^|;)\s*text-align\s*:\s*(left|right|center)\b", re.IGNORECASE)
# The width of an image as WordPress has written it since 6.4, and editors of other software.
_PIXEL_WIDTH = re.compile(r"(?:^|;)\s*width\s*:\s*([0-9]{1,5})(?:\.[0-9]*)?px\b", re.IGNORECASE)
# How the items of a list are numbered. Texts refer to them: “under (b)”.
_NUMBERING = re.compile(
    r"(?:^|;)\s*list-style(?:-type)?\s*:\s*(?P<case>lower|upper)-(?P<kind>alpha|latin|roman)\b", re.IGNORECASE
)
# What is important in a text, according to styles that editors and other blogs' software write instead of elements.
_STYLED: Final = {
    tag: re.compile(rf"(?:^|;)\s*{style}\b", re.IGNORECASE)
    for tag, style in (
        ("strong", r"font-weight\s*:\s*(?:bold(?:er)?|[6-9]00)"),
        ("em", r"font-style\s*:\s*italic"),
        ("s", r"text-decoration(?:-line)?\s*:[^;]*?\bline-through"),
        ("u", r"text-decoration(?:-line)?\s*:[^;]*?\bunderline"),
    )
}
# Google Docs wraps whole texts in bold elements whose style says that they are not.
_NOT_BOLD = re.compile(r"(?:^|;)\s*font-weight\s*:\s*(?:normal|400)\b", re.IGNORECASE)


def modernise(root: etree._Element) -> None:
    """Turn obsolete elements, attributes and styles in the tree into those of today, and remove all other styles."""
    for element in root.iter(etree.Element):
        tag = element.tag
        element.tag = RENAMED.get(tag, tag)
        if tag == "center" or (element.attrib and tag != "param"):
            _modernise_attributes(tag, element)


def _load_without_script(image: etree._Element) -> None:
    """Give an image the URL that a script would give it, unless its copy for browsers without scripts is beside it."""
    late = [str(image.attrib.pop(name, "")).strip() for name in LATE_SOURCES]
    source = next(filter(None, late), "")
    if not source or not _PLACEHOLDER.match(image.get("src", "")):
        return
    before, after = image.getprevious(), image.getnext()
    if _is_copy(before, source, before) or _is_copy(after, source, image):
        image.tag = "unwrapped"
    else:
        image.set("src", source)


def _is_copy(image: etree._Element | None, source: str, first: etree._Element | None) -> bool:
    """Return whether `image` has the URL `source`, in any size, and there is no text after the `first` of the two."""
    if image is None or first is None or image.tag != "img" or (first.tail or "").strip():
        return False
    return image.get("src", "").partition("?")[0] == source.partition("?")[0]


def _modernise_attributes(original_tag: str, element: etree._Element) -> None:
    name = str(element.attrib.pop("name", ""))
    if original_tag == "a" and name and "id" not in element.attrib:
        element.set("id", name)
    align = str(element.attrib.pop("align", "")).strip().lower()
    style = str(element.attrib.pop("style", ""))
    if original_tag == "span" and style:
        _emphasise(element, [tag for tag, pattern in _STYLED.items() if pattern.search(style)])
    elif original_tag in {"b", "strong"} and _NOT_BOLD.search(style):
        element.tag = "unwrapped"
    elif original_tag == "ol" and (numbering := _NUMBERING.search(style)):
        first = "i" if numbering["kind"].lower() == "roman" else "a"
        element.set("type", first if numbering["case"].lower() == "lower" else first.upper())
    text_align = _TEXT_ALIGN.search(style)
    if original_tag == "img":
        _load_without_script(element)
        css_class = f"align{align}" if align in {"left", "right"} else ""
        if width := _PIXEL_WIDTH.search(style):
            element.set("width", width[1])
            # Browsers keep the proportions.
            element.attrib.pop("height", "")
    elif original_tag == "center":
        css_class = "has-text-align-center"
    elif text_align or align in {"left", "right", "center"}:
        css_class = f"has-text-align-{text_align[1].lower() if text_align else align}"
    else:
        css_class = ""
    if css_class:
        element.set("class", f"{element.get('class', '')} {css_class}".strip())


def _emphasise(element: etree._Element, tags: list[str]) -> None:
    """Turn `element` into the first of `tags`, with the others inside it."""
    for tag in tags[1:]:
        inner = etree.Element(tag)
        inner.text, element.text = element.text, None
        inner.extend(list(element))
        element.append(inner)
    if tags:
        element.tag = tags[0]
