"""EPUB: only the title, language and identifier of a book are kept of its metadata.

Files that the book doesn't list are left out. The identifier must stay, because fonts may be encrypted with it. Source:
EPUB 3.3 (W3C), Open Packaging Format 2.0.1 (IDPF).
"""

import re
import zipfile
from posixpath import dirname, join, normpath
from typing import IO, Any, Final
from urllib.parse import unquote
from xml.sax.saxutils import quoteattr

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from media.cleaners.images import cleaned_image
from media.cleaners.markup import clean_page, clean_style, parse, serialised, without
from media.cleaners.packages import CleanPart, UnpackedSize, read_part, write_part

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_OPF: Final = "{http://www.idpf.org/2007/opf}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_CONTAINER_NAMESPACE: Final = "urn:oasis:names:tc:opendocument:xmlns:container"
_PACKAGE_TYPE: Final = '"application/oebps-package+xml"'
_SECTIONS: Final = {f"{_OPF}{name}" for name in ("metadata", "manifest", "spine", "guide")}
_KEPT_TERMS: Final = {f"{_DC}{name}" for name in ("title", "language", "identifier")}
_KEPT_ATTRIBUTES: Final = {"id", "dir", "{http://www.w3.org/XML/1998/namespace}lang"}
# Metadata about the layout, the cover, and reading aloud.
_KEPT_META: Final = re.compile(r"rendition:.*|media:.*class|media:duration|cover")
# Required by EPUB 3.
_MODIFIED, _NEUTRAL_DATE = "dcterms:modified", "2000-01-01T00:00:00Z"
_IMAGES: Final = {"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp"}
_SCRIPT: Final = re.compile(r"(?:application|text)/(?:x-)?(?:java|ecma)script")
_FONT: Final = re.compile(r"font/.*|application/(?:x-)?font-.*|application/vnd\.ms-opentype")
# Fonts are encrypted with the identifier of the book, and anything else only for copy protection.
_FONT_ENCRYPTION: Final = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}


def clean_epub(source: IO[bytes], target: IO[bytes], clean_part: CleanPart) -> None:
    """Keep the parts that the book lists, without metadata and scripts; `clean_part` cleans audio and video."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        UnpackedSize().add(old)
        parts = {part.filename: part for part in old.infolist()}
        if _CONTAINER not in parts:
            raise ValidationError(_("This is not an EPUB book. Save it again in the program that made it."))
        written = {"mimetype": b"application/epub+zip"}
        container = parse(read_part(old, parts[_CONTAINER])).getroot()
        paths = [file.get("full-path", "") for file in container.iter(f"{{{_CONTAINER_NAMESPACE}}}rootfile")]
        written[_CONTAINER] = _container(paths)
        if _ENCRYPTION in parts:
            written[_ENCRYPTION] = _checked_encryption(read_part(old, parts[_ENCRYPTION]))
        for path in paths:
            package, listed = _clean_package(parse(read_part(old, parts[path])))
            for href, media_type in listed:
                name = normpath(join(dirname(path), unquote(href)))
                if name in parts and name not in written and name not in paths:
                    written[name] = _clean(name, media_type, read_part(old, parts[name]), clean_part)
            written[path] = serialised(package)
        for name, content in written.items():
            write_part(new, name, content)


def _container(paths: list[str]) -> bytes:
    files = "".join(f"<rootfile full-path={quoteattr(path)} media-type={_PACKAGE_TYPE}/>" for path in paths)
    return (
        f'<container version="1.0" xmlns="{_CONTAINER_NAMESPACE}"><rootfiles>{files}</rootfiles></container>'.encode()
    )


def _checked_encryption(content: bytes) -> bytes:
    tree = parse(content)
    algorithms = {element.get("Algorithm") for element in tree.iter("*")} - {None}
    if not algorithms <= _FONT_ENCRYPTION:
        raise ValidationError(_("The book is copy-protected. Save it without copy protection."))
    return serialised(tree)


def _clean_package(tree: Any) -> tuple[Any, list[tuple[str, str]]]:
    """Return the package document without metadata, and the path and type of each part that it lists."""
    tree = without(tree, [section for section in tree.getroot() if section.tag not in _SECTIONS])
    package = tree.getroot()
    dropped, listed = [], []
    for metadata in package.iter(f"{_OPF}metadata"):
        # Text is allowed only in elements.
        metadata.text = None
        for element in metadata:
            element.tail = None
            if not _clean_metadata(element, package):
                dropped.append(element)
    for item in package.iter(f"{_OPF}item"):
        media_type = item.get("media-type", "").partition(";")[0].strip().lower()
        if _SCRIPT.fullmatch(media_type):
            dropped.append(item)
        else:
            listed.append((item.get("href", "").partition("#")[0], media_type))
    return without(tree, dropped), listed


def _clean_metadata(element: Any, package: Any) -> bool:
    """Remove the attributes and the date of a metadata element, and return whether the element is kept."""
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
        return cleaned_image(content, extension)
    if media_type.endswith("+xml"):
        return clean_page(content)
    if media_type == "text/css":
        # Only ASCII is changed, whatever the encoding is.
        return clean_style(content.decode("latin-1")).encode("latin-1")
    if _FONT.fullmatch(media_type):
        return content
    return clean_part(name, content)
