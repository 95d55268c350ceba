"""The parts of OpenDocument files (ISO/IEC 26300), as LibreOffice and others write them."""

import re
from collections.abc import Callable, Collection, Iterable
from posixpath import basename
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from lxml import etree

from media.cleaners.markup import LOCAL_LINK, LOCAL_PATH, XML_DECLARATION, parse, serialised, without
from media.cleaners.open_document_deletions import has_deleted_text, without_deleted_text

MANIFEST: Final = "META-INF/manifest.xml"
_EMPTY: Final = {
    "meta.xml": b'<office:document-meta xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"/>',
    "manifest.rdf": b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
}
# Thumbnails, toolbars, earlier versions, signatures, and caches that programs recreate.
_DROPPED: Final = re.compile(
    r"(?:.*/)?(?:Thumbnails|Configurations2|Versions)/.*|VersionList\.xml|META-INF/.*signatures\.xml|(?:.*/)?layout-cache"
)
_DROPPED_ELEMENTS: Final = frozenset({"scripts", "event-listeners", "dde-source"})
# The parts that refer to images and objects.
_PAGES: Final = ("content.xml", "styles.xml")
_AUTHOR_ELEMENTS: Final = frozenset(
    ("creator", "creator-initials", "initial-creator", "sender-initials", "printed-by", "date-string")
)
# Descriptions of images for people who can't see them.
_DESCRIPTIONS: Final = frozenset({"title", "desc"})
# The names of the marks of reference managers: everything about a book, with the user's account.
_REFERENCE: Final = re.compile(r"ZOTERO_|.*CSL_CITATION", re.DOTALL)
_AUTHOR_ATTRIBUTES: Final = frozenset({"chg-author", "author-name", "author-initials", "user-name", "password"})
_DATE_ATTRIBUTES: Final = frozenset({"chg-date-time", "chg-date"})
_NEUTRAL_DATE: Final = "2000-01-01T00:00:00"
# Settings that reveal something about the author's machine.
_SETTINGS: Final = re.compile(r".*Printer(?:Name|Setup)|.*URL|.*Path|Rsid.*|CurrentDatabase.*|EmbeddedDatabase.*|.*Key")
# Another spreadsheet, in formulas that refer to it.
_OTHER_FILE: Final = re.compile(r"'file:(?:[^']|'')*+'", re.IGNORECASE)


class Document:
    """A file with parts of these names, whose content `read` returns."""

    def __init__(self, names: Collection[str], read: Callable[[str], bytes]) -> None:
        pages = [read(name) for name in _PAGES if name in names]
        trees = [parse(page) for page in pages] if any(map(has_deleted_text, pages)) else []
        references = _references_in(trees)
        # What only deleted text refers to, such as images.
        self._unused = references - _references_in(map(without_deleted_text, trees))

    def is_dropped(self, name: str) -> bool:
        """Whether a part is left out because readers don't need it."""
        return _DROPPED.fullmatch(name) is not None or not self._unused.isdisjoint({name, name.partition("/")[0]})

    def clean_part(self, name: str, content: bytes) -> bytes | None:
        """Return a part without its metadata and deleted text; None if its extension says how it has to be cleaned."""
        if name == "mimetype":
            return content
        # Embedded objects have properties as well.
        if empty := _EMPTY.get(basename(name)):
            return XML_DECLARATION + empty
        if name == MANIFEST:
            return self._clean_manifest(content)
        return _clean_xml(content) if name.lower().endswith(".xml") else None

    def _clean_manifest(self, content: bytes) -> bytes:
        """Remove dropped parts from the list of parts."""
        tree = parse(content)
        dropped = []
        for element in tree.iter("*"):
            path = next((value for name, value in element.items() if name.endswith("}full-path")), "")
            if self.is_dropped(path) and element.getparent() is not None:
                dropped.append(element)
        return serialised(without(tree, dropped))


def check_password(manifest: bytes) -> None:
    """Raise ValidationError if a document with this list of parts has a password."""
    if next(parse(manifest).iter("{*}encryption-data"), None) is not None:
        raise ValidationError(_("The file is protected by a password. Save it without one."))


def _references_in(trees: Iterable[Any]) -> set[str]:
    """Return the names of the parts, and of the folders of parts, that some parts refer to."""
    attributes = (attribute for tree in trees for element in tree.iter("*") for attribute in element.items())
    return {value.removeprefix("./") for name, value in attributes if name.endswith("}href") and value}


def _clean_xml(content: bytes) -> bytes:
    """Remove authors, dates, sessions, printers, paths and deleted text from a part."""
    tree = without_deleted_text(parse(content))
    dropped = []
    references: dict[str, str] = {}
    for element in tree.iter("*"):
        local_name = etree.QName(element).localname
        is_setting = local_name == "config-item" and any(_SETTINGS.fullmatch(value) for value in element.values())
        if (local_name in _DROPPED_ELEMENTS or is_setting) and element.getparent() is not None:
            dropped.append(element)
            continue
        if local_name in _AUTHOR_ELEMENTS or (local_name in _DESCRIPTIONS and LOCAL_PATH.match(element.text or "")):
            element.text = ""
        elif local_name == "date" and element.text:
            element.text = _NEUTRAL_DATE
        for attribute, value in element.items():
            local_attribute = attribute.rpartition("}")[2]
            if local_attribute.endswith("rsid"):
                del element.attrib[attribute]
            elif local_attribute in _AUTHOR_ATTRIBUTES or LOCAL_LINK.match(value):
                element.set(attribute, "")
            elif local_attribute in _DATE_ATTRIBUTES:
                element.set(attribute, _NEUTRAL_DATE)
            elif _REFERENCE.match(value):
                # Both ends of a mark have the same name.
                element.set(attribute, references.setdefault(value, f"Reference {len(references) + 1}"))
            elif (without_files := _OTHER_FILE.sub("'about:blank'", value)) != value:
                element.set(attribute, without_files)
    return serialised(without(tree, dropped))
