"""What old and pasted HTML says with elements and attributes that are given up today.

Bodies of a blog from 2010 hold `<center>`, `<strike>`, `align` and `style`; what they mean is kept in
today's elements and in classes that the site's own style sheet knows.
"""

import re
from typing import Final

# Elements we do not keep but whose edges part words and paragraphs become the nearest one we keep.
RENAMED: Final = {
    **dict.fromkeys(("address", "article", "aside", "center", "dialog", "fieldset", "footer", "form"), "div"),
    **dict.fromkeys(("header", "hgroup", "legend", "main", "nav", "search"), "div"),
    **dict.fromkeys(("listing", "plaintext", "xmp"), "pre"),
    **dict.fromkeys(("dir", "menu"), "ul"),
    "acronym": "abbr",
    "image": "img",
    "strike": "s",
    "tt": "code",
}

LEGACY_ATTRIBUTES: Final = frozenset({"align", "name", "style"})

TEXT_ALIGN = re.compile(r"(?:^|;)\s*text-align\s*:\s*(left|right|center)\b", re.IGNORECASE)


def modernise(original_tag: str, attributes: dict[str, str]) -> None:
    """Say in today's attributes what `attributes` of an `original_tag` say in legacy ones."""
    if not attributes and original_tag != "center":
        return
    name = attributes.pop("name", "")
    if original_tag == "a" and name:
        attributes.setdefault("id", name)
    align = attributes.pop("align", "").strip().lower()
    style = TEXT_ALIGN.search(attributes.pop("style", ""))
    added = ""
    if original_tag == "img":
        if align in {"left", "right"}:
            added = f"align{align}"
    elif original_tag == "center":
        added = "has-text-align-center"
    elif style or align in {"left", "right", "center"}:
        added = f"has-text-align-{style[1].lower() if style else align}"
    if added:
        attributes["class"] = f"{attributes.get('class', '')} {added}".strip()
