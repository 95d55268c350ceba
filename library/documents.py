"""Documents: files that are published as they are. People who write add PDF files; imports bring all kinds along.

What a file says inside (an author, a place, a device) stays in it: only pictures can be cleaned (library.pictures).
"""

import copy
from pathlib import PurePath

from django.core.exceptions import ValidationError
from django.core.files import File
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.slugs import slugify
from library.kinds import KINDS
from library.models import Document, title_from_name

MAX_BYTES = 50 * 1024 * 1024


class NotADocument(ValidationError):  # noqa: N818  # named for what is the case
    """The upload is nothing that can be published; the message says why in one sentence."""


def store_document(upload: File[bytes], *, title: str = "", by: User | None = None) -> Document:
    """Check `upload`, which has to be a PDF, and put it into the library. Raises NotADocument."""
    title = title or title_from_name(upload.name)
    document = Document(file=clean_document(upload), title=title, uploaded_by=by)
    document.save()
    return document


def new_document(upload: File[bytes], *, title: str = "", by: User | None = None) -> Document:
    """The document that `upload`, of any kind and size, becomes: checked and not stored yet. Raises NotADocument."""
    ending = PurePath(upload.name or "").suffix.lower()
    if (kind := KINDS.get(ending)) is None:
        raise NotADocument(_("Files of the kind “%s” cannot be published here.") % ending)
    if not kind.is_right(upload):
        raise NotADocument(_("What is in it is not what its ending “%s” says, or not all of it.") % ending)
    title = title or title_from_name(upload.name)
    return Document(file=_renamed(upload, ending), title=title, uploaded_by=by)


def clean_document(upload: File[bytes]) -> File[bytes]:
    """A PDF under a name that is safe and still says what it is. Raises NotADocument."""
    if (upload.size or 0) > MAX_BYTES:
        raise NotADocument(
            _("The document is larger than %(limit)s: make it smaller and try again.")
            % {"limit": filesizeformat(MAX_BYTES)}
        )
    if not KINDS[".pdf"].is_right(upload):
        raise NotADocument(_("This file is not a PDF, or not a whole one: only PDF files can be published here."))
    return _renamed(upload, ".pdf")


def _renamed(upload: File[bytes], ending: str) -> File[bytes]:
    stem = slugify(PurePath(upload.name or "").stem)[:80].strip("-") or "document"
    # Not a File around it: the storage moves what lies on the disk already, if it can see that it does.
    renamed = copy.copy(upload)
    renamed.name = f"{stem}{ending}"
    renamed.seek(0)
    return renamed
