"""Markup between the texts of an export, made fit for a strict parser where it is certain what was meant.

Old plug-ins write bare ampersands, the entities of HTML and prefixes they never declare. All of these stand
outside CDATA, and all are put right as a browser would read them. What is broken otherwise is left to the parser.
"""

import html
import re
from collections import Counter
from collections.abc import Callable
from html.entities import html5
from typing import Final

# Element names with these prefixes mean something to the reader, declared or not.
KNOWN_PREFIXES: Final = ("content", "dc", "excerpt", "wp")
# What a prefix stands for that was never declared.
UNDECLARED: Final = "urn:undeclared"
# No real export declares more in its root; those beyond are looked at one by one.
_MAX_QUICK_PREFIXES: Final = 50
# A tag or entity that is longer is not waited for at the end of a chunk.
_LONGEST_TAG: Final = 64 * 1024
_LONGEST_ENTITY: Final = 48

_ENTITY = re.compile(
    r"&(?:#(?P<decimal>\d{1,7})|#[xX](?P<hex>[0-9A-Fa-f]{1,6})|(?P<name>[A-Za-z][A-Za-z0-9]*));", re.ASCII
)
_TAG = re.compile(r"<(?P<name>[^\W\d][\w.:-]*+)[^<>]*+")
_PREFIX = re.compile(r"(?:^<|\s)([^\W\d][\w.-]*+):[\w.-]")
_DECLARED = re.compile(r"\sxmlns:([\w.-]+)\s*=")
_ENDS: Final = {"<![CDATA[": "]]>", "<!--": "-->", "<?": "?>"}


class Mended:
    """How often what was put right, by kind, and the lines of the first few of each."""

    _SHOWN: Final = 5

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lines: dict[str, list[int]] = {}

    def add(self, kind: str, line: int, number: int = 1) -> None:
        self.counts[kind] += number
        lines = self.lines.setdefault(kind, [])
        if len(lines) < self._SHOWN and line not in lines:
            lines.append(line)


def declare_known(root: str) -> tuple[str, set[str]]:
    """The start tag `root` with all prefixes declared that the reader knows, and those it declares now."""
    declared = set(_DECLARED.findall(root))
    missing = [f' xmlns:{prefix}="{UNDECLARED}"' for prefix in KNOWN_PREFIXES if prefix not in declared]
    name = _TAG.match(root)
    end = name.end("name") if name else 0
    return root[:end] + "".join(missing) + root[end:], declared | set(KNOWN_PREFIXES)


class Wellformed:
    """Takes a document in pieces and gives it back mended. Holds back little; takes linear time."""

    def __init__(self, mended: Mended, prefixes: set[str], line: int) -> None:
        self._mended = mended
        self._prefixes = prefixes | {"xml", "xmlns"}
        self._good = _good(sorted(prefixes)[:_MAX_QUICK_PREFIXES])
        # What ends the CDATA section, comment or instruction that was open at the end of the last piece.
        self._until = ""
        self._kept = ""
        # The line at `_counted` in the present piece.
        self._line = line
        self._counted = 0

    def mend(self, text: str, *, final: bool = False) -> str:
        text = self._kept + text
        out: list[str] = []
        limit = len(text) if final else _safe_end(text)
        position = 0
        while True:
            start = position
            if self._until:
                end = text.find(self._until, position)
                if end < 0:
                    position = len(text) if final else max(position, len(text) - len(self._until) + 1)
                    out.append(text[start:position])
                    break
                position = end + len(self._until)
                self._until = ""
                out.append(text[start:position])
            good = self._good.match(text, position, max(position, limit))
            end = good.end() if good else position
            out.append(text[position:end])
            position = end
            if position >= limit:
                break
            position = self._odd(text, position, out)
        self._kept = text[position:]
        self._line += text.count("\n", self._counted, position)
        self._counted = 0
        return "".join(out)

    def _odd(self, text: str, position: int, out: list[str]) -> int:
        """Take what stands at `position` and is not plainly good; returns where it ends."""
        for start, end in _ENDS.items():
            if text.startswith(start, position):
                self._until = end
                out.append(start)
                return position + len(start)

        def note(kind: str) -> None:
            self._line += text.count("\n", self._counted, position)
            self._counted = position
            self._mended.add(kind, self._line)

        if text[position] == "&":
            entity = _ENTITY.match(text, position)
            out.append(_mended_entity(entity, note))
            return entity.end() if entity else position + 1
        tag = _TAG.match(text, position)
        if tag is None:
            out.append("<")
            return position + 1
        missing = set(_PREFIX.findall(tag[0])) - self._prefixes - set(_DECLARED.findall(tag[0]))
        if missing:
            note("prefixes")
        out.append("<" + tag["name"] + "".join(f' xmlns:{prefix}="{UNDECLARED}"' for prefix in sorted(missing)))
        return tag.end("name")


def _good(prefixes: list[str]) -> re.Pattern[str]:
    """As much as is good beyond doubt: nearly all of a real export, in one go."""
    names = "|".join(map(re.escape, prefixes))
    return re.compile(
        rf"""(?:[^<&]++
            |<!\[CDATA\[[^\]]*+(?:\](?!\]>)[^\]]*+)*+\]\]>
            |</[^<>&]*+>
            |<(?:(?:{names}):)?[\w.-]++(?:\s[^<>&:]*+)?+>
            |&(?:amp|lt|gt|quot|apos);
        )*+""",
        re.VERBOSE,
    )


def _safe_end(text: str) -> int:
    """Where to stop so that no tag and no entity is torn."""
    end = len(text)
    tag = text.rfind("<", max(0, end - _LONGEST_TAG))
    if tag >= 0 and text.find(">", tag) < 0:
        end = tag
    entity = text.rfind("&", max(0, len(text) - _LONGEST_ENTITY))
    if entity >= 0 and text.find(";", entity) < 0:
        end = min(end, entity)
    return end


def _mended_entity(entity: re.Match[str] | None, note: Callable[[str], None]) -> str:
    if entity is None:
        note("ampersands")
        return "&amp;"
    if entity["name"]:
        meant = html5.get(entity["name"] + ";")
        if meant is None:
            note("ampersands")
            return "&amp;" + entity[0][1:]
        note("entities")
        return html.escape(meant)
    number = int(entity["decimal"]) if entity["decimal"] else int(entity["hex"], 16)
    if _is_character(number):
        return f"&#{number};"
    note("controls")
    return ""


def _is_character(number: int) -> bool:
    """Whether XML 1.0 has room for it (section 2.2)."""
    return (
        number in {9, 10, 13} or 0x20 <= number <= 0xD7FF or 0xE000 <= number <= 0xFFFD or 0x10000 <= number <= 0x10FFFF
    )
