"""Cleaning stored documents again with cleaners that remove more, or that didn't exist when they were stored.

The worker does this after an upgrade (media.tasks), and so does the command `clean_media`. Images in documents are
cleaned with them. Images of the library never need it: they have always been encoded again before they were stored.
"""

import logging
from enum import Enum
from pathlib import PurePath
from typing import IO, Any, Final

from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import transaction
from django.db.models import QuerySet

from media.models import CLEANERS_VERSION, Document
from media.sandbox import clean_in_sandbox
from media.storage import StorageUnavailableError

_CHUNK: Final = 64 * 1024

_log = logging.getLogger(__name__)


class Recleaning(Enum):
    """The result of cleaning a document again."""

    UNCHANGED = "unchanged"
    CLEANED = "cleaned"
    IMPOSSIBLE = "impossible"
    # It was deleted or replaced in the meantime.
    GONE = "gone"


def due_documents() -> QuerySet[Document]:
    """Return the documents to be cleaned again, including deleted ones, which can be restored."""
    return Document.objects.filter(cleaned_with__lt=CLEANERS_VERSION).order_by("pk")


def uncleaned_documents() -> QuerySet[Document]:
    """Return the documents in the library that are published uncleaned, because they can't be cleaned."""
    return Document.objects.present().exclude(uncleaned_because="")


def clean_again(document: Document) -> Recleaning:
    """Clean a stored document, replace its file if that changed it, and record the result.

    Raises StorageUnavailableError, in which case the document is still due.
    """
    values: dict[str, Any] = {"cleaned_with": CLEANERS_VERSION, "uncleaned_because": ""}
    result, cleaned = Recleaning.UNCHANGED, None
    try:
        with document.file.open("rb") as stored:
            cleaned = clean_in_sandbox(stored, PurePath(str(document.file.name)).suffix.lower())
            if not _are_equal(stored, cleaned):
                result = Recleaning.CLEANED
            if cleaned.size != document.size:
                # Even if it was clean: a process may have been killed before it recorded that.
                values["size"] = cleaned.size
    except ValidationError as error:
        result = Recleaning.IMPOSSIBLE
        values["uncleaned_because"] = str(error.message)[:500]
    except FileNotFoundError:
        # There is no file to clean.
        pass
    except StorageUnavailableError:
        raise
    except OSError as error:
        # The disk may be full. The document stays due, so the next run tries again.
        _log.error("The document %d could not be cleaned: %s", document.pk, error.strerror)
        return Recleaning.IMPOSSIBLE
    storage: Any = document.file.storage
    with transaction.atomic():
        # From here on, no other process can replace the file.
        if not due_documents().filter(pk=document.pk, file=document.file.name).update(**values):
            return Recleaning.GONE
        if result is Recleaning.CLEANED:
            storage.replace(str(document.file.name), cleaned)
    return result


def _are_equal(stored: File[bytes], cleaned: IO[bytes] | File[bytes]) -> bool:
    """Whether two files have the same bytes. Moves their positions, and leaves `cleaned` at its beginning."""
    stored.seek(0)
    cleaned.seek(0)
    while (chunk := stored.read(_CHUNK)) == cleaned.read(_CHUNK):
        if not chunk:
            break
    cleaned.seek(0)
    return not chunk
