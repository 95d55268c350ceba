"""The types of files that are published besides images, and how each is recognised.

The bytes of a file must match its extension; the media type sent with it is ignored. Types that can contain scripts for
browsers (HTML, SVG) are excluded on purpose.
"""

import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import IO, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# Types from which personal data can't be removed completely, with the types to save such files as instead.
SAVE_AS: Final = {
    ".doc": ".docx",
    ".xls": ".xlsx",
    ".ppt": ".pptx",
    ".pps": ".ppsx",
    ".mpg": ".mp4",
    ".mpeg": ".mp4",
}
# How many bytes at the start of a file the patterns are matched against.
_HEAD_LENGTH: Final = 128
# A PDF ends with %%EOF, perhaps followed by a little garbage. Source: ISO 32000-1, 7.5.5 and annex H.
_TAIL_LENGTH: Final = 2048
_CHUNK_SIZE: Final = 64 * 1024
# Control characters that don't occur in text, in UTF-8 or a one-byte encoding. Tabs, line ends, form feeds and escapes
# may occur.
_NOT_IN_TEXT: Final = bytes(set(range(0x20)) - set(b"\t\n\r\f\x1b"))


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of file. `matches` checks an open file and may move its position. Unless inline, files are downloaded."""

    media_type: str
    matches: Callable[[IO[bytes]], bool]
    is_inline: bool = False

    @property
    def is_audio_or_video(self) -> bool:
        return self.media_type.startswith(("audio/", "video/"))


def file_type_of(name: str) -> FileType | None:
    """Return the type that a file with this name must have, or None if such files aren't published."""
    return FILE_TYPES.get(PurePath(name).suffix.lower())


def check_type(file: IO[bytes], extension: str) -> None:
    """Raise ValidationError unless this type is published and the bytes match it. Moves the file's position."""
    if (file_type := FILE_TYPES.get(extension)) is None:
        text = _(
            "Files of the type “%s” can't be published here. "
            "Save the file in another format, such as JPEG, PDF, MP3 or MP4."
        )
        raise ValidationError(text % (extension or "?"))
    if not file_type.matches(file):
        if _is_encrypted_office(file):
            raise ValidationError(_("The file is protected by a password. Save it without one."))
        text = _(
            "The file is incomplete, or not of the type “%s” that its name suggests. Save it again in the program that "
            "made it."
        )
        raise ValidationError(text % extension)


def _start(*patterns: bytes) -> Callable[[IO[bytes]], bool]:
    """Return a check for files that start like any of `patterns`."""
    pattern = re.compile(b"|".join(patterns), re.DOTALL)

    def matches(file: IO[bytes]) -> bool:
        file.seek(0)
        return pattern.match(file.read(_HEAD_LENGTH)) is not None

    return matches


# Some programs write line ends or a byte order mark before it, which all viewers ignore.
_begins_like_pdf: Final = _start(rb"(?:\xef\xbb\xbf)?\s*%PDF-")


def is_pdf(file: IO[bytes]) -> bool:
    """Whether the file begins and ends like a PDF. Moves its position."""
    if not _begins_like_pdf(file):
        return False
    file.seek(max(0, file.seek(0, 2) - _TAIL_LENGTH))
    return b"%%EOF" in file.read(_TAIL_LENGTH)


# JPEG, PNG, GIF, WebP, TIFF, BMP, and AVIF and HEIC with any of their brands.
is_image: Final = _start(
    rb"\xff\xd8\xff",
    rb"\x89PNG\r\n\x1a\n",
    rb"GIF8",
    rb"RIFF.{4}WEBP",
    rb"II\*\0|MM\0\*",
    rb"BM.{4}\0{4}",
    rb".{4}ftyp(?:avi[fs]|hei[cxms]|he[vm][cxms]|mif1|msf1)",
)


def _is_zip(file: IO[bytes]) -> bool:
    """Whether the file starts like an archive and ends with a directory. Nothing in it is unpacked."""
    try:
        return _start(rb"PK\x03\x04")(file) and zipfile.is_zipfile(file)
    except zipfile.BadZipFile:
        return False


def _is_text(file: IO[bytes]) -> bool:
    file.seek(0)
    while chunk := file.read(_CHUNK_SIZE):
        if len(chunk.translate(None, _NOT_IN_TEXT)) < len(chunk):
            return False
    return file.tell() > 0


_has_web_vtt_signature = _start(rb"(?:\xef\xbb\xbf)?WEBVTT(?:[ \t\r\n]|\Z)")


def _is_web_vtt(file: IO[bytes]) -> bool:
    return _has_web_vtt_signature(file) and _is_text(file)


