"""From HTML of any quality to a tree that every browser would read the same way again.

A small tree builder after the HTML standard (https://html.spec.whatwg.org/, 13.2.6): paragraphs and
list items end where they must, a bold text that crosses paragraphs goes on in the next, a table holds
nothing but rows. It differs where the standard takes more than linear time or memory on hostile text
(nh3 alone, like a browser, needs minutes for 100 kB of it): nesting ends at MAX_DEPTH, and what is
reopened has a budget. Elements that `sanitising` does not list are dropped here, not what they hold.
"""

import re
from functools import cache
from typing import Final

from blog.rendering.legacy import LEGACY_ATTRIBUTES, RENAMED, modernise
from blog.rendering.nodes import MARKER, VOID, Element
from blog.rendering.sanitising import ALLOWED_ATTRIBUTES, ALLOWED_TAGS, BLOCKS, HEADINGS
from blog.rendering.tokens import clean_text, tokenise

# Elements nested deeper than this are dropped and their content stays. Far below Python's limit of
# recursion, far above what anyone writes.
MAX_DEPTH: Final = 100

# How much may be opened again after a paragraph cut it off: characters of tags, per body.
REOPENING_BUDGET: Final = 200_000
MAX_REOPENED: Final = 12

# Elements that are read although they are never shown, for the addresses in them (`media`).
EMBEDDING_ATTRIBUTES: Final = {
    "embed": frozenset({"src", "height", "width"}),
    "iframe": frozenset({"src"}),
    "object": frozenset({"data"}),
    "param": frozenset({"name", "value"}),
}
KNOWN_TAGS: Final = ALLOWED_TAGS | EMBEDDING_ATTRIBUTES.keys()

# The standard's "formatting elements": what is cut off by the end of a paragraph goes on in the next.
FORMATTING: Final = frozenset({"a", "b", "code", "em", "i", "s", "small", "strong", "u"})

# End tags do not reach beyond these.
SCOPE: Final = frozenset({"#root", "table", "td", "th", "caption"})
PARAGRAPH: Final = frozenset({"p"})
CELLS: Final = frozenset({"td", "th", "caption"})

# Inside these only table parts may stand. Browsers show other content before the table; here it gets
# a cell of its own, and what only shapes text is passed over until there is text.
TABLE_FRAMES: Final = frozenset({"table", "thead", "tbody", "tfoot", "tr", "colgroup"})
BETWEEN_CELLS: Final = FORMATTING | {"br", "div", "hr", "p", "span", "wbr"}
TABLE_SECTIONS: Final = frozenset({"thead", "tbody", "tfoot"})
TABLE_PARENTS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(("caption", "colgroup", "thead", "tbody", "tfoot"), frozenset({"table"})),
    "col": frozenset({"colgroup"}),
    "tr": TABLE_SECTIONS,
    "td": frozenset({"tr"}),
    "th": frozenset({"tr"}),
}
IMPLIED_PARENT: Final = {"col": "colgroup", "tr": "tbody", "td": "tr", "th": "tr"}

# An item ends where the next begins, unless a list stands between them.
ITEM_ENDS: Final[dict[str, frozenset[str]]] = {
    "li": frozenset({"li"}),
    "dd": frozenset({"dd", "dt"}),
    "dt": frozenset({"dd", "dt"}),
}
ITEM_SCOPE: Final = BLOCKS - {"p", "div"}
LISTS: Final = frozenset({"ol", "ul"})

RUBY_PARTS: Final = frozenset({"rt", "rp"})

MORE_COMMENT = re.compile(r"\s*more(?:\s.*)?", re.DOTALL)
# A marker in code is an example of one; in a player it would not be seen.
WITHOUT_MARKER: Final = frozenset({"pre", "code", "kbd", "samp", "audio", "video"})

# Blanks as HTML knows them; a no-break space is a letter to it.
BLANKS: Final = " \t\n"


