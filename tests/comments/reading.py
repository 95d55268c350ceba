"""Reading pages in tests: find elements by a few kinds of CSS selector."""

import re
from functools import cache
from typing import Any

from lxml import html

_STEP = re.compile(r"(?P<child>\s*>\s*|\s+)?(?P<simple>[^\s>]+)")
_PART = re.compile(r"(?P<tag>^[a-z][a-z0-9]*)|#(?P<id>[\w-]+)|\.(?P<class>[\w-]+)|\[(?P<name>[\w-]+)=(?P<value>\w+)\]")


@cache
def _xpath(selector: str) -> str:
    path = "."
    for step in _STEP.finditer(selector):
        tag, conditions = "*", []
        for part in _PART.finditer(step["simple"]):
            tag = part["tag"] or tag
            if part["id"]:
                conditions.append(f"@id='{part['id']}'")
            if part["class"]:
                conditions.append(f"contains(concat(' ', normalize-space(@class), ' '), ' {part['class']} ')")
            if part["name"]:
                conditions.append(f"@{part['name']}='{part['value']}'")
        path += ("/" if ">" in (step["child"] or "") else "//") + tag + "".join(f"[{one}]" for one in conditions)
    return path


def read(response: Any) -> html.HtmlElement:
    """The whole page that the test client got."""
    return html.document_fromstring(response.content.decode())


def find(element: html.HtmlElement, selector: str) -> list[html.HtmlElement]:
    """All elements below `element` that match `tag`, `#id`, `.class`, `[name=value]`, joined by blanks or `>`."""
    found: list[html.HtmlElement] = element.xpath(_xpath(selector))
    return found


def one(element: html.HtmlElement, selector: str) -> html.HtmlElement:
    """The only element that matches."""
    (found,) = find(element, selector)
    return found


def text(element: html.HtmlElement) -> str:
    """What is read, its blanks squeezed."""
    return " ".join(element.text_content().split())
