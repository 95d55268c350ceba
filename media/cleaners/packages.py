"""Reading and writing the parts of files that are ZIP archives, whatever their directory claims."""

import zipfile
from collections.abc import Callable
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# Cleans the content of a part with this name as a file of its own. Raises ValidationError.
type CleanPart = Callable[[str, bytes], bytes]

# How many files an archive may consist of, and how many bytes they may have unpacked.
_MAX_PARTS: Final = 5_000
_MAX_UNPACKED: Final = 200 * 1024 * 1024


class UnpackedSize:
    """How much several archives in one file would unpack."""

    def __init__(self) -> None:
        self._parts = self._bytes = 0

    def add(self, archive: zipfile.ZipFile) -> None:
        """Count an archive. Raises ValidationError if that is too much."""
        parts = archive.infolist()
        self._parts += len(parts)
        self._bytes += sum(part.file_size for part in parts)
        if self._parts > _MAX_PARTS or self._bytes > _MAX_UNPACKED:
            raise ValidationError(_("The file is too large when it is unpacked. Make it smaller and try again."))


def read_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    """Return the content of a part, of one byte more at most than the directory says."""
    with archive.open(part) as opened:
        return opened.read(part.file_size + 1)


def write_part(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a part, without saying when, by whom and on which system it was saved."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)
