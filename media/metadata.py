"""Removing metadata and active content from documents, audio and video.

This includes names, places, devices, times, scripts and embedded files. What readers see or hear stays the same. Other
modules call this in a separate process (media.sandbox).
"""

import errno
import io
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Final

from django.core.exceptions import ValidationError

from media.cleaners.archives import clean_archive
from media.cleaners.asf import clean_asf
from media.cleaners.epub import clean_epub
from media.cleaners.images import cleaned_image, is_image_name
from media.cleaners.matroska import clean_matroska
from media.cleaners.mp4 import clean_mp4
from media.cleaners.office import clean_office
from media.cleaners.ogg import clean_ogg
from media.cleaners.riff import clean_avi, clean_wav
from media.cleaners.rtf import clean_rtf
from media.cleaners.sound import clean_flac, clean_mp3
from media.cleaners.streams import copy_unchanged, damaged, too_demanding, unsupported_type
from media.cleaners.web_vtt import clean_web_vtt
from media.file_types import SAVE_AS, check_type

# Writes a clean copy of the first file to the second, which is empty.
type Cleaner = Callable[[IO[bytes], IO[bytes]], None]

# Errors of the disk rather than of the file.
_DISK_ERRORS: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def clean_file(source: IO[bytes], target: IO[bytes], extension: str) -> None:
    """Write `source`, a file with this extension, to `target` without its metadata.

    Raises ValidationError whatever the bytes are, and OSError only if the disk is full or broken.
    """
    if extension in SAVE_AS:
        raise unsupported_type(extension, SAVE_AS[extension])
    check_type(source, extension)
    source.seek(0)
    try:
        CLEANERS[extension](source, target)
    except ValidationError:
        raise
    except (MemoryError, RecursionError) as error:
        raise too_demanding() from error
    except Exception as error:  # broken files make the libraries raise almost anything
        if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
            raise
        raise damaged() from error


def _clean_pdf(source: IO[bytes], target: IO[bytes]) -> None:
    # Imported only when needed: it takes 10 MiB, and hardly any process ever cleans a PDF.
    from media.cleaners import pdf

    pdf.clean(source, target)


def _clean_part(name: str, content: bytes) -> bytes:
    """Return the content of a file in an archive without its metadata. Raises ValidationError."""
    extension = PurePosixPath(name).suffix.lower()
    if is_image_name(extension):
        return cleaned_image(content, extension)
    cleaned = io.BytesIO()
    clean_file(io.BytesIO(content), cleaned, extension)
    return cleaned.getvalue()


_clean_office: Final = partial(clean_office, clean_part=_clean_part)
# By file extension.
CLEANERS: Final[Mapping[str, Cleaner]] = {
    ".pdf": _clean_pdf,
    **dict.fromkeys((".docx", ".xlsx", ".pptx", ".ppsx", ".odt", ".ods", ".odp"), _clean_office),
    ".rtf": clean_rtf,
    ".epub": partial(clean_epub, clean_part=_clean_part),
    ".zip": partial(clean_archive, clean_part=_clean_part),
    ".mp3": clean_mp3,
    **dict.fromkeys((".mp4", ".m4a", ".m4v", ".mov", ".3gp", ".3g2"), clean_mp4),
    **dict.fromkeys((".ogg", ".oga", ".opus", ".ogv"), clean_ogg),
    **dict.fromkeys((".webm", ".mkv"), clean_matroska),
    ".avi": clean_avi,
    ".wmv": clean_asf,
    ".wav": clean_wav,
    ".flac": clean_flac,
    ".vtt": clean_web_vtt,
    **dict.fromkeys((".txt", ".csv"), copy_unchanged),
}
