"""Obsolete HTML in old and pasted texts, translated into modern HTML.

Texts of a blog from 2010 contain `<center>`, `<strike>`, `align` and `style`. Their meaning is kept in modern
elements, and in classes that the site's own stylesheet knows.
"""

import re
from typing import Final

from lxml import etree

# Elements that are not kept, but whose edges separate words and paragraphs, become the closest one that is.
RENAMED: Final = {
    **dict.fromkeys(("address", "article", "aside", "center", "dialog", "fieldset", "footer", "form"), "div"),
    **dict.fromkeys(("header", "hgroup", "legend", "main", "nav", "search"), "div"),
    "listing": "pre",
    **dict.fromkeys(("dir", "menu"), "ul"),
    "acronym": "abbr",
    "strike": "s",
    "tt": "code",
}

LEGACY_ATTRIBUTES: Final = frozenset({"align", "name", "style"})

_TEXT_ALIGN = re.compile(r"(?:^|;)\s*text-align\s*:\s*(left|right|center)\b", re.IGNORECASE)


def modernise(root: etree._Element) -> None:
    """Replace obsolete elements and attributes in the tree with modern ones."""
    for element in root.iter(etree.Element):
        tag = element.tag
        element.tag = RENAMED.get(tag, tag)
        if tag == "center" or (element.attrib and tag != "param"):
            _modernise_attributes(tag, element)


def _modernise_attributes(original_tag: str, element: etree._Element) -> None:
    name = str(element.attrib.pop("name", ""))
    if original_tag == "a" and name and "id" not in element.attrib:
        element.set("id", name)
    align = str(element.attrib.pop("align", "")).strip().lower()
    style = _TEXT_ALIGN.search(str(element.attrib.pop("style", "")))
    css_class = ""
    if original_tag == "img":
        if align in {"left", "right"}:
            css_class = f"align{align}"
    elif original_tag == "center":
        css_class = "has-text-align-center"
    elif style or align in {"left", "right", "center"}:
        css_class = f"has-text-align-{style[1].lower() if style else align}"
    if css_class:
        element.set("class", f"{element.get('class', '')} {css_class}".strip())