@cache
def _wanted_attributes(tag: str) -> frozenset[str]:
    return (
        ALLOWED_ATTRIBUTES["*"]
        | ALLOWED_ATTRIBUTES.get(tag, frozenset())
        | EMBEDDING_ATTRIBUTES.get(tag, frozenset())
        | LEGACY_ATTRIBUTES
    )


class _Builder:
    def __init__(self) -> None:
        self.root = Element("#root")
        self.open = [self.root]
        self.text: list[str] = []
        self.marker: Element | None = None
        # Cut off by the end of a block and to be opened again before the next words.
        self.cut_off: list[Element] = []
        # The same from before a table cell, whose content they do not touch.
        self.cut_off_outside: dict[Element, list[Element]] = {}
        # Their end tag came while a block inside them was open: they end with that block.
        self.ending: set[Element] = set()
        # Have two texts side by side, to be made one at the end.
        self.split_texts: set[Element] = set()
        self.budget = REOPENING_BUDGET

    # Placing

    def _push(self, tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, attributes)
        self.open[-1].append(element)
        if tag in VOID:
            return
        self.open.append(element)
        if tag in CELLS:
            self.cut_off_outside[element] = self.cut_off
            self.cut_off = []

    def _reopen(self) -> None:
        """Open again what the end of a block cut off."""
        cut_off, self.cut_off = self.cut_off, []
        for element in cut_off:
            self.budget -= len(element.tag) * 2 + sum(map(len, element.attributes.values()))
            if self.budget > 0 and len(self.open) < MAX_DEPTH:
                attributes = {k: v for k, v in element.attributes.items() if k != "id"}
                self._push(element.tag, attributes)

    def _flush(self) -> None:
        """Place the text that has come in since the last element."""
        text = "".join(self.text)
        self.text.clear()
        if not text:
            return
        current = self.open[-1]
        if text.strip(BLANKS):
            if current.tag in TABLE_FRAMES:
                self._start_table_part("td", {})
            self._reopen()
            current = self.open[-1]
        if current.children and isinstance(current.children[-1], str):
            self.split_texts.add(current)
        current.append(text)

    # Finding and closing

    def _find(self, tags: frozenset[str], boundary: frozenset[str]) -> int:
        """The place of the innermost open element of these `tags` within `boundary`, or 0."""
        for index in range(len(self.open) - 1, 0, -1):
            element = self.open[index]
            if element.tag in tags and element not in self.ending:
                return index
            if element.tag in boundary:
                return 0
        return 0

    def _close_from(self, index: int) -> None:
        """Close the open element at `index` (0: nothing) and all inside it."""
        if not index:
            return
        cut_off: list[Element] = []
        for element in reversed(self.open[index:]):
            if element.tag in CELLS:
                cut_off.clear()
                self.cut_off = self.cut_off_outside.pop(element)
            elif element.tag in FORMATTING and element not in self.ending:
                cut_off.append(element)
        if cut_off and cut_off[-1] is self.open[index]:
            cut_off.pop()
        self.cut_off = [*self.cut_off, *reversed(cut_off)][-MAX_REOPENED:]
        self.ending.difference_update(self.open[index:])
        del self.open[index:]
        while self.open[-1] in self.ending:
            self.ending.remove(self.open.pop())

    def _close_paragraph(self) -> None:
        self._close_from(self._find(PARAGRAPH, SCOPE))

    def _close_link(self) -> None:
        """End an open link: there is none within a link."""
        self.cut_off = [element for element in self.cut_off if element.tag != "a"]
        for index in range(len(self.open) - 1, 0, -1):
            outer = self.open[index]
            if outer.tag in SCOPE:
                return
            if outer.tag != "a":
                continue
            if any(element.tag in BLOCKS for element in self.open[index:]):
                # Ending it would end the blocks inside it too. The inner link is the one that is
                # meant: an outer one is most often an old anchor that was never closed.
                outer.tag = "span"
                for name in ("href", "hreflang", "rel"):
                    outer.attributes.pop(name, None)
            else:
                self._close_from(index)
            return

    # What comes in

    def start(self, original_tag: str, attributes: dict[str, str]) -> None:
        tag = RENAMED.get(original_tag, original_tag)
        if tag not in KNOWN_TAGS:
            return
        self._flush()
        # An element may bring up to three implied ones.
        if len(self.open) > MAX_DEPTH - 4 and tag not in VOID:
            return
        if attributes:
            wanted = _wanted_attributes(tag)
            attributes = {name: value for name, value in attributes.items() if name in wanted}
        if tag != "param":
            modernise(original_tag, attributes)
        if tag in TABLE_PARENTS:
            self._start_table_part(tag, attributes)
            return
        if self.open[-1].tag in TABLE_FRAMES:
            if tag in BETWEEN_CELLS and "href" not in attributes:
                return
            self._start_table_part("td", {})
        self._make_way(tag)
        if tag not in RUBY_PARTS or self.open[-1].tag == "ruby":
            self._push(tag, attributes)

    def _make_way(self, tag: str) -> None:
        """Close what cannot hold a `tag`, and open again what was cut off if it can go round it."""
        if tag in ITEM_ENDS:
            self._close_from(self._find(ITEM_ENDS[tag], ITEM_SCOPE))
        if tag in BLOCKS:
            self._close_paragraph()
        if tag in HEADINGS:
            self._close_from(self._find(HEADINGS, BLOCKS))
        if tag == "a":
            self._close_link()
        if tag in RUBY_PARTS and self.open[-1].tag in RUBY_PARTS:
            self._close_from(len(self.open) - 1)
        if tag not in BLOCKS:
            self._reopen()

    def _start_table_part(self, tag: str, attributes: dict[str, str]) -> None:
        """Open a part of the innermost table, and the parts that must stand around it."""
        if not self._find(frozenset({"table"}), frozenset()):
            return
        if parent := self._find(TABLE_PARENTS[tag], frozenset({"table"})):
            self._close_from(parent + 1)
        else:
            self._start_table_part(IMPLIED_PARENT[tag], {})
        self._push(tag, attributes)

    def end(self, original_tag: str) -> None:
        tag = RENAMED.get(original_tag, original_tag)
        if tag == "br":
            self.start("br", {})
        if tag not in KNOWN_TAGS or tag in VOID:
            return
        self._flush()
        if tag == "li":
            self._close_from(self._find(frozenset({tag}), SCOPE | LISTS))
        elif tag in HEADINGS:
            self._close_from(self._find(HEADINGS, SCOPE))
        elif tag in TABLE_PARENTS or tag == "table":
            self._close_from(self._find(frozenset({tag}), frozenset({"#root", "table"})))
        elif tag in BLOCKS:
            self._close_from(self._find(frozenset({tag}), SCOPE))
        else:
            self._end_inline(tag)

    def _end_inline(self, tag: str) -> None:
        for index in range(len(self.cut_off) - 1, -1, -1):
            if self.cut_off[index].tag == tag:
                del self.cut_off[index]
                return
        index = self._find(frozenset({tag}), SCOPE)
        if index and any(element.tag in BLOCKS for element in self.open[index + 1 :]):
            self.ending.add(self.open[index])
        else:
            self._close_from(index)

    def comment(self, inside: str) -> None:
        if self.marker is not None or not MORE_COMMENT.fullmatch(inside):
            return
        self._flush()
        if any(element.tag in WITHOUT_MARKER for element in self.open):
            return
        self.marker = Element(MARKER)
        self.open[-1].append(self.marker)

    def finish(self) -> None:
        self._flush()
        for element in self.split_texts:
            element.replace_children(list(element.children))


def parse(html: str) -> tuple[Element, Element | None]:
    """The tree of `html` and in it the node of its first more marker, if there is one."""
    builder = _Builder()
    for kind, value, attributes in tokenise(clean_text(html)):
        if kind == "text":
            builder.text.append(value)
        elif kind == "start":
            builder.start(value, attributes)
        elif kind == "end":
            builder.end(value)
        else:
            builder.comment(value)
    builder.finish()
    return builder.root, builder.marker
