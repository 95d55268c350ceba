"""What a text shows in place of parts of a reusable block, since WordPress 6.6.

The parts have names, and the reference to the block gives the contents of some of them:
`<!-- wp:block {"ref":30,"content":{"Greeting":{"content":"Hello"}}} /-->`.
"""

import re
from functools import partial
from html import escape
from typing import Any, Final

from blog.rendering.tree import clean_text
from wordpress.wxr.values import parse_json

# A block that may be such a part, up to the next one: its attributes, and its first element with what follows.
_PART: Final = re.compile(
    r"<!--\s+wp:(?:button|heading|image|paragraph)\s+(?P<attributes>\{(?:[^<>}]|\}(?!\s+-->))*+\})\s+-->"
    r"(?P<before>(?:(?!<!--).)*?)<(?P<tag>a|h[1-6]|img|p)\b(?P<rest>[^<>]*>)(?P<content>(?:(?!<!--).)*)",
    re.DOTALL,
)


def apply_overrides(block: str, reference: str) -> str:
    """Return the text of a reusable block with the contents that a reference to it gives."""
    values: dict[str, Any] = parse_json(reference[reference.index("{") : reference.rindex("}") + 1], {})
    contents = values.get("content")
    return _PART.sub(partial(_change, contents), block) if isinstance(contents, dict) else block


def _change(contents: dict[str, Any], part: re.Match[str]) -> str:
    attributes: dict[str, Any] = parse_json(part["attributes"], {})
    metadata = attributes.get("metadata")
    changes = contents.get(str(metadata.get("name"))) if isinstance(metadata, dict) else None
    if not isinstance(changes, dict):
        return part[0]
    texts = {name: clean_text(value) for name, value in changes.items() if isinstance(value, str)}
    tag, rest, content = part["tag"], part["rest"], part["content"]
    for name, attribute in (("alt", "alt"), ("url", "src" if tag == "img" else "href")):
        if name in texts:
            rest = re.sub(rf'\s{attribute}="[^"]*"', "", rest)
            rest = f' {attribute}="{escape(texts[name])}"{rest}'
    shown = texts.get("content", texts.get("text"))
    if shown is not None and tag != "img":
        end = f"</{tag}>"
        content = f"{shown}{end}{content.rpartition(end)[2]}"
    return part[0][: part.start("tag") - part.start()] + tag + rest + content
