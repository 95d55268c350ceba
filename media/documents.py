"""Documents: files that are published as they are, including their metadata. Writers can upload PDF files only."""

import copy
from pathlib import PurePath

from django.core.exceptions import ValidationError
from django.core.files import File
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from accounts.models import User
from core.slugs import slugify
from media.file_types import FILE_TYPES
from media.models import Document, title_from_name

MAX_BYTES = 50 * 1024 * 1024


def store_document(upload: File[bytes], *, title: str = "", by: User | None = None) -> Document:
    """Check that `upload` is a PDF, and store it. Raises ValidationError."""
    title = title or title_from_name(upload.name)
    return Document.objects.create(file=clean_document(upload), title=title, uploaded_by=by)


def build_document(upload: File[bytes], *, title: str = "", by: User | None = None) -> Document:
    """Check `upload`, of any type and size, and return its unsaved document. Raises ValidationError."""
    extension = PurePath(upload.name or "").suffix.lower()
    if (file_type := FILE_TYPES.get(extension)) is None:
        raise ValidationError(_("Files of the type “%s” can't be published here.") % extension)
    if not file_type.matches(upload):
        raise ValidationError(_("The file is incomplete, or not of the type “%s” that its name says.") % extension)
    title = title or title_from_name(upload.name)
    return Document(file=_renamed(upload, extension), title=title, uploaded_by=by)


def clean_document(upload: File[bytes]) -> File[bytes]:
    """Check that `upload` is a PDF, and return it under a safe name. Raises ValidationError."""
    if (upload.size or 0) > MAX_BYTES:
        text = _("The document is larger than %(limit)s. Make it smaller and try again.")
        raise ValidationError(text % {"limit": filesizeformat(MAX_BYTES)})
    if not FILE_TYPES[".pdf"].matches(upload):
        raise ValidationError(_("This file is not a PDF, or is incomplete. Only PDF files can be published here."))
    return _renamed(upload, ".pdf")


def _renamed(upload: File[bytes], extension: str) -> File[bytes]:
    stem = slugify(PurePath(upload.name or "").stem)[:80].strip("-") or "document"
    # A copy rather than a wrapper, so that the storage can recognise and move a temporary file.
    renamed = copy.copy(upload)
    renamed.name = f"{stem}{extension}"
    renamed.seek(0)
    return renamed
