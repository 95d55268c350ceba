"""Pictures: images that are shown to readers, encoded again before they are stored (media.cleaners.images)."""

from uuid import uuid4

from django.core.exceptions import ValidationError
from django.core.files import File
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from accounts.models import User
from media.models import Picture, title_from_name
from media.sandbox import clean_in_sandbox

MAX_BYTES = 20 * 1024 * 1024


def store_picture(upload: File[bytes], *, title: str = "", alt: str = "", by: User | None = None) -> Picture:
    """Clean `upload` and store it. Raises ValidationError."""
    picture = build_picture(upload, title=title, alt=alt, by=by)
    picture.save()
    return picture


def build_picture(
    upload: File[bytes],
    *,
    title: str = "",
    alt: str = "",
    caption: str = "",
    credit: str = "",
    by: User | None = None,
) -> Picture:
    """Clean `upload` and return an unsaved picture. Raises ValidationError."""
    title = title or title_from_name(upload.name)
    return Picture(file=clean_picture(upload), title=title, alt=alt, caption=caption, credit=credit, uploaded_by=by)


def clean_picture(upload: File[bytes], *, extension: str = "") -> File[bytes]:
    """Return `upload` encoded again under a random name, in the format of the `extension` if there is one.

    Raises ValidationError whatever the bytes are, and OSError only if there is no room for the copy.
    """
    if (upload.size or 0) > MAX_BYTES:
        text = _("The image is larger than %(limit)s. Make it smaller and try again.")
        raise ValidationError(text % {"limit": filesizeformat(MAX_BYTES)})
    cleaned = clean_in_sandbox(upload, extension, as_image=True)
    cleaned.name = f"{uuid4().hex}{cleaned.name}"
    return cleaned
