"""Text of Word documents that was deleted while changes were tracked, which anyone could restore.

Source: ISO/IEC 29500-1, 17.13.5 (Revisions). Microsoft: [MS-DOCX], 2.6 for conflicts, and [MS-ODRAWXML] for drawings of
diagrams.
"""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Callable, Container, Iterator, Set
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from lxml import etree

from media.cleaners.markup import parse, without
from media.cleaners.relationships import relationships_of, targets_of

# What a part with deleted text contains.
_MARK: Final = re.compile(rb"[<:](?:del|delText|delInstrText|moveFrom|cellDel|conflictDel)[\s/>]")
# How parts begin in which the pattern above doesn't find anything.
_UTF_16: Final = (BOM_UTF16_LE, BOM_UTF16_BE)
# Deleted text, text that was moved elsewhere, and the ends of such ranges.
_DELETED: Final = (
    *("{*}del", "{*}moveFrom", "{*}conflictDel", "{*}cellDel", "{*}delText", "{*}delInstrText"),
    *("{*}moveFromRangeStart", "{*}moveFromRangeEnd"),
)
# The properties of a row or a cell that was deleted as a whole.
_WHOLES: Final = {"trPr": "{*}tr", "tcPr": "{*}tc"}
# What is left out if nothing but deleted text was in it.
_HOLDERS: Final = (
    *("{*}ins", "{*}moveTo", "{*}hyperlink", "{*}smartTag", "{*}customXml", "{*}sdt", "{*}sdtContent"),
    *("{*}oMath", "{*}oMathPara", "{*}tr", "{*}tbl"),
)
# What such a holder may contain besides. The first may also be between two paragraphs.
_MARKERS: Final = re.compile(r"(?:bookmark|comment|perm|moveTo|moveFrom|customXml)\w*(?:Start|End)|proofErr")
_PROPERTIES: Final = re.compile(r"\w+(?:Pr|PrEx)|tblGrid")
# References to a note or a comment, and the elements that they belong to.
_NOTE_REFERENCES: Final = ("{*}footnoteReference", "{*}endnoteReference", "{*}commentReference")
_NOTES: Final = ("{*}footnote", "{*}endnote", "{*}comment", "{*}commentRangeStart", "{*}commentRangeEnd")
_NOTE: Final = re.compile(r"(footnote|endnote|comment)(?:Reference|RangeStart|RangeEnd)?")

# A footnote, an endnote or a comment: its kind and its ID.
type Note = tuple[str, str]
# What a part refers to: the part and the ID of the reference.
type Relationship = tuple[str, str]


@dataclass(slots=True)
class Unused:
    """What only deleted text refers to: notes, links, and parts such as images."""

    notes: set[Note] = field(default_factory=set)
    relationships: set[Relationship] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)


def find_unused(names: Set[str], read: Callable[[str], bytes]) -> Unused:
    """Return what only deleted text refers to in a file with parts of these names, whose content `read` returns."""
    unused = Unused()
    pages = [name for name in names if name.lower().endswith(".xml")]
    with_deleted_text = [name for name in pages if has_deleted_text(read(name))]
    if not with_deleted_text:
        return unused
    for name in with_deleted_text:
        tree = parse(read(name))
        unused.notes |= _notes_in(tree) - _notes_in(without_deleted_text(tree))
    # The file as a whole refers to parts as well.
    targets = {name: targets_of(name, names, read) for name in ("", *names)}
    for name in pages if unused.notes else with_deleted_text:
        if targets[name]:
            tree = parse(read(name))
            values = _values_in(tree) - _values_in(without_notes(without_deleted_text(tree), unused.notes))
            unused.relationships |= {(name, value) for value in values & targets[name].keys()}
    uses = Counter(target for each in targets.values() for target in each.values())
    left = list(unused.relationships)
    while left:
        source, number = left.pop()
        target = targets[source][number]
        uses[target] -= 1
        if target in targets and not uses[target]:
            unused.parts |= {target, relationships_of(target)}
            left += [(target, each) for each in targets[target]]
            # Word draws a diagram in a part of its own, to which only the data of the diagram refers.
            drawings = {(source, each) for each in _drawings_in(target, read) & targets[source].keys()}
            left += drawings - unused.relationships
            unused.relationships |= drawings
    return unused


