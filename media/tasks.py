"""The tasks of the worker (`manage.py worker`) for media.

They make renditions of new pictures, take the fingerprints by which duplicates are found, clean documents again after
an upgrade, and remove deleted files once they have expired.
"""

import datetime as dt
import logging
from collections.abc import Iterator
from functools import partial
from time import monotonic
from typing import Any, Final

from django.db import transaction
from django.http import HttpRequest
from django.tasks import TaskContext, task
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from core.dashboard import Concern
from core.tasks import TaskKind, daily, enqueue_once, every
from media import trash
from media.duplicates import take_fingerprint, without_fingerprint
from media.recleaning import clean_again, due_documents, uncleaned_documents
from media.renditions import due_pictures, make_renditions, mark_started_as_due
from media.storage import StorageUnavailableError

# In seconds. Then it is the turn of other tasks.
_TURN: Final = 10
# How long to wait after the storage failed to respond.
_PAUSE: Final = dt.timedelta(minutes=1)

_log = logging.getLogger(__name__)


# Scheduled for pictures that were stored while no task could be enqueued.
@TaskKind(_("Making smaller copies of images"), schedule=every(dt.timedelta(hours=1)))
@task(takes_context=True)
def make_due_renditions(context: TaskContext[Any, Any]) -> None:
    """Make renditions and fingerprints for a few seconds, and reschedule itself if more are due."""
    if context.attempt == 2:
        # The worker was killed. If an image kills it again, the next attempt leaves that image out.
        mark_started_as_due()
    until = monotonic() + _TURN
    try:
        for due, make in ((due_pictures, make_renditions), (without_fingerprint, take_fingerprint)):
            while picture := due().first():
                if monotonic() > until:
                    wake_worker()
                    return
                make(picture)
    except StorageUnavailableError as error:
        _log.warning("The storage is unavailable. Trying again in a minute. %s", error)
        make_due_renditions.using(run_after=timezone.now() + _PAUSE).enqueue()


# Scheduled for documents that a full disk kept from being cleaned, or that were restored uncleaned from a backup.
@TaskKind(_("Cleaning documents again"), time_limit=dt.timedelta(hours=1), schedule=daily(4, 30))
@task()
def clean_due_documents(after: int = 0) -> None:
    """Clean due documents with a greater ID than `after` for a few seconds, and reschedule itself if more are due."""
    until = monotonic() + _TURN
    try:
        while document := due_documents().filter(pk__gt=after).first():
            if monotonic() > until:
                clean_due_documents.enqueue(after)
                return
            clean_again(document)
            after = document.pk
    except StorageUnavailableError as error:
        _log.warning("The storage is unavailable. Trying again in a minute. %s", error)
        clean_due_documents.using(run_after=timezone.now() + _PAUSE).enqueue(after)


@TaskKind(_("Permanently removing deleted files"), schedule=daily(4, 40), deletes_old=True)
@task()
def remove_expired_files() -> None:
    """Remove expired files for good. If one can't be removed, the next run tries again."""
    trash.remove_expired()


def wake_worker() -> None:
    """Have the worker make renditions once the current transaction is committed."""
    # A failure to schedule it must not fail the upload: the renditions are made with those of the next picture.
    transaction.on_commit(partial(enqueue_once, make_due_renditions), robust=True)


def schedule_cleaning() -> None:
    """Have the worker clean documents again if any are due."""
    if due_documents().exists():
        enqueue_once(clean_due_documents)


def cleaning_concerns(request: HttpRequest) -> Iterator[Concern]:
    """Yield how many documents are still to be cleaned, and how many can't be, for the dashboard."""
    if count := due_documents().count():
        text = ngettext(
            "%(count)s document has not been cleaned yet, so it may contain names and places.",
            "%(count)s documents have not been cleaned yet, so they may contain names and places.",
            count,
        )
        hint = gettext("The worker does that. If it isn't running, run `manage.py clean_media`.")
        yield Concern(f"{text % {'count': number_format(count)}} {hint}", reverse("admin:media_document_changelist"))
    if count := uncleaned_documents().count():
        text = ngettext(
            "%(count)s document can't be cleaned, so it is published with the names and places noted in it.",
            "%(count)s documents can't be cleaned, so they are published with the names and places noted in them.",
            count,
        )
        hint = gettext("Replace or delete any that could put someone in danger.")
        url = f"{reverse('admin:media_document_changelist')}?cleaned=no"
        yield Concern(f"{text % {'count': number_format(count)}} {hint}", url)