# An ID3 tag, which programs also put before FLAC.
_ID3: Final = rb"ID3[\x02-\x04][\x00-\xfe].[\x00-\x7f]{4}"
# A tag, or a frame of MPEG layer III.
_is_mp3 = _start(_ID3, rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")
_is_ogg = _start(rb"OggS\x00")
_is_mp4 = _start(rb"\x00\x00..ftyp")
# Before `ftyp` was introduced, such files could start with any of these atoms.
_is_quicktime = _start(rb"[\x00-\x1f]...(?:ftyp|moov|mdat|wide|free|skip|pnot)")
_is_mpeg = _start(rb"\x00\x00\x01[\xb3\xba]")
_RTF: Final = rb"\{\\rtf"
# The format of Office before 2007. Word also saved RTF files with the extension `.doc`.
_OLE: Final = rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_is_office = _start(_OLE)
# What Office stores a file with a password as: a file in that format, whose list of parts names this one. Each entry of
# the list is within a chunk. Source: [MS-OFFCRYPTO] (Microsoft), 2.3.4.
_ENCRYPTED_PART: Final = "EncryptedPackage".encode("utf-16-le")


def _is_encrypted_office(file: IO[bytes]) -> bool:
    if not _is_office(file):
        return False
    file.seek(0)
    return any(_ENCRYPTED_PART in chunk for chunk in iter(partial(file.read, _CHUNK_SIZE), b""))


_OPEN_XML: Final = "application/vnd.openxmlformats-officedocument."
_OPEN_DOCUMENT: Final = "application/vnd.oasis.opendocument."

# The extensions of images that can be uploaded.
IMAGE_EXTENSIONS: Final = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".heic", ".heif"}
)
# The media types of pictures as they are stored.
PICTURE_TYPES: Final = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
}
# The types of other files.
FILE_TYPES: Final[Mapping[str, FileType]] = {
    ".pdf": FileType("application/pdf", is_pdf, is_inline=True),
    # Audio
    ".mp3": FileType("audio/mpeg", _is_mp3, is_inline=True),
    ".m4a": FileType("audio/mp4", _is_mp4, is_inline=True),
    ".ogg": FileType("audio/ogg", _is_ogg, is_inline=True),
    ".oga": FileType("audio/ogg", _is_ogg, is_inline=True),
    ".opus": FileType("audio/ogg", _is_ogg, is_inline=True),
    ".wav": FileType("audio/wav", _start(rb"RIFF.{4}WAVE"), is_inline=True),
    ".flac": FileType("audio/flac", _start(rb"fLaC", _ID3), is_inline=True),
    # Video
    ".mp4": FileType("video/mp4", _is_mp4, is_inline=True),
    ".m4v": FileType("video/mp4", _is_mp4, is_inline=True),
    ".webm": FileType("video/webm", _start(rb"\x1a\x45\xdf\xa3.{0,80}webm"), is_inline=True),
    ".ogv": FileType("video/ogg", _is_ogg, is_inline=True),
    ".mov": FileType("video/quicktime", _is_quicktime, is_inline=True),
    # Subtitles of video
    ".vtt": FileType("text/vtt", _is_web_vtt),
    # Video that browsers do not play
    ".mkv": FileType("video/matroska", _start(rb"\x1a\x45\xdf\xa3.{0,80}matroska")),
    ".3gp": FileType("video/3gpp", _is_mp4),
    ".3g2": FileType("video/3gpp2", _is_mp4),
    ".avi": FileType("video/x-msvideo", _start(rb"RIFF.{4}AVI ")),
    ".mpg": FileType("video/mpeg", _is_mpeg),
    ".mpeg": FileType("video/mpeg", _is_mpeg),
    ".wmv": FileType("video/x-ms-wmv", _start(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11")),
    # Texts, spreadsheets and presentations
    ".doc": FileType("application/msword", _start(_OLE, _RTF)),
    ".xls": FileType("application/vnd.ms-excel", _is_office),
    ".ppt": FileType("application/vnd.ms-powerpoint", _is_office),
    ".pps": FileType("application/vnd.ms-powerpoint", _is_office),
    ".docx": FileType(f"{_OPEN_XML}wordprocessingml.document", _is_zip),
    ".xlsx": FileType(f"{_OPEN_XML}spreadsheetml.sheet", _is_zip),
    ".pptx": FileType(f"{_OPEN_XML}presentationml.presentation", _is_zip),
    ".ppsx": FileType(f"{_OPEN_XML}presentationml.slideshow", _is_zip),
    ".odt": FileType(f"{_OPEN_DOCUMENT}text", _is_zip),
    ".ods": FileType(f"{_OPEN_DOCUMENT}spreadsheet", _is_zip),
    ".odp": FileType(f"{_OPEN_DOCUMENT}presentation", _is_zip),
    ".rtf": FileType("application/rtf", _start(_RTF)),
    ".txt": FileType("text/plain", _is_text),
    ".csv": FileType("text/csv", _is_text),
    ".epub": FileType("application/epub+zip", _is_zip),
    ".zip": FileType("application/zip", _is_zip),
}
# The extensions of files that can be uploaded.
CLEANABLE: Final = tuple(extension for extension in FILE_TYPES if extension not in SAVE_AS)
