"""EPUB: of what a book says about itself, only its title, language and identifier are kept.

Only files that the book lists are kept. The identifier must stay, because fonts may be encrypted with it. Source: EPUB
3.3 (W3C), Open Packaging Format 2.0.1 (IDPF).
"""

import base64
import re
import zipfile
from collections.abc import Callable
from posixpath import dirname, join, normpath
from typing import IO, Any, Final, cast
from urllib.parse import unquote
from xml.sax.saxutils import quoteattr

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.utils.translation import gettext as _
from lxml import etree

from media.cleaners.packages import UnpackedSize, read_part, write_part
from media.cleaners.streams import damaged
from media.pictures import clean_picture

# Cleans the content of a part with this name. Raises ValidationError.
type CleanPart = Callable[[str, bytes], bytes]

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_OPF: Final = "{http://www.idpf.org/2007/opf}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_CONTAINER_NAMESPACE: Final = "urn:oasis:names:tc:opendocument:xmlns:container"
_PACKAGE_TYPE: Final = '"application/oebps-package+xml"'
_SECTIONS: Final = {f"{_OPF}{name}" for name in ("metadata", "manifest", "spine", "guide")}
_KEPT_TERMS: Final = {f"{_DC}{name}" for name in ("title", "language", "identifier")}
_KEPT_ATTRIBUTES: Final = {"id", "dir", "{http://www.w3.org/XML/1998/namespace}lang"}
# How the book is laid out and read aloud, and its cover.
_KEPT_META: Final = re.compile(r"rendition:.*|media:.*class|media:duration|cover")
# Must be stated.
_MODIFIED, _NEUTRAL_DATE = "dcterms:modified", "2000-01-01T00:00:00Z"
_KEPT_META_IN_PARTS: Final = re.compile(r"viewport|dtb:(?:uid|depth|totalPageCount|maxPageNumber)")
_DROPPED_ELEMENTS: Final = {"script", "metadata", "docAuthor", "namedview", "RDF"}
# Namespaces of drawing programs.
_DRAWING: Final = ("{http://www.inkscape.org/", "{http://sodipodi.sourceforge.net/", "{http://ns.adobe.com/")
_DATA_IMAGE: Final = re.compile(r"data:image/(jpeg|png);base64,(.*)", re.DOTALL)
_IMAGES: Final = {"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp"}
_SCRIPT: Final = re.compile(r"(?:application|text)/(?:x-)?(?:java|ecma)script")
_UNCHANGED: Final = re.compile(r"text/css|font/.*|application/(?:x-)?font-.*|application/vnd\.ms-opentype")
# Fonts are encrypted with the identifier of the book, anything else only if it may not be copied.
_FONT_ENCRYPTION: Final = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}


