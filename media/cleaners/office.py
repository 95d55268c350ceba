"""Office files: properties, authors of comments and changes, sessions, printers, paths and thumbnails are removed.

A file with a part of a kind that isn't listed here is refused.
"""

import re
import zipfile
from pathlib import PurePosixPath
from typing import IO, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from media.cleaners import open_document, open_xml
from media.cleaners.images import cleaned_image, is_image_name
from media.cleaners.markup import clean_page
from media.cleaners.metafiles import clean_metafile
from media.cleaners.packages import CleanPart, UnpackedSize, read_part, write_part

_MACROS: Final = re.compile(
    r".*(?:vbaProject.*\.bin|vbaData\.xml)|(?:Basic|Scripts)/.*|(?:.*/)?activeX/.*", re.IGNORECASE
)
_METAFILES: Final = {".emf", ".wmf", ".emz", ".wmz"}
_FONTS: Final = {".odttf", ".fntdata", ".ttf", ".otf"}
# Embedded files of other programs, which are shown as an image. Those of today's Office are cleaned instead, because
# charts need their tables.
_OBJECT: Final = re.compile(r".*/embeddings/(?![^/]*\.(?:docx|pptx|xlsx)$)[^/]*|(?:.*/)?Object [0-9]+", re.IGNORECASE)
_OBJECT_IMAGE: Final = re.compile(r"(?:.*/)?ObjectReplacements/.*")
_IMAGE_STARTS: Final = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif"}
# Drawing instructions of LibreOffice.
_SVM: Final = b"VCLMTF"


def clean_office(source: IO[bytes], target: IO[bytes], clean_part: CleanPart) -> None:
    """Write the parts that readers see, cleaned; `clean_part` cleans embedded files. Files with macros are refused."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        UnpackedSize().add(old)
        parts = {part.filename: part for part in old.infolist() if not part.is_dir()}
        is_open_xml = open_xml.CONTENT_TYPES in parts
        if manifest := parts.get(open_document.MANIFEST):
            open_document.check_password(read_part(old, manifest))
        if not is_open_xml and "content.xml" not in parts:
            raise ValidationError(_("This is not an office document. Save it again in the program that made it."))
        if any(map(_MACROS.fullmatch, parts)):
            raise ValidationError(_("The file contains macros, which could harm readers. Save it without them."))

        def read(name: str) -> bytes:
            return read_part(old, parts[name])

        document = (open_xml if is_open_xml else open_document).Document(parts.keys(), read)
        for name in parts:
            if document.is_dropped(name):
                continue
            content = read(name)
            cleaned = document.clean_part(name, content)
            write_part(new, name, _clean_media(name, content, clean_part) if cleaned is None else cleaned)


def _clean_media(name: str, content: bytes, clean_part: CleanPart) -> bytes:
    """Return an image, a font or any other file in a document without its metadata. Raises ValidationError."""
    extension = PurePosixPath(name).suffix.lower()
    is_object_image = _OBJECT_IMAGE.fullmatch(name) is not None
    if _OBJECT.fullmatch(name) and not is_object_image:
        return open_xml.empty_object()
    if is_object_image or not extension:
        if not content or content.startswith(_SVM):
            return content
        extension = next((each for start, each in _IMAGE_STARTS.items() if content.startswith(start)), ".emf")
    if extension in _FONTS or (extension == ".svm" and content.startswith(_SVM)):
        return content
    try:
        if extension == ".svg":
            return clean_page(content)
        if extension in _METAFILES:
            return clean_metafile(content)
        if is_image_name(extension):
            return cleaned_image(content, extension)
        return clean_part(name, content)
    except ValidationError as error:
        text = _("It contains “%(name)s”, which can't be cleaned. %(reason)s")
        raise ValidationError(text % {"name": PurePosixPath(name).name, "reason": error.message}) from error
