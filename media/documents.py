"""Documents: files that are not shown as images. Metadata is removed before they are stored (media.sandbox)."""

import shutil
from pathlib import PurePath

from django.core.exceptions import ValidationError
from django.core.files import File
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from accounts.models import User
from core.slugs import slugify
from media.file_types import check_type, is_pdf
from media.models import Document, title_from_name
from media.sandbox import clean_in_sandbox
from media.unnamed_files import UnnamedFile

MAX_BYTES = 50 * 1024 * 1024


def store_document(upload: File[bytes], *, title: str = "", by: User | None = None) -> Document:
    """Clean `upload` and store it. Raises ValidationError."""
    title = title or title_from_name(upload.name)
    return Document.objects.create(file=clean_document(upload), title=title, uploaded_by=by)


def build_document(upload: File[bytes], *, title: str = "", by: User | None = None) -> Document:
    """Clean `upload`, whatever its size, and return an unsaved document. Raises ValidationError."""
    title = title or title_from_name(upload.name)
    return Document(file=_clean(upload), title=title, uploaded_by=by)


def build_uncleaned_document(upload: File[bytes], reason: str, *, title: str = "", by: User | None = None) -> Document:
    """Return an unsaved document of `upload` as it is, with the reason why it can't be cleaned.

    Raises ValidationError if files of its type aren't published, or the bytes don't match the type.
    """
    extension = _extension(upload)
    check_type(upload, extension)
    title = title or title_from_name(upload.name)
    # This copy is on the library's disk already, so storing it only gives it a name, however large it is.
    copied = UnnamedFile()
    upload.seek(0)
    shutil.copyfileobj(upload, copied)
    copied.size = copied.tell()
    file = _renamed(copied, upload.name, extension)
    return Document(file=file, title=title, uploaded_by=by, uncleaned_because=reason[:500])


def clean_document(upload: File[bytes]) -> File[bytes]:
    """Return `upload` without its metadata and under a safe name.

    Raises ValidationError whatever the bytes are, and OSError only if there is no room for the copy.
    """
    if (upload.size or 0) > MAX_BYTES:
        text = _("The file is larger than %(limit)s. Make it smaller and try again.")
        raise ValidationError(text % {"limit": filesizeformat(MAX_BYTES)})
    return _clean(upload)


def _clean(upload: File[bytes]) -> UnnamedFile:
    extension = _extension(upload)
    return _renamed(clean_in_sandbox(upload, extension), upload.name, extension)


def _extension(upload: File[bytes]) -> str:
    return ".pdf" if is_pdf(upload) else PurePath(upload.name or "").suffix.lower()


def _renamed(file: UnnamedFile, name: str | None, extension: str) -> UnnamedFile:
    stem = slugify(PurePath(name or "").stem)[:80].strip("-") or "document"
    file.name = f"{stem}{extension}"
    file.seek(0)
    return file
