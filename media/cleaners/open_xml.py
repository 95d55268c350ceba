"""The parts of Word, Excel and PowerPoint files (ISO/IEC 29500).

Source: the specifications [MS-DOCX], [MS-XLSX] and [MS-PPTX] (Microsoft) for what newer programs add.
"""

import re
import struct
from collections.abc import Callable, Collection
from posixpath import join
from typing import Any, Final

from lxml import etree

from media.cleaners.markup import LOCAL_LINK, XML_DECLARATION, parse, serialised, without
from media.cleaners.relationships import target_of, targets_of
from media.cleaners.word_deletions import find_unused, has_deleted_text, without_deleted_text, without_notes

CONTENT_TYPES: Final = "[Content_Types].xml"
# Parts that contain only properties. They must exist wherever the package refers to them.
_PROPERTIES: Final = (
    (
        re.compile(r"docProps/core\.xml|.*\.psmdcp"),
        b'<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"/>',
    ),
    (
        re.compile(r"docProps/app\.xml"),
        b'<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"/>',
    ),
    (
        re.compile(r"docProps/custom\.xml"),
        b'<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"/>',
    ),
)
# Thumbnails, other properties, program data, labels, signatures, printer settings, change logs, tags, and remains of
# deleted parts. Pivot tables as well: they contain all rows that they were made from, hidden and deleted ones included.
# Their results are cells.
_DROPPED: Final = re.compile(
    r"docProps/(?!(?:core|app|custom)\.xml).*|customXml/.*|docMetadata/.*|_xmlsignatures/.*|\[trash\]/.*"
    r"|(?:word|xl|ppt)/printerSettings/.*"
    r"|xl/(?:revisions|customProperty|pivotCache|pivotTables|slicers|slicerCaches|timelines|timelineCaches)/.*"
    r"|(?:.*/)?customProperty[0-9]*\.bin|ppt/(?:tags|changesInfos)/.*"
    r"|ppt/revisionInfo\.xml|userCustomization/.*|customUI/.*|(?:.*/)?webextensions/.*",
    re.IGNORECASE,
)
_RELATIONSHIPS: Final = re.compile(r"(?:(?P<folder>.*)/)?_rels/(?P<file>[^/]*)\.rels")
_REFERENCE: Final = re.compile(r"\{http://(?:schemas\.openxmlformats|purl\.oclc)\.org/.*/relationships\}.*")
# What hyperlinks may lead to.
_LINK: Final = re.compile(r"(?:https?|mailto|tel):|#", re.IGNORECASE)
# References to other documents of the author, also in an online account.
_OF_PERSON: Final = re.compile(
    r".*/(?:attachedTemplate|mailMerge\w*|recipientData|externalLink\w*|xlExternalLinkPath/.*|oleObject|subDocument|frame)"
)
# Sessions, templates, variables, personal views, copies of shapes and add-in data in other formats, and what refers to
# pivot tables.
_DROPPED_ELEMENTS: Final = frozenset(
    (
        *("rsid", "rsids", "docId", "absPath", "attachedTemplate", "docVars", "mailMerge", "custDataLst"),
        *("revisionPtr", "customWorkbookViews", "customSheetViews", "securityDescriptor", "fldData"),
        *("pivotCaches", "pivotSource"),
    )
)
# What refers to pivot tables as the only content of an extension, or of a place in a drawing. These are invalid if they
# are empty.
_ONLY_CONTENT: Final = frozenset(
    (
        *("pivotTableReferences", "slicer", "slicerCaches", "slicerList", "timelineCachePivotCaches"),
        *("timelineCacheRefs", "timelineRefs", "timeslicer"),
    )
)
_HOLDERS: Final = ("{*}absoluteAnchor", "{*}ext", "{*}oneCellAnchor", "{*}twoCellAnchor")
_DROPPED_ATTRIBUTES: Final = frozenset({"gfxdata", "securityDescriptor", "refreshedDate", "ed"})
_AUTHOR_ATTRIBUTES: Final = frozenset(
    (
        *("author", "initials", "userName", "userInitials", "lastModifiedBy", "refreshedBy", "userId"),
        *("providerId", "driveId", "itemId", "serialNo"),
    )
)
_AUTHOR_ELEMENTS: Final = frozenset({"author", "creator", "lastModifiedBy"})
# Where data came from.
_SOURCE_ATTRIBUTES: Final = frozenset({"connection", "odcFile", "sourceFile"})
# Parts about people. Elsewhere, these attributes are the names of tables, shapes and the like.
_PEOPLE: Final = re.compile(r"xl/persons/.*|word/people\.xml|ppt/(?:commentAuthors|authors)\.xml")
_NAME_ATTRIBUTES: Final = frozenset({"name", "displayName"})
_DATE_ATTRIBUTES: Final = frozenset(
    {"date", "dateUtc", "dT", "dt", "time", "timeString", "created", "modified", "refreshedDateIso"}
)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT.*", re.DOTALL)
NEUTRAL_DATE: Final = "2000-01-01T00:00:00Z"
# Field codes of add-ins, such as reference managers, which name the user's account.
_ADD_IN: Final = re.compile(r"\s*ADDIN\b", re.IGNORECASE)
_BEGINNING: Final = 50
# Word accepts this many characters from users. Add-ins store data in longer tags.
_LONGEST_TAG: Final = 64
# Elements that describe images, and the attributes in which programs put the name of the file that an image came from.
_IMAGE_ELEMENTS: Final = frozenset({"cNvPr", "docPr", "imagedata"})
_IMAGE_ATTRIBUTES: Final = frozenset({"name", "descr", "title"})
_IMAGE_FILE: Final = re.compile(
    r".*\.(?:avif|bmp|dng|emf|gif|hei[cf]|jfif|jpe?g?|png|psd|svg|tiff?|webp|wmf)\s*", re.IGNORECASE | re.DOTALL
)
# Paths in field codes, such as the path of a linked image.
_PATH_IN_TEXT: Final = re.compile(
    r"(?:\bfile:|\b[A-Za-z]:\\|\\\\\\\\|\bMacintosh HD:"
    r"|(?<=[\s\"])(?:\.\.[\\/]|/(?:home|Users|Volumes|private|var)/))[^\"]*",
    re.IGNORECASE,
)


