"""Repairing the markup of an export for a strict parser, interpreting it as a browser would.

Old plugins write bare ampersands, HTML entities and undeclared prefixes outside CDATA sections, and WordPress 2.1 to
3.x did not escape a `]]>` in the text inside one. Other broken markup is left to the parser.
"""

import html
import re
import sys
from collections import Counter
from html.entities import html5
from typing import Final

from core.text import NOT_IN_XML

# The reader knows elements with these prefixes, declared or not.
KNOWN_PREFIXES: Final = ("content", "dc", "excerpt", "wp")
# The namespace URI given to undeclared prefixes.
UNDECLARED: Final = "urn:undeclared"
# Real exports declare fewer prefixes in the root element. Elements with further prefixes take the slow path.
_MAX_QUICK_PREFIXES: Final = 50
# Longer tags and entities may be split at the end of a chunk.
_LONGEST_TAG: Final = 64 * 1024
_LONGEST_ENTITY: Final = 48
_MAX_LINES: Final = 5
# How many characters after a `]]>` are searched to decide whether it ends a CDATA section.
_LOOK_AHEAD: Final = 512 * 1024

# An ampersand, and the rest of the entity if there is one: a code point in decimal or hexadecimal, or a name.
_ENTITY = re.compile(r"&(?:(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z][A-Za-z0-9]*));)?", re.ASCII)
_TAG = re.compile(r"<(?P<name>[^\W\d][\w.:-]*+)[^<>]*+")
_PREFIX = re.compile(r"(?:^<|\s)([^\W\d][\w.-]*+):[\w.-]")
_DECLARED = re.compile(r"\sxmlns:([\w.-]+)\s*=")
_DEFAULT_NAMESPACE = re.compile(r"""\sxmlns\s*=\s*(?:"[^"]*"|'[^']*')""")
# Markup that is certainly valid, which is nearly all of a real export. `%s` stands for the declared prefixes.
_VALID_MARKUP: Final = r"""(?:[^<&]++
    |</[^<>&]*+>
    |<(?P<name>(?:(?:%s):)?[\w.-]++)(?:\s[^<>&:]*+)?+>
        (?:[^<&]*+<!\[CDATA\[[^\]]*+(?:\](?!\]>)[^\]]*+)*+\]\]>\s*+</(?P=name)\s*+>)?+
    |&(?:amp|lt|gt|quot|apos);
)*+"""
_CDATA: Final = "<![CDATA["
_CDATA_END: Final = "]]>"
_ENDS: Final = {_CDATA: _CDATA_END, "<!--": "-->", "<?": "?>"}
# The markup that matters to find the end of a section: whole sections, which hide their content, end tags, and any
# `]]>` outside of sections.
_SECTION_OR_END = re.compile(r"<!\[CDATA\[.*?(?:\]\]>|\Z)|</(?P<name>[^\W\d][\w.:-]*+)[\s>]|\]\]>", re.DOTALL)


