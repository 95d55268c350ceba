"""ZIP archives: each file inside is cleaned like a single upload, and the archive is refused if one can't be."""

import io
import re
import zipfile
from pathlib import PurePosixPath
from stat import S_ISLNK
from typing import IO, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from media.cleaners.packages import CleanPart, UnpackedSize, read_part, write_part

# Files that operating systems add on their own.
_LEFT_OUT: Final = re.compile(r"__MACOSX/.*|(?:.*/)?(?:\._.*|\.DS_Store|Thumbs\.db|desktop\.ini)", re.IGNORECASE)
# Windows doesn't allow these in names.
_UNSAFE_CHARACTERS: Final = re.compile(r"""[\\:*?"<>|\x00-\x1f\x7f-\x9f]""")
_ENCRYPTED: Final = 1


def clean_archive(source: IO[bytes], target: IO[bytes], clean_part: CleanPart) -> None:
    """Write the files of an archive, each cleaned with `clean_part`, without comments, dates and user names."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        size = UnpackedSize()
        size.add(old)
        names = set()
        for part in old.infolist():
            name = part.filename
            if part.is_dir() or _LEFT_OUT.fullmatch(name):
                continue
            if not _is_safe(name) or name.casefold() in names or S_ISLNK(part.external_attr >> 16):
                raise _refused(name, _("Its name is unsafe, or occurs twice."))
            names.add(name.casefold())
            if part.flag_bits & _ENCRYPTED:
                raise _refused(name, _("It is protected by a password."))
            content = read_part(old, part)
            if PurePosixPath(name).suffix.lower() == ".zip":
                raise _refused(name, _("It is itself an archive."))
            if zipfile.is_zipfile(io.BytesIO(content)):
                with zipfile.ZipFile(io.BytesIO(content)) as inner:
                    size.add(inner)
            try:
                write_part(new, name, clean_part(name, content))
            except ValidationError as error:
                raise _refused(name, str(error.message)) from error
        if not names:
            raise ValidationError(_("The archive is empty."))


def _is_safe(name: str) -> bool:
    """Whether the name stays within the folder into which the archive is unpacked, on every system."""
    steps = name.split("/")
    return not (_UNSAFE_CHARACTERS.search(name) or any(not step or step.endswith((".", " ")) for step in steps))


def _refused(name: str, reason: str) -> ValidationError:
    text = _("“%(name)s” in the archive can't be published. %(reason)s")
    return ValidationError(text % {"name": name, "reason": reason})
