"""Reading and writing the parts of files that are ZIP archives, without trusting their directory."""

import zipfile
from collections.abc import Callable
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# Cleans the content of a part with this name as a separate file. Raises ValidationError.
type CleanPart = Callable[[str, bytes], bytes]

# How many files an archive may contain, and how many bytes they may have unpacked.
_MAX_PARTS: Final = 5_000
_MAX_UNPACKED: Final = 200 * 1024 * 1024


class UnpackedSize:
    """The total unpacked size of the archives in a file."""

    def __init__(self) -> None:
        self._parts = self._bytes = 0

    def add(self, archive: zipfile.ZipFile) -> None:
        """Add the size of an archive. Raises ValidationError if the total is too large."""
        parts = archive.infolist()
        self._parts += len(parts)
        self._bytes += sum(part.file_size for part in parts)
        if self._parts > _MAX_PARTS or self._bytes > _MAX_UNPACKED:
            raise ValidationError(_("The file is too large when it is unpacked. Make it smaller and try again."))


def read_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    """Return the content of a part, at most one byte more than the directory says."""
    with archive.open(part) as opened:
        return opened.read(part.file_size + 1)


def write_part(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a part, without recording when, by which user and on which system it was saved."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)
