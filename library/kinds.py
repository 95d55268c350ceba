"""The kinds of files that are published as they are, by the ending of their names.

A file is of a kind if its name ends so and its bytes begin so; what anybody says of its type is not asked. What a kind
is handed out as stands here too (library.views), so that no browser has to guess. Kinds that hold scripts for
browsers (HTML, SVG) are left out for good.
"""

import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import IO, Final

# As much of the start as any pattern below looks at.
_HEAD_LENGTH: Final = 128
# A PDF ends with %%EOF; what follows it, and may be garbage, is short. Source: ISO 32000-1, 7.5.5 and annex H.
_TAIL_LENGTH: Final = 2048
_CHUNK: Final = 64 * 1024
# No text has these, in whatever encoding of one byte or of UTF-8. Tab, line ends, page ends and escape are left.
_NOT_IN_TEXT: Final = bytes(set(range(0x20)) - set(b"\t\n\r\f\x1b"))


@dataclass(frozen=True, slots=True)
class Kind:
    """`media_type`: what it is handed out as. `is_right`: whether an open file is one; leaves it wherever it likes.

    `is_shown`: whether browsers show or play it in place; all else they are told to save.
    """

    media_type: str
    is_right: Callable[[IO[bytes]], bool]
    is_shown: bool = False

    @property
    def is_recording(self) -> bool:
        """Whether it is a recording or a film."""
        return self.media_type.startswith(("audio/", "video/"))


def kind_of(name: str) -> Kind | None:
    """The kind that a file of this name has to be; None if there is none for it."""
    return KINDS.get(PurePath(name).suffix.lower())


def _begins(file: IO[bytes], *, like: re.Pattern[bytes]) -> bool:
    file.seek(0)
    return like.match(file.read(_HEAD_LENGTH)) is not None


def _beginning(*patterns: bytes) -> Callable[[IO[bytes]], bool]:
    return partial(_begins, like=re.compile(b"|".join(patterns), re.DOTALL))


def _is_pdf(file: IO[bytes]) -> bool:
    if not _begins(file, like=re.compile(b"%PDF-")):
        return False
    file.seek(max(0, file.seek(0, 2) - _TAIL_LENGTH))
    return b"%%EOF" in file.read(_TAIL_LENGTH)


def _is_zip(file: IO[bytes]) -> bool:
    """Whether it begins as an archive and has a directory at its end. Nothing in it is unpacked or listed."""
    try:
        return _begins(file, like=re.compile(rb"PK\x03\x04")) and zipfile.is_zipfile(file)
    except zipfile.BadZipFile:
        return False


def _is_text(file: IO[bytes]) -> bool:
    file.seek(0)
    while chunk := file.read(_CHUNK):
        if len(chunk.translate(None, _NOT_IN_TEXT)) < len(chunk):
            return False
    return file.tell() > 0


# A tag with a name, or a frame of layer III at once.
_is_mp3 = _beginning(rb"ID3[\x02-\x04][\x00-\xfe].[\x00-\x7f]{4}", rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")
_is_ogg = _beginning(rb"OggS\x00")
_is_mp4 = _beginning(rb"\x00\x00..ftyp")
# Before there was `ftyp` such films began with any of their parts.
_is_quicktime = _beginning(rb"[\x00-\x1f]...(?:ftyp|moov|mdat|wide|free|skip|pnot)")
_is_mpeg = _beginning(rb"\x00\x00\x01[\xb3\xba]")
_RTF: Final = rb"\{\\rtf"
_is_rtf = _beginning(_RTF)
# What Office wrote before 2007; Word gave texts in RTF this name too.
_OLE: Final = rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_is_office = _beginning(_OLE)
_OPEN_XML: Final = "application/vnd.openxmlformats-officedocument."
_OPEN_DOCUMENT: Final = "application/vnd.oasis.opendocument."

KINDS: Final[Mapping[str, Kind]] = {
    ".pdf": Kind("application/pdf", _is_pdf, is_shown=True),
    # Recordings
    ".mp3": Kind("audio/mpeg", _is_mp3, is_shown=True),
    ".m4a": Kind("audio/mp4", _is_mp4, is_shown=True),
    ".ogg": Kind("audio/ogg", _is_ogg, is_shown=True),
    ".oga": Kind("audio/ogg", _is_ogg, is_shown=True),
    ".opus": Kind("audio/ogg", _is_ogg, is_shown=True),
    ".wav": Kind("audio/wav", _beginning(rb"RIFF.{4}WAVE"), is_shown=True),
    ".flac": Kind("audio/flac", _beginning(rb"fLaC"), is_shown=True),
    # Films
    ".mp4": Kind("video/mp4", _is_mp4, is_shown=True),
    ".m4v": Kind("video/mp4", _is_mp4, is_shown=True),
    ".webm": Kind("video/webm", _beginning(rb"\x1a\x45\xdf\xa3.{0,80}webm"), is_shown=True),
    ".ogv": Kind("video/ogg", _is_ogg, is_shown=True),
    ".mov": Kind("video/quicktime", _is_quicktime, is_shown=True),
    # Films that WordPress takes and browsers do not play
    ".3gp": Kind("video/3gpp", _is_mp4),
    ".3g2": Kind("video/3gpp2", _is_mp4),
    ".avi": Kind("video/x-msvideo", _beginning(rb"RIFF.{4}AVI ")),
    ".mpg": Kind("video/mpeg", _is_mpeg),
    ".mpeg": Kind("video/mpeg", _is_mpeg),
    ".wmv": Kind("video/x-ms-wmv", _beginning(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11")),
    # Texts, tables and slides
    ".doc": Kind("application/msword", _beginning(_OLE, _RTF)),
    ".xls": Kind("application/vnd.ms-excel", _is_office),
    ".ppt": Kind("application/vnd.ms-powerpoint", _is_office),
    ".pps": Kind("application/vnd.ms-powerpoint", _is_office),
    ".docx": Kind(f"{_OPEN_XML}wordprocessingml.document", _is_zip),
    ".xlsx": Kind(f"{_OPEN_XML}spreadsheetml.sheet", _is_zip),
    ".pptx": Kind(f"{_OPEN_XML}presentationml.presentation", _is_zip),
    ".ppsx": Kind(f"{_OPEN_XML}presentationml.slideshow", _is_zip),
    ".odt": Kind(f"{_OPEN_DOCUMENT}text", _is_zip),
    ".ods": Kind(f"{_OPEN_DOCUMENT}spreadsheet", _is_zip),
    ".odp": Kind(f"{_OPEN_DOCUMENT}presentation", _is_zip),
    ".rtf": Kind("application/rtf", _is_rtf),
    ".txt": Kind("text/plain", _is_text),
    ".csv": Kind("text/csv", _is_text),
    ".epub": Kind("application/epub+zip", _is_zip),
    ".zip": Kind("application/zip", _is_zip),
}
