"""Ids: a body's own never meet those of the page around it, nor those of another lead on that page."""

import re
from typing import Final
from urllib.parse import unquote

from blog.rendering.nodes import Element

# What the site's own pages, forms and scripts call their parts.
RESERVED: Final = frozenset(
    {"comments", "content", "footer", "header", "main", "menu", "more", "nav", "navigation"}
    | {"respond", "search", "sidebar", "site", "skip"}
)
RESERVED_START: Final = ("comment-", "id_", "more-", "page-", "post-", "reply-", "respond-", "site-")
PREFIX: Final = "u-"

# An id is one word.
ID = re.compile(r"\S+")


def _new_id(name: str) -> str:
    return PREFIX + name if name in RESERVED or name.startswith(RESERVED_START) else name


def _references(root: Element, names: dict[str, str]) -> None:
    """Let links and table cells that point into the body point to the new `names`."""
    for element in root.walk():
        target = unquote(element.attributes.get("href", "#")[1:])
        if element.tag == "a" and target in names and element.attributes["href"][0] == "#":
            added = names[target].removesuffix(target)
            element.attributes["href"] = f"#{added}{element.attributes['href'][1:]}"
        if "headers" in element.attributes:
            words = element.attributes["headers"].split()
            element.attributes["headers"] = " ".join(names.get(word, word) for word in words)


def keep_apart(root: Element) -> None:
    """Give each id once, and none that the page around has."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for element in root.walk():
        if "id" not in element.attributes:
            continue
        name = element.attributes["id"].strip()
        new = _new_id(name)
        if ID.fullmatch(name) and new not in taken:
            element.attributes["id"] = names[name] = new
            taken.add(new)
        else:
            del element.attributes["id"]
    _references(root, names)


def scope(root: Element, prefix: str) -> bool:
    """Start every id with `prefix`, so that many bodies can stand on one page. Whether there was any.

    A link to something that is not in this body any more (a footnote after the cut) stays as its
    words: on that page there is nothing that it leads to.
    """
    names: dict[str, str] = {}
    changed = False
    for element in root.walk():
        if "id" in element.attributes:
            name = element.attributes["id"]
            element.attributes["id"] = names[name] = prefix + name
    for element in root.walk():
        address = element.attributes.get("href", "")
        if address.startswith("#") and unquote(address[1:]) not in names:
            del element.attributes["href"]
            element.attributes.pop("rel", None)
            changed = True
    _references(root, names)
    return changed or bool(names)
