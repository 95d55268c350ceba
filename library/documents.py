"""Documents: PDF files that are published as they are."""

from pathlib import PurePath

from django.core.exceptions import ValidationError
from django.core.files import File
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.slugs import slugify
from library.models import Document, title_from_name

MAX_BYTES = 50 * 1024 * 1024
# A PDF ends with %%EOF; what follows it, and may be garbage, is short. Source: ISO 32000-1, 7.5.5 and annex H.
TAIL_LENGTH = 2048


class NotADocument(ValidationError):  # noqa: N818  # named for what is the case
    """The upload is no PDF that can be published; the message says why in one sentence."""


def store_document(upload: File[bytes], *, title: str = "", by: User | None = None) -> Document:
    """Check `upload` and put it into the library. Raises NotADocument."""
    document = new_document(upload, title=title, by=by)
    document.save()
    return document


def new_document(upload: File[bytes], *, title: str = "", by: User | None = None) -> Document:
    """The document that `upload` becomes, checked and not stored yet. Raises NotADocument."""
    title = title or title_from_name(upload.name)
    return Document(file=clean_document(upload), title=title, uploaded_by=by)


def clean_document(upload: File[bytes]) -> File[bytes]:
    """`upload` under a name that is safe and still says what it is. Raises NotADocument."""
    size = upload.size or 0
    if size > MAX_BYTES:
        raise NotADocument(
            _("The document is larger than %(limit)s: make it smaller and try again.")
            % {"limit": filesizeformat(MAX_BYTES)}
        )
    upload.seek(0)
    head = upload.read(5)
    upload.seek(max(0, size - TAIL_LENGTH))
    tail = upload.read(TAIL_LENGTH)
    upload.seek(0)
    if head != b"%PDF-" or b"%%EOF" not in tail:
        raise NotADocument(_("This file is not a PDF, or not a whole one: only PDF files can be published here."))
    stem = slugify(PurePath(upload.name or "").stem)[:80].strip("-") or "document"
    return File(upload, name=f"{stem}.pdf")