class Document:
    """A Word, Excel or PowerPoint file with parts of these names, which `read` returns the content of."""

    def __init__(self, names: Collection[str], read: Callable[[str], bytes]) -> None:
        self._names = names
        self._read = read
        self._unused = find_unused({name for name in names if not _DROPPED.fullmatch(name)}, read)

    def is_dropped(self, name: str) -> bool:
        """Whether a part is left out because readers don't need it."""
        return _DROPPED.fullmatch(name) is not None or name in self._unused.parts

    def clean_part(self, name: str, content: bytes) -> bytes | None:
        """Return a part without its metadata, deleted text, and references to dropped parts.

        Return None if the part has to be cleaned according to its extension.
        """
        for pattern, empty in _PROPERTIES:
            if pattern.fullmatch(name):
                return XML_DECLARATION + empty
        if name == CONTENT_TYPES:
            return self._clean_content_types(content)
        if listed := _RELATIONSHIPS.fullmatch(name):
            return self._clean_relationships(content, join(listed["folder"] or "", listed["file"]))
        if name.lower().endswith((".xml", ".vml")):
            return self._clean_xml(name, content)
        return None

    def _clean_relationships(self, content: bytes, source: str) -> bytes:
        """Remove references of a part to dropped parts, those from deleted text, and paths on the author's machine."""
        tree = parse(content)
        dropped = []
        for each in tree.iter("*"):
            target = target_of(each, source)
            is_unused = (source, each.get("Id", "")) in self._unused.relationships
            if is_unused or (target is not None and self.is_dropped(target)):
                dropped.append(each)
            elif each.get("TargetMode") == "External" and (
                not _LINK.match(each.get("Target", "")) or _OF_PERSON.fullmatch(each.get("Type", ""))
            ):
                each.set("Target", "about:blank")
        return serialised(without(tree, dropped))

    def _clean_content_types(self, content: bytes) -> bytes:
        tree = parse(content)
        dropped = [each for each in tree.getroot() if self.is_dropped(each.get("PartName", "").lstrip("/"))]
        return serialised(without(tree, dropped))

    def _clean_xml(self, name: str, content: bytes) -> bytes:
        """Remove authors, dates, sessions, templates, paths and deleted text, and references to dropped parts."""
        targets = targets_of(name, self._names, self._read)
        removed = {number for number, target in targets.items() if target is not None and self.is_dropped(target)}
        # Excel writes HTML into drawings (VML).
        tree = parse(content, recover=name.lower().endswith(".vml"))
        if has_deleted_text(content):
            tree = without_deleted_text(tree)
        if self._unused.notes:
            tree = without_notes(tree, self._unused.notes)
        _clean_fields(tree)
        names = _AUTHOR_ATTRIBUTES | _SOURCE_ATTRIBUTES | (_NAME_ATTRIBUTES if _PEOPLE.fullmatch(name) else frozenset())
        # Without duplicates: one may hold several of what it is removed for.
        dropped: dict[Any, None] = {}
        for element in tree.iter("*"):
            local_name = etree.QName(element).localname
            if local_name in _DROPPED_ELEMENTS and element.getparent() is not None:
                dropped[element] = None
                continue
            if local_name in _ONLY_CONTENT:
                dropped[next(element.iterancestors(*_HOLDERS), element)] = None
                continue
            if local_name in _AUTHOR_ELEMENTS:
                element.text = ""
            elif local_name == "tag" and any(len(value) > _LONGEST_TAG for value in element.values()):
                dropped[element] = None
            for attribute, value in element.items():
                _clean_attribute(element, attribute, value, names, removed)
        return serialised(without(tree, dropped))


