"""Storing an upload of any type: as a picture if its bytes are those of an image, otherwise as a document."""

from pathlib import PurePath
from typing import Final

from django.core.files import File
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from media.documents import store_document
from media.file_types import CLEANABLE, IMAGE_EXTENSIONS, is_image
from media.models import Document, Picture
from media.pictures import store_picture

# The value of `accept` with which browsers let people choose what can be uploaded.
ACCEPTED: Final = ",".join(("image/*", *CLEANABLE))
NOT_STORED: Final = _("The file could not be stored. Try again, and if that doesn't help, tell the owner of this site.")


def store_upload(upload: File[bytes], *, by: User) -> Picture | Document:
    """Clean `upload` and store it. Raises ValidationError with a message for the user who uploads it."""
    return store_picture(upload, by=by) if is_meant_as_image(upload) else store_document(upload, by=by)


def is_meant_as_image(upload: File[bytes]) -> bool:
    """Whether `upload` is an image, or has the name of one: then messages should be about images."""
    return PurePath(upload.name or "").suffix.lower() in {*IMAGE_EXTENSIONS, ".svg"} or is_image(upload)