def clean_epub(source: IO[bytes], target: IO[bytes], clean_part: CleanPart) -> None:
    """Keep the parts that the book lists, without metadata and scripts; `clean_part` cleans audio and video."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        UnpackedSize().add(old)
        parts = {part.filename: part for part in old.infolist()}
        if _CONTAINER not in parts:
            raise ValidationError(_("This is not an EPUB book, whatever its name says."))
        written = {"mimetype": b"application/epub+zip"}
        container = _parse(read_part(old, parts[_CONTAINER])).getroot()
        paths = [file.get("full-path", "") for file in container.iter(f"{{{_CONTAINER_NAMESPACE}}}rootfile")]
        written[_CONTAINER] = _container(paths)
        if _ENCRYPTION in parts:
            written[_ENCRYPTION] = _checked_encryption(read_part(old, parts[_ENCRYPTION]))
        for path in paths:
            package = _parse(read_part(old, parts[path]))
            for href, media_type in _clean_package(package.getroot()):
                name = normpath(join(dirname(path), unquote(href)))
                if name in parts and name not in written and name not in paths:
                    written[name] = _clean(name, media_type, read_part(old, parts[name]), clean_part)
            written[path] = _serialised(package)
        for name, content in written.items():
            write_part(new, name, content)


def _parse(content: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    return etree.ElementTree(etree.fromstring(content, parser))


def _serialised(tree: Any) -> bytes:
    """Return a document without what its DOCTYPE declares."""
    declared, written = tree.docinfo.internalDTD, tree
    if declared is not None:
        if any(True for _entity in declared.iterentities()):
            raise damaged()
        written = tree.getroot()
    doctype = {} if declared is None else {"doctype": tree.docinfo.doctype}
    return cast("bytes", etree.tostring(written, encoding="utf-8", xml_declaration=True, **doctype))


def _container(paths: list[str]) -> bytes:
    files = "".join(f"<rootfile full-path={quoteattr(path)} media-type={_PACKAGE_TYPE}/>" for path in paths)
    return (
        f'<container version="1.0" xmlns="{_CONTAINER_NAMESPACE}"><rootfiles>{files}</rootfiles></container>'.encode()
    )


def _checked_encryption(content: bytes) -> bytes:
    tree = _parse(content)
    algorithms = {element.get("Algorithm") for element in tree.iter("*")} - {None}
    if not algorithms <= _FONT_ENCRYPTION:
        raise ValidationError(_("The book is protected against copying. Save it without that."))
    return _serialised(tree)


def _clean_package(package: Any) -> list[tuple[str, str]]:
    """Remove metadata from the description of the book, and return the path and type of each part that it lists."""
    for section in list(package):
        if section.tag not in _SECTIONS:
            package.remove(section)
    for metadata in package.iter(f"{_OPF}metadata"):
        for element in list(metadata):
            if not _is_kept(element, package):
                metadata.remove(element)
    listed = []
    for item in list(package.iter(f"{_OPF}item")):
        media_type = item.get("media-type", "").partition(";")[0].strip().lower()
        if _SCRIPT.fullmatch(media_type):
            item.getparent().remove(item)
        else:
            listed.append((item.get("href", "").partition("#")[0], media_type))
    return listed


def _is_kept(element: Any, package: Any) -> bool:
    """Whether a statement about the book is kept. Removes its attributes, and the date."""
    if element.tag in _KEPT_TERMS:
        is_other = element.tag == f"{_DC}identifier" and element.get("id") != package.get("unique-identifier")
        for name in set(element.attrib) - _KEPT_ATTRIBUTES:
            del element.attrib[name]
        return not is_other
    if element.tag != f"{_OPF}meta":
        return False
    name = element.get("property") or element.get("name") or ""
    if name == _MODIFIED:
        element.text = _NEUTRAL_DATE
        return True
    return _KEPT_META.fullmatch(name) is not None


def _clean(name: str, media_type: str, content: bytes, clean_part: CleanPart) -> bytes:
    if extension := _IMAGES.get(media_type):
        picture: bytes = clean_picture(ContentFile(content, name=f"image{extension}"), extension=extension).read()
        return picture
    if media_type.endswith("+xml"):
        return _clean_markup(content)
    if _UNCHANGED.fullmatch(media_type):
        return content
    return clean_part(name, content)


def _clean_markup(content: bytes) -> bytes:
    """Remove scripts, comments and metadata from a page, a drawing or a table of contents."""
    tree = _parse(content)
    for element in list(tree.iter("*")):
        local_name = etree.QName(element).localname
        is_meta = local_name == "meta" and element.get("name") is not None
        if (
            local_name in _DROPPED_ELEMENTS
            or element.tag.startswith(_DRAWING)
            or (is_meta and not _KEPT_META_IN_PARTS.fullmatch(element.get("name")))
        ):
            _remove(element)
            continue
        for name, value in element.items():
            if name.startswith(("on", *_DRAWING)) or value.strip().lower().startswith("javascript:"):
                del element.attrib[name]
            elif image := _DATA_IMAGE.fullmatch(value):
                file = ContentFile(base64.b64decode(image[2]), name="image")
                cleaned = clean_picture(file, extension=f".{image[1]}").read()
                element.set(name, f"data:image/{image[1]};base64,{base64.b64encode(cleaned).decode()}")
    return _serialised(tree)


def _remove(element: Any) -> None:
    """Remove an element, but not the text after it."""
    parent, before = element.getparent(), element.getprevious()
    if parent is None:
        raise damaged()
    if element.tail and before is not None:
        before.tail = (before.tail or "") + element.tail
    elif element.tail:
        parent.text = (parent.text or "") + element.tail
    parent.remove(element)
