"""Where the files of the old site come from: a folder (media_folder) or the site itself (media_download)."""

from contextlib import AbstractContextManager
from pathlib import PurePath
from typing import BinaryIO, Protocol

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from media import pictures
from wordpress.legacy_urls.query_forms import PICTURE_EXTENSIONS
from wordpress.models import Attachment


class MissingFileError(Exception):
    """A file cannot be imported. The message says why in one sentence."""


class MediaSource(Protocol):
    """A source of files of the old site."""

    def open(self, attachment: Attachment) -> AbstractContextManager[BinaryIO]:
        """Open the file of `attachment` for reading. Raises MissingFileError."""
        ...


def file_name(attachment: Attachment) -> str:
    """Return the decoded name of the file on the old site, for display: it may not be a valid file name."""
    return attachment.path.rpartition("/")[2]


def is_picture(attachment: Attachment) -> bool:
    return PurePath(file_name(attachment)).suffix.lower() in PICTURE_EXTENSIONS


def size_limit(attachment: Attachment) -> int:
    """Return the maximum size of the file in bytes."""
    return pictures.MAX_BYTES if is_picture(attachment) else int(settings.BROADSIDE_IMPORT_FILE_MAX_BYTES)


def check_size(attachment: Attachment, size: int) -> None:
    """Raise MissingFileError if `size` bytes are too many for the file."""
    limit = size_limit(attachment)
    if size > limit:
        text = _("It is larger than %s.")
        if not is_picture(attachment):
            text = _("It is larger than %s. Set IMPORT_FILE_MAX_MB to a higher value and import again.")
        raise MissingFileError(text % filesizeformat(limit))
