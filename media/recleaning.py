"""Cleaning stored documents again, because the cleaners remove more than when they were stored, or weren't there yet.

The worker does that after an upgrade (media.tasks), or the command `clean_media`. Images in documents are cleaned with
them. Those of the library never need it: they have always been encoded again before they were stored.
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
    """What has become of a document."""

    UNCHANGED = "unchanged"
    CLEANED = "cleaned"
    IMPOSSIBLE = "impossible"
    # It was deleted or replaced meanwhile.
    GONE = "gone"


def due_documents() -> QuerySet[Document]:
    """Return the documents that are to be cleaned again, deleted ones as well, because they can be restored."""
    return Document.objects.filter(cleaned_with__lt=CLEANERS_VERSION).order_by("pk")


def uncleaned_documents() -> QuerySet[Document]:
    """Return the documents in the library that are published as they are, because they can't be cleaned."""
    return Document.objects.present().exclude(uncleaned_because="")


def clean_again(document: Document) -> Recleaning:
    """Clean a stored document, put the result in its place, and note that, or why it can't be cleaned.

    Raises StorageUnavailableError, and then it is still due.
    """
    values: dict[str, Any] = {"cleaned_with": CLEANERS_VERSION, "uncleaned_because": ""}
    result, cleaned = Recleaning.UNCHANGED, None
    try:
        with document.file.open("rb") as stored:
            cleaned = clean_in_sandbox(stored, PurePath(str(document.file.name)).suffix.lower())
            if not _are_equal(stored, cleaned):
                result = Recleaning.CLEANED
                values["size"] = cleaned.size
    except ValidationError as error:
        result = Recleaning.IMPOSSIBLE
        values["uncleaned_because"] = str(error.message)[:500]
    except FileNotFoundError:
        # Nothing is left to clean.
        pass
    except StorageUnavailableError:
        raise
    except OSError as error:
        # The disk may be full. The next command tries again.
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
    """Whether two files have the same bytes. Moves their positions, that of `cleaned` to the beginning."""
    stored.seek(0)
    cleaned.seek(0)
    while (chunk := stored.read(_CHUNK)) == cleaned.read(_CHUNK):
        if not chunk:
            break
    cleaned.seek(0)
    return not chunk