class Repairs:
    """The number of repairs of each kind, and the lines of the first few."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lines: dict[str, list[int]] = {}

    def add(self, kind: str, line: int, count: int = 1) -> None:
        self.counts[kind] += count
        lines = self.lines.setdefault(kind, [])
        if len(lines) < _MAX_LINES and line not in lines:
            lines.append(line)


def declare_known_prefixes(root: str) -> tuple[str, set[str]]:
    """Return the start tag `root` with all known prefixes declared, and the set of all declared prefixes.

    A default namespace, which some programs give RSS, is removed.
    """
    root = _DEFAULT_NAMESPACE.sub("", root)
    declared = set(_DECLARED.findall(root))
    missing = [f' xmlns:{prefix}="{UNDECLARED}"' for prefix in KNOWN_PREFIXES if prefix not in declared]
    name = _TAG.match(root)
    end = name.end("name") if name else 0
    return root[:end] + "".join(missing) + root[end:], declared | set(KNOWN_PREFIXES)


class MarkupRepairer:
    """Repairs a document piece by piece, in linear time and with little memory."""

    def __init__(self, repairs: Repairs, prefixes: set[str], line: int) -> None:
        self._repairs = repairs
        self._prefixes = prefixes | {"xml", "xmlns"}
        names = "|".join(map(re.escape, sorted(prefixes)[:_MAX_QUICK_PREFIXES]))
        self._valid = re.compile(_VALID_MARKUP % names, re.VERBOSE)
        # The delimiter that ends the CDATA section, comment or instruction open at the end of the last piece.
        self._until = ""
        self._held_back = ""
        # The position of the current piece in the document.
        self._offset = 0
        # The element of the last start tag, if it was followed only by text, CDATA sections, comments and instructions,
        # the last of which ended at `_after` in the current piece. Otherwise empty.
        self._parent = ""
        self._after = 0
        # Whether any `]]>` up to the position `_decided_until` in the document ends a CDATA section.
        self._is_end = True
        self._decided_until = 0
        # The line number at position `_counted` of the current piece.
        self._line = line
        self._counted = 0

    def repair(self, text: str, *, final: bool = False) -> str:
        text = self._held_back + text
        out: list[str] = []
        limit = len(text) if final else _safe_end(text)
        position = 0
        while True:
            if self._until:
                position = self._read_until_end(text, position, out, final=final)
                if self._until:
                    break
            start = position
            if valid := self._valid.match(text, position, max(position, limit)):
                position = valid.end()
            out.append(text[start:position])
            if position >= limit:
                break
            position = self._repair_at(text, position, out)
        if not self._until:
            self._find_parent(text, position)
        self._after = 0
        self._held_back = text[position:]
        self._offset += position
        self._count_lines(text, position)
        self._counted = 0
        return "".join(out)

    def _read_until_end(self, text: str, position: int, out: list[str], *, final: bool) -> int:
        """Append the rest of the open section (`_until`), as far as it is certain, to `out`. Return where that ends."""
        while (end := text.find(self._until, position)) >= 0:
            after = end + len(self._until)
            is_end = self._until != _CDATA_END or self._is_section_end(text, after, final=final)
            if is_end is None:
                break
            if is_end:
                out.append(text[position:after])
                self._until = ""
                self._after = after
                return after
            out += (text[position:end], "]]]]><![CDATA[>")
            self._count_lines(text, end)
            self._repairs.add("sections", self._line)
            position = after
        if end < 0:
            end = len(text) if final else max(position, len(text) - len(self._until) + 1)
        out.append(text[position:end])
        return end

    def _is_section_end(self, text: str, position: int, *, final: bool) -> bool | None:
        """Return whether the `]]>` before `position` ends a CDATA section; None if that depends on more text.

        It is part of the text if the XML would otherwise be invalid, because another `]]>` follows outside of a section
        in the same element. Sections into which a text was split to escape a `]]>` follow each other immediately.
        """
        if not self._parent or text.startswith(_CDATA, position):
            return True
        if self._offset + position > self._decided_until:
            limit = position + _LOOK_AHEAD
            ends = (
                found
                for found in _SECTION_OR_END.finditer(text, position, limit)
                if found[0] == _CDATA_END or found["name"] == self._parent
            )
            found = next(ends, None)
            if found is None and len(text) < limit and not final:
                return None
            # Every `]]>` up to there has the same meaning, so no text is searched twice.
            self._is_end = found is None or found[0] != _CDATA_END
            self._decided_until = self._offset + (found.start() if found else limit)
        return self._is_end

    def _find_parent(self, text: str, position: int) -> None:
        """Store the element that contains `position`, if that is certain."""
        start = text.rfind("<", self._after, position)
        if start >= 0:
            tag = _TAG.match(text, start, position)
            is_start = tag is not None and text.startswith(">", tag.end()) and not tag[0].endswith("/")
            self._parent = tag["name"] if tag and is_start else ""

    def _count_lines(self, text: str, position: int) -> None:
        self._line += text.count("\n", self._counted, position)
        self._counted = position

    def _repair_at(self, text: str, position: int, out: list[str]) -> int:
        """Append the markup at `position` to `out`, repaired if necessary. Return where it ends."""
        for start, end in _ENDS.items():
            if text.startswith(start, position):
                self._find_parent(text, position)
                self._until = end
                out.append(start)
                return position + len(start)
        kind = ""
        if entity := _ENTITY.match(text, position):
            repaired, kind = _repaired_entity(entity)
            end_position = entity.end()
        elif tag := _TAG.match(text, position):
            missing = set(_PREFIX.findall(tag[0])) - self._prefixes - set(_DECLARED.findall(tag[0]))
            repaired = "<" + tag["name"] + "".join(f' xmlns:{prefix}="{UNDECLARED}"' for prefix in sorted(missing))
            kind = "prefixes" if missing else ""
            end_position = tag.end("name")
        else:
            repaired, end_position = "<", position + 1
        if kind:
            self._count_lines(text, position)
            self._repairs.add(kind, self._line)
        out.append(repaired)
        return end_position


def _safe_end(text: str) -> int:
    """Return the last position at which `text` can be cut without splitting a tag or an entity."""
    end = len(text)
    entity = text.rfind("&", max(0, end - _LONGEST_ENTITY))
    if entity >= 0 and text.find(";", entity) < 0:
        end = entity
    # The entity may be in a tag.
    tag = text.rfind("<", max(0, end - _LONGEST_TAG), end)
    return tag if tag >= 0 and text.find(">", tag, end) < 0 else end


def _repaired_entity(entity: re.Match[str]) -> tuple[str, str]:
    """Return the markup for `entity`, and the kind of repair, which is empty if it was valid."""
    decimal, hexadecimal, name = entity.groups()
    if decimal or hexadecimal:
        code_point = int(decimal) if decimal else int(hexadecimal, 16)
        is_valid = code_point <= sys.maxunicode and not NOT_IN_XML.match(chr(code_point))
        return (f"&#{code_point};", "") if is_valid else ("", "controls")
    if text := html5.get(f"{name};"):
        return html.escape(text), "entities"
    return "&amp;" + entity[0][1:], "ampersands"
