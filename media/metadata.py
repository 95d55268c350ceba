"""Removing what documents, audio and video reveal or run: names, places, devices, times, scripts, embedded files.

Each cleaner takes an open file of its type and writes the cleaned one. What readers see or hear stays the same. Files
of types without a cleaner can't be uploaded.
"""

import re
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import IO, Final

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.utils.translation import gettext as _

from media.pictures import clean_picture

type Cleaner = Callable[[IO[bytes], IO[bytes]], None]

_CHUNK: Final = 64 * 1024
# Of an office file: how many files it may consist of, and how many bytes they may have unpacked.
_MAX_PARTS: Final = 5_000
_MAX_UNPACKED: Final = 200 * 1024 * 1024


def clean_pdf(source: IO[bytes], target: IO[bytes]) -> None:
    """Remove properties, XMP, authors of comments, scripts, attachments, earlier versions, and EXIF of its images."""
    # Imported when it is needed: it takes 10 MiB, and hardly any process ever cleans a PDF.
    from media import pdf

    pdf.clean(source, target)


# Office files. The parts that hold nothing but properties are replaced with empty ones.
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
        parts = old.infolist()
        if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > _MAX_UNPACKED:
            raise ValidationError(_("The file is too large when it is unpacked. Make it smaller and try again."))
        names = {part.filename for part in parts}
        if not names & {"[Content_Types].xml", "content.xml"}:
            raise ValidationError(_("This is not an office document, whatever its name says."))
        for part in parts:
            if _MACROS.fullmatch(part.filename):
                raise ValidationError(_("The file contains macros, which could harm readers. Save it without them."))
            if not _LEFT_OUT.fullmatch(part.filename) and not part.is_dir():
                # A new entry, because the old one says when and on which system the part was saved.
                entry = zipfile.ZipInfo(part.filename)
                entry.compress_type = zipfile.ZIP_STORED if part.filename == "mimetype" else zipfile.ZIP_DEFLATED
                new.writestr(entry, _clean_part(old, part))


def _clean_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    if (empty := _EMPTY_PARTS.get(part.filename)) is not None:
        return b'<?xml version="1.0" encoding="UTF-8"?>' + empty.encode()
    with archive.open(part) as opened:
        # The directory of the archive may understate the size.
        content = opened.read(part.file_size + 1)
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


def clean_mp3(source: IO[bytes], target: IO[bytes]) -> None:
    """Remove ID3 and APE tags. Source: https://id3.org/id3v2.4.0-structure."""
    content = source.read()
    while content[:3] == b"ID3" and len(content) > 10:
        size = sum((byte & 0x7F) << shift for byte, shift in zip(content[6:10], (21, 14, 7, 0), strict=True))
        content = content[10 + size + (10 if content[5] & 0x10 else 0) :]
    if content[-128:-125] == b"TAG":
        content = content[:-128]
    if content[-32:-24] == b"APETAGEX":
        size, flags = struct.unpack("<I4xI", content[-20:-8])
        content = content[: -(size + (32 if flags & 0x80000000 else 0))]
    target.write(content)


# MP4 and QuickTime. These boxes consist of boxes; the others that are named hold metadata and nothing else.
_CONTAINERS: Final = {b"moov", b"trak", b"mdia", b"minf", b"edts"}
_METADATA_BOXES: Final = {b"udta", b"meta", b"uuid", b"cprt", b"loci", b"pnot", b"XMP_"}
_TIMED_BOXES: Final = {b"mvhd", b"tkhd", b"mdhd"}


def clean_mp4(source: IO[bytes], target: IO[bytes]) -> None:
    """Overwrite metadata and times with zeros, so that the offsets in the file stay right."""
    source.seek(0)
    while chunk := source.read(_CHUNK):
        target.write(chunk)
    for kind, start, body, end in list(_boxes(source, 0, source.seek(0, 2))):
        if kind in _METADATA_BOXES:
            target.seek(start + 4)
            target.write(b"free")
            _write_zeros(target, body, end - body)
        elif kind in _TIMED_BOXES:
            source.seek(body)
            # Creation and modification, of 4 bytes each, or 8 in version 1. Source: ISO/IEC 14496-12, 8.2.2.
            _write_zeros(target, body + 4, min(16 if source.read(1) == b"\1" else 8, max(0, end - body - 4)))
        elif kind in {b"free", b"skip", b"wide"}:
            _write_zeros(target, body, end - body)


def _boxes(file: IO[bytes], start: int, end: int, depth: int = 0) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield the type of each box between two positions, with the positions of its start, body and end."""
    count = 0
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        body = start + 8
        if size == 1:
            size, body = int.from_bytes(file.read(8)), start + 16
        box_end = end if size == 0 else start + size
        count += 1
        if box_end < body or box_end > end or count > _MAX_PARTS:
            raise ValidationError(_("The file is incomplete or damaged."))
        yield kind, start, body, box_end
        if kind in _CONTAINERS and depth < 8:
            yield from _boxes(file, body, box_end, depth + 1)
        start = box_end
    if start < end and not depth:
        raise ValidationError(_("The file is incomplete or damaged."))


def _write_zeros(target: IO[bytes], start: int, count: int) -> None:
    target.seek(start)
    while count > 0:
        target.write(bytes(min(count, _CHUNK)))
        count -= _CHUNK


def clean_wav(source: IO[bytes], target: IO[bytes]) -> None:
    """Keep only the chunks that describe and hold the sound."""
    content = source.read()
    position, kept = 12, []
    while position + 8 <= len(content):
        kind, size = struct.unpack("<4sI", content[position : position + 8])
        end = position + 8 + size + size % 2
        if kind in {b"fmt ", b"fact", b"data"}:
            kept.append(content[position:end])
        position = end
    body = b"WAVE" + b"".join(kept)
    target.write(b"RIFF" + struct.pack("<I", len(body)) + body)


def clean_flac(source: IO[bytes], target: IO[bytes]) -> None:
    """Keep only the metadata blocks that decoders need. Source: RFC 9639, 8."""
    content = source.read()
    position, kept, is_last = 4, [], False
    while not is_last and position + 4 <= len(content):
        is_last, kind = bool(content[position] & 0x80), content[position] & 0x7F
        end = position + 4 + int.from_bytes(content[position + 1 : position + 4])
        if kind in {0, 3}:
            kept.append((kind, content[position + 1 : end]))
        position = end
    if not kept:
        raise ValidationError(_("The file is incomplete or damaged."))
    blocks = [bytes([kind | (0x80 if n == len(kept) else 0)]) + block for n, (kind, block) in enumerate(kept, start=1)]
    target.write(b"".join([content[:4], *blocks, content[position:]]))


def copy_unchanged(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy a file of a type that has no place for metadata."""
    source.seek(0)
    while chunk := source.read(_CHUNK):
        target.write(chunk)


# By the extension of a file's name.
CLEANERS: Final[Mapping[str, Cleaner]] = {
    ".pdf": clean_pdf,
    **dict.fromkeys((".docx", ".xlsx", ".pptx", ".ppsx", ".odt", ".ods", ".odp"), clean_office),
    ".mp3": clean_mp3,
    **dict.fromkeys((".mp4", ".m4a", ".m4v", ".mov", ".3gp", ".3g2"), clean_mp4),
    ".wav": clean_wav,
    ".flac": clean_flac,
    **dict.fromkeys((".txt", ".csv"), copy_unchanged),
}
