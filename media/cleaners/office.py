"""Office files: properties, authors of comments and changes, thumbnails and the metadata of images are removed."""

import re
import zipfile
from pathlib import PurePosixPath
from typing import IO, Final

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.utils.translation import gettext as _

from media.cleaners.packages import UnpackedSize, read_part, write_part
from media.pictures import clean_picture

# The parts that hold nothing but properties are replaced with empty ones.
_PACKAGE: Final = "http://schemas.openxmlformats.org"
_EMPTY_PARTS: Final = {
    "docProps/core.xml": f'<cp:coreProperties xmlns:cp="{_PACKAGE}/package/2006/metadata/core-properties"/>',
    "docProps/app.xml": f'<Properties xmlns="{_PACKAGE}/officeDocument/2006/extended-properties"/>',
    "docProps/custom.xml": f'<Properties xmlns="{_PACKAGE}/officeDocument/2006/custom-properties"/>',
    "meta.xml": '<office:document-meta xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"/>',
}
_LEFT_OUT: Final = re.compile(r"Thumbnails/.*|docProps/thumbnail\..*")
_MACROS: Final = re.compile(r".*(?:vbaProject.*\.bin|vbaData\.xml)|(?:Basic|Scripts)/.*", re.IGNORECASE)
# Authors of comments and changes. Values may be in quotes of either kind.
_VALUE: Final = rb"""\s*=\s*(?:"[^"]*"|'[^']*')"""
_AUTHOR_ATTRIBUTES: Final = re.compile(rb"(\s(?:[\w.-]+:(?:author|initials)|userName|lastModifiedBy))" + _VALUE)
_AUTHOR_ELEMENTS: Final = re.compile(
    rb"(<((?:[\w.-]+:)?(?:creator|author|creator-initials|sender-initials))(?:\s[^<>]*)?>)[^<]*(</\2\s*>)"
)
# Parts about people. Elsewhere, these attributes are the names of tables, shapes and the like.
_PEOPLE: Final = re.compile(r"xl/persons/.*|word/people\.xml|ppt/(?:commentAuthors|authors)\.xml")
_NAME_ATTRIBUTES: Final = re.compile(rb"(\s(?:[\w.-]+:)?(?:name|displayName|initials|author|userId))" + _VALUE)
_ENCODING: Final = re.compile(r"""(<\?xml[^<>]*?\sencoding\s*=\s*)(?:"[^"]*"|'[^']*')""")


def clean_office(source: IO[bytes], target: IO[bytes]) -> None:
    """Remove properties, authors of comments and changes, thumbnails, and the metadata of images. Refuse macros."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        UnpackedSize().add(old)
        parts = old.infolist()
        names = {part.filename for part in parts}
        if not names & {"[Content_Types].xml", "content.xml"}:
            raise ValidationError(_("This is not an office document, whatever its name says."))
        for part in parts:
            if _MACROS.fullmatch(part.filename):
                raise ValidationError(_("The file contains macros, which could harm readers. Save it without them."))
            if not _LEFT_OUT.fullmatch(part.filename) and not part.is_dir():
                write_part(new, part.filename, _clean_part(old, part))


def _clean_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    if (empty := _EMPTY_PARTS.get(part.filename)) is not None:
        return b'<?xml version="1.0" encoding="UTF-8"?>' + empty.encode()
    content = read_part(archive, part)
    match PurePosixPath(part.filename).suffix.lower():
        case ".xml":
            if content.startswith((b"\xff\xfe", b"\xfe\xff")):
                content = _ENCODING.sub(r'\1"UTF-8"', content.decode("utf-16"), count=1).encode()
            content = _AUTHOR_ATTRIBUTES.sub(rb'\1=""', content)
            content = _AUTHOR_ELEMENTS.sub(rb"\1\3", content)
            if _PEOPLE.fullmatch(part.filename):
                content = _NAME_ATTRIBUTES.sub(rb'\1=""', content)
        case ".jpg" | ".jpeg" | ".png" as suffix:
            content = clean_picture(ContentFile(content, name=f"image{suffix}")).read()
    return content
