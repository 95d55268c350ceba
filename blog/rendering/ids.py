"""Ids: a body's own never meet those of the page around it, nor those of another lead on that page."""

import re
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import unquote

from lxml import etree

# What the site's own pages, forms and scripts call their parts.
RESERVED: Final = frozenset(
    {"comments", "content", "footer", "header", "main", "menu", "more", "nav", "navigation"}
    | {"respond", "search", "sidebar", "site", "skip"}
)
RESERVED_START: Final = ("comment-", "id_", "more-", "page-", "post-", "reply-", "respond-", "site-")
PREFIX: Final = "u-"

WITH_ID = cast("Callable[[etree._Element], list[etree._Element]]", etree.XPath(".//*[@id]"))
# An id is one word.
ID = re.compile(r"\S+")


def _new_id(name: str) -> str:
    return PREFIX + name if name in RESERVED or name.startswith(RESERVED_START) else name


def _references(root: etree._Element, names: dict[str, str]) -> None:
    """Let links and table cells that point into the body point to the new `names`."""
    for link in root.iter("a"):
        address = link.get("href", "")
        target = unquote(address[1:])
        if address.startswith("#") and target in names:
            added = names[target].removesuffix(target)
            link.set("href", f"#{added}{address[1:]}")
    for cell in root.iter("td", "th"):
        if headers := cell.get("headers"):
            cell.set("headers", " ".join(names.get(word, word) for word in headers.split()))


def keep_apart(root: etree._Element) -> None:
    """Give each id once, and none that the page around has."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for element in WITH_ID(root):
        name = element.get("id", "").strip()
        new = _new_id(name)
        if ID.fullmatch(name) and new not in taken:
            names[name] = new
            element.set("id", new)
            taken.add(new)
        else:
            del element.attrib["id"]
    _references(root, names)


def scope(root: etree._Element, prefix: str) -> bool:
    """Start every id with `prefix`, so that many bodies can stand on one page. Whether there was any.

    A link to something that is not in this body any more (a footnote after the cut) stays as its
    words: on that page there is nothing that it leads to.
    """
    names: dict[str, str] = {}
    changed = False
    for element in WITH_ID(root):
        name = element.get("id", "")
        names[name] = prefix + name
        element.set("id", names[name])
    for link in root.iter("a"):
        address = link.get("href", "")
        if address.startswith("#") and unquote(address[1:]) not in names:
            del link.attrib["href"]
            link.attrib.pop("rel", "")
            changed = True
    _references(root, names)
    return changed or bool(names)
