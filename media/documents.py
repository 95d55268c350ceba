"""Documents: files that are neither shown as images nor changed in what readers get from them.

Uploads are cleaned first (media.metadata), so only types that can be cleaned are accepted. Documents that an
import brings were public before, and stay as they are.
"""

import copy
import io
from pathlib import PurePath

from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.base import ContentFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from accounts.models import User
from core.slugs import slugify
from media.file_types import check_type, is_pdf
from media.metadata import clean_file
from media.models import Document, title_from_name

MAX_BYTES = 50 * 1024 * 1024


def store_document(upload: File[bytes], *, title: str = "", by: User | None = None) -> Document:
    """Clean `upload` and store it. Raises ValidationError."""
    title = title or title_from_name(upload.name)
    return Document.objects.create(file=clean_document(upload), title=title, uploaded_by=by)


def build_document(upload: File[bytes], *, title: str = "", by: User | None = None) -> Document:
    """Check `upload`, of any type and size, and return its unsaved document. Raises ValidationError."""
    extension = PurePath(upload.name or "").suffix.lower()
    check_type(upload, extension)
    title = title or title_from_name(upload.name)
    return Document(file=_renamed(upload, extension), title=title, uploaded_by=by)


def clean_document(upload: File[bytes]) -> File[bytes]:
    """Return `upload` without its metadata and under a safe name.

    Raises ValidationError and nothing else, whatever the bytes are.
    """
    if (upload.size or 0) > MAX_BYTES:
        text = _("The file is larger than %(limit)s. Make it smaller and try again.")
        raise ValidationError(text % {"limit": filesizeformat(MAX_BYTES)})
    extension = ".pdf" if is_pdf(upload) else PurePath(upload.name or "").suffix.lower()
    cleaned = io.BytesIO()
    clean_file(upload, cleaned, extension)
    return _renamed(ContentFile(cleaned.getvalue(), name=upload.name), extension)


def _renamed(upload: File[bytes], extension: str) -> File[bytes]:
    stem = slugify(PurePath(upload.name or "").stem)[:80].strip("-") or "document"
    # A copy rather than a wrapper, so that the storage can recognise and move a temporary file.
    renamed = copy.copy(upload)
    renamed.name = f"{stem}{extension}"
    renamed.seek(0)
    return renamed
