"""The tree of a body: elements with attributes and children, texts as plain strings."""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from typing import Final

# Elements that have no end tag. The last two are ours: read, acted on, never written.
VOID: Final = frozenset({"br", "col", "hr", "img", "source", "wbr", "embed", "iframe", "param"})

# The tag of the node that stands for the more marker (see `more`), and how it is written: exactly once
# in the body and in the lead of a text that has one, and never otherwise, because an id "more" that an
# author writes gets a prefix. Those who show the HTML put a link or an anchor in its place.
MARKER: Final = "#more"
MORE_PLACEHOLDER: Final = '<span id="more"></span>'


class Element:
    """An element, with texts (str) and elements as its children. The root's tag is "#root"."""

    __slots__ = ("attributes", "children", "parent", "tag")

    def __init__(self, tag: str, attributes: dict[str, str] | None = None, *children: "Node") -> None:
        self.tag = tag
        self.attributes = attributes or {}
        self.parent: Element | None = None
        self.children: list[Node] = []
        for child in children:
            self.append(child)

    def append(self, node: "Node") -> None:
        self.insert(len(self.children), node)

    def insert(self, index: int, node: "Node") -> None:
        self.children.insert(index, node)
        if isinstance(node, Element):
            node.parent = self

    def replace_children(self, nodes: "Iterable[Node]") -> None:
        """Let `nodes` be the children; neighbouring texts become one."""
        self.children = []
        for is_text, run in groupby(nodes, key=lambda node: isinstance(node, str)):
            if is_text:
                self.children.append("".join(map(str, run)))
            else:
                for node in run:
                    self.append(node)

    def walk(self) -> "list[Element]":
        """This element and all below it in document order."""
        found: list[Element] = []
        _collect(self, found)
        return found

    def ancestors(self) -> "Iterator[Element]":
        """The elements around this one, from its parent to the root."""
        element = self.parent
        while element is not None:
            yield element
            element = element.parent

    def text(self) -> str:
        """All text inside, run together."""
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)


type Node = Element | str


def _collect(element: Element, found: list[Element]) -> None:
    found.append(element)
    for child in element.children:
        if not isinstance(child, str):
            _collect(child, found)


def _write(element: Element, parts: list[str]) -> None:
    for child in element.children:
        if isinstance(child, str):
            parts.append(escape(child, quote=False))
        elif child.tag == MARKER:
            parts.append(MORE_PLACEHOLDER)
        else:
            parts.append(f"<{child.tag}")
            for name, value in child.attributes.items():
                parts.append(f' {name}="{escape(value)}"')
            parts.append(">")
            if child.tag in VOID:
                continue
            if child.tag == "pre" and child.children and isinstance(child.children[0], str):
                # A line end right after the tag is not part of the text; each reading takes one off.
                child.children[0] = child.children[0].lstrip("\n")
            _write(child, parts)
            parts.append(f"</{child.tag}>")


def write(root: Element) -> str:
    """The HTML of everything inside `root`."""
    parts: list[str] = []
    _write(root, parts)
    return "".join(parts)
