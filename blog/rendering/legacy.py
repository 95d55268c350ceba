"""What old and pasted HTML says with elements and attributes that are given up today.

Bodies of a blog from 2010 hold `<center>`, `<strike>`, `align` and `style`; what they mean is kept in
today's elements and in classes that the site's own style sheet knows.
"""

import re
from typing import Final

from lxml import etree

# Elements we do not keep but whose edges part words and paragraphs become the nearest one we keep.
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

TEXT_ALIGN = re.compile(r"(?:^|;)\s*text-align\s*:\s*(left|right|center)\b", re.IGNORECASE)


def modernise(root: etree._Element) -> None:
    """Say with today's elements and attributes what the tree says with legacy ones."""
    for element in root.iter(etree.Element):
        tag = element.tag
        element.tag = RENAMED.get(tag, tag)
        if element.attrib or tag == "center":
            _modernise_attributes(tag, element)


def _take(element: etree._Element, name: str) -> str:
    """Take the attribute `name` off. What it said."""
    value = element.get(name, "")
    element.attrib.pop(name, "")
    return value


def _modernise_attributes(original_tag: str, element: etree._Element) -> None:
    if original_tag == "param":
        return
    name = _take(element, "name")
    if original_tag == "a" and name and "id" not in element.attrib:
        element.set("id", name)
    align = _take(element, "align").strip().lower()
    style = TEXT_ALIGN.search(_take(element, "style"))
    added = ""
    if original_tag == "img":
        if align in {"left", "right"}:
            added = f"align{align}"
    elif original_tag == "center":
        added = "has-text-align-center"
    elif style or align in {"left", "right", "center"}:
        added = f"has-text-align-{style[1].lower() if style else align}"
    if added:
        element.set("class", f"{element.get('class', '')} {added}".strip())