def _clean_fields(tree: Any) -> None:
    """Remove paths from field codes, and everything from the field codes of add-ins."""
    # The beginning of the code of each open field. A code may be spread over several elements.
    beginnings: list[str] = []
    for element in tree.iter("{*}fldChar", "{*}instrText", "{*}delInstrText"):
        if etree.QName(element).localname == "fldChar":
            if "begin" in element.values():
                beginnings.append("")
            elif "end" in element.values() and beginnings:
                beginnings.pop()
        elif text := element.text:
            if beginnings:
                beginnings[-1] = (beginnings[-1] + text).lstrip()[:_BEGINNING]
            is_add_in = beginnings and _ADD_IN.match(beginnings[-1])
            element.text = "" if is_add_in else _PATH_IN_TEXT.sub("", text)


def _clean_attribute(
    element: Any, attribute: str, value: str, names: Collection[str], removed: Collection[str]
) -> None:
    local_name = attribute.rpartition("}")[2]
    if (
        local_name.startswith("rsid")
        or local_name in _DROPPED_ATTRIBUTES
        or (value in removed and _REFERENCE.fullmatch(attribute))
    ):
        del element.attrib[attribute]
    elif local_name in names or LOCAL_LINK.match(value) or _is_file_name(element, local_name, value):
        element.set(attribute, "")
    elif local_name in _DATE_ATTRIBUTES and _DATE.fullmatch(value):
        element.set(attribute, NEUTRAL_DATE)
    elif local_name == "instr":
        element.set(attribute, "" if _ADD_IN.match(value) else _PATH_IN_TEXT.sub("", value))


def _is_file_name(element: Any, attribute: str, value: str) -> bool:
    """Whether an attribute of an image contains the name of its file rather than a description for readers."""
    kind = etree.QName(element).localname
    if kind not in _IMAGE_ELEMENTS or attribute not in _IMAGE_ATTRIBUTES:
        return False
    # Old versions of Word leave out the extension.
    return kind == "imagedata" or _IMAGE_FILE.fullmatch(value) is not None


def empty_object() -> bytes:
    """Return an empty embedded object. Readers see its image, which is a separate part.

    Source: [MS-CFB]: a header, a sector with the chain of sectors, and one with an empty folder.
    """
    no_more, free, nothing = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFF
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, no_more, 0, no_more, 0)
    header += struct.pack("<109I", 0, *[free] * 108)
    chain = struct.pack("<128I", 0xFFFFFFFD, no_more, *[free] * 126)
    folder = "Root Entry".encode("utf-16-le").ljust(64, b"\0") + struct.pack("<HBB", 22, 5, 1)
    folder += struct.pack("<III", *[nothing] * 3) + bytes(36) + struct.pack("<IQ", no_more, 0)
    unused = bytes(64) + struct.pack("<HBBIII", 0, 0, 1, *[nothing] * 3) + bytes(48)
    return header + chain + folder + 3 * unused