def has_deleted_text(content: bytes) -> bool:
    """Whether a part may contain deleted text."""
    return _MARK.search(content) is not None or content.startswith(_UTF_16)


def without_notes(tree: Any, notes: set[Note]) -> Any:
    """Return a part without these notes and comments."""
    return without(tree, [element for element in tree.iter(*_NOTES) if _note(element) in notes])


def without_deleted_text(tree: Any) -> Any:
    """Return a part as a program does whose user accepts the deletions. Inserted text stays marked."""
    removed: dict[Any, None] = {}
    # The paragraphs whose ends were deleted.
    open_ended: dict[Any, None] = {}
    for element in tree.iter(*_DELETED):
        removed[element] = None
        around = element.getparent()
        if _name(around) == "rPr" and _name(around.getparent()) == "pPr":
            open_ended.update(_nearest(around, "{*}p"))
        elif whole := _WHOLES.get(_name(around)):
            removed.update(_nearest(around, whole))
        elif _name(around) == "ctrlPr" and _PROPERTIES.fullmatch(_name(around.getparent())):
            # A part of a formula with a form of its own, such as a fraction.
            removed.update(_nearest(around.getparent(), "*"))
    for around in dict.fromkeys(paragraph.getparent() for paragraph in open_ended):
        removed.update(dict.fromkeys(_joined_paragraphs(around, open_ended, removed)))
    # From the innermost one.
    for holder in reversed(list(tree.iter(*_HOLDERS))):
        # Within properties, an empty element says that a paragraph or a row was inserted.
        if not (_PROPERTIES.fullmatch(_name(holder.getparent())) or _has_content(holder, removed)):
            removed[holder] = None
    return without(tree, removed)


def _joined_paragraphs(around: Any, open_ended: Container[Any], removed: Container[Any]) -> Iterator[Any]:
    """Move the content of each paragraph whose end was deleted to the start of the next, which keeps its properties.

    Yield the paragraphs that are empty then.
    """
    following = None
    for element in reversed(list(around)):
        if _MARKERS.fullmatch(_name(element)):
            continue
        if element in open_ended and _join(element, following, removed):
            yield element
        else:
            following = element


def _join(paragraph: Any, following: Any, removed: Container[Any]) -> bool:
    """Move the content of a paragraph to what follows it; return whether the paragraph can be left out then."""
    if _name(following) == "p":
        # Its properties are at the very beginning.
        start = 1 if _name(next(iter(following), None)) == "pPr" else 0
        for each in reversed([each for each in paragraph if _name(each) != "pPr"]):
            following.insert(start, each)
        return True
    # A cell, a note and a section have a paragraph at the end.
    is_last = following is None or _name(following) == "sectPr"
    return not (is_last or _has_content(paragraph, removed))


def _nearest(element: Any, tag: str) -> dict[Any, None]:
    """Return the nearest element with this tag around an element, if there is one."""
    return dict.fromkeys(islice(element.iterancestors(tag), 1))


def _has_content(element: Any, removed: Container[Any]) -> bool:
    """Whether an element contains more than properties, markers and what is removed."""
    names = (_name(each) for each in element if each not in removed)
    return any(not (_PROPERTIES.fullmatch(name) or _MARKERS.fullmatch(name)) for name in names)


def _name(element: Any) -> str:
    return "" if element is None else etree.QName(element).localname


def _note(element: Any) -> Note:
    found = _NOTE.fullmatch(_name(element))
    number = next((value for name, value in element.items() if name.endswith("}id")), "")
    return (found[1] if found else "", number)


def _notes_in(tree: Any) -> set[Note]:
    """Return the notes and comments that a part refers to."""
    return {_note(element) for element in tree.iter(*_NOTE_REFERENCES)}


def _values_in(tree: Any) -> set[str]:
    return {value for element in tree.iter("*") for value in element.values()}


def _drawings_in(name: str, read: Callable[[str], bytes]) -> set[str]:
    """Return the IDs of the drawings of a diagram whose data is in this part, as the page has them."""
    if not name.lower().endswith(".xml"):
        return set()
    return {element.get("relId", "") for element in parse(read(name)).iter("{*}dataModelExt")}
