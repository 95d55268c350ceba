"""Storing an upload of any type: as a picture if its bytes are those of an image, otherwise as a document."""

import warnings
from pathlib import PurePath
from typing import Final

from django.core.files import File
from PIL import Image

from accounts.models import User
from media.documents import store_document
from media.models import Document, Picture
from media.pictures import ACCEPTED, store_picture

_IMAGE_EXTENSIONS: Final = frozenset({".avif", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".png", ".svg", ".webp"})


def store_upload(upload: File[bytes], *, by: User) -> Picture | Document:
    """Clean `upload` and store it. Raises ValidationError with one sentence for the person who uploads it."""
    if is_image(upload):
        return store_picture(upload, by=by)
    return store_document(upload, by=by)


def is_image(upload: File[bytes]) -> bool:
    """Whether the bytes begin like an image that we accept, or the name promises one."""
    if PurePath(upload.name or "").suffix.lower() in _IMAGE_EXTENSIONS:
        return True
    upload.seek(0)
    try:
        # A huge size is refused later, with a sentence; here it would only be a warning.
        with warnings.catch_warnings(action="ignore"), Image.open(upload, formats=ACCEPTED):
            return True
    except Exception:  # noqa: BLE001  # Pillow raises almost anything if the bytes are broken
        return False
