"""Storing an upload of any type: as a picture if its bytes are those of an image, otherwise as a document."""

from pathlib import PurePath
from typing import Final

from django.core.files import File

from accounts.models import User
from media.documents import store_document
from media.file_types import is_image
from media.models import Document, Picture
from media.pictures import store_picture

_IMAGE_EXTENSIONS: Final = frozenset(
    {".avif", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".png", ".svg", ".tif", ".tiff", ".webp"}
)


def store_upload(upload: File[bytes], *, by: User) -> Picture | Document:
    """Clean `upload` and store it. Raises ValidationError with a message for the user who uploads it."""
    # If the name suggests an image, the message is about images.
    if PurePath(upload.name or "").suffix.lower() in _IMAGE_EXTENSIONS or is_image(upload):
        return store_picture(upload, by=by)
    return store_document(upload, by=by)
