"""What the worker (`manage.py worker`) does about media.

It makes the renditions of new pictures, looks at pictures to find duplicates, cleans documents again after an upgrade,
and removes deleted files when their time has come.
"""

import datetime as dt
import logging
from collections.abc import Iterator
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
from django_tasks_db.models import DBTaskResult

from core.dashboard import Concern
from core.tasks import task_kind
from media import trash
from media.duplicates import take_fingerprint, without_fingerprint
from media.recleaning import clean_again, due_documents, uncleaned_documents
from media.renditions import due_again, due_pictures, make_renditions
from media.storage import StorageUnavailableError

# In seconds. Then other tasks have their turn.
_TURN: Final = 10
# After the storage failed to answer.
_PAUSE: Final = dt.timedelta(minutes=1)

_log = logging.getLogger(__name__)


@task_kind(_("Making smaller copies of images"))
@task(takes_context=True)
def make_due_renditions(context: TaskContext[Any, Any]) -> None:
    """Make renditions and fingerprints for some seconds, and come back if there are more to make."""
    if context.attempt == 2:
        # The worker was killed. If it was an image that did it, that image is left out the next time.
        due_again()
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


@task_kind(_("Cleaning documents again"), time_limit=dt.timedelta(hours=1))
@task()
def clean_due_documents(after: int = 0) -> None:
    """Clean documents again for some seconds, those with a greater ID than `after`, and come back if there are more."""
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


@task_kind(_("Removing deleted files for good"))
@task()
def remove_expired_files() -> None:
    """Remove for good what was deleted too long ago. What can't be removed is tried again the next time."""
    trash.remove_expired()


def wake_worker() -> None:
    """Have the worker make renditions once the current transaction is committed."""
    # Failing to schedule it must not fail the upload: the renditions are made with those of the next picture.
    transaction.on_commit(_schedule, robust=True)


def schedule_cleaning() -> None:
    """Have the worker clean documents again if any are due."""
    scheduled = DBTaskResult.objects.ready().filter(task_path=clean_due_documents.module_path)
    if due_documents().exists() and not scheduled.exists():
        clean_due_documents.enqueue()


def cleaning_concerns(request: HttpRequest) -> Iterator[Concern]:
    """Yield how many documents are still to be cleaned, and how many can't be, for the dashboard."""
    if count := due_documents().count():
        text = ngettext(
            "%(count)s document is still to be cleaned of names and places, as new ones are.",
            "%(count)s documents are still to be cleaned of names and places, as new ones are.",
            count,
        )
        hint = gettext("The worker does that. If it isn't running, run `manage.py clean_media`.")
        yield Concern(f"{text % {'count': number_format(count)}} {hint}", reverse("admin:media_document_changelist"))
    if count := uncleaned_documents().count():
        text = ngettext(
            "%(count)s document is published with the names and places noted in it, because it can't be cleaned.",
            "%(count)s documents are published with the names and places noted in them, because they can't be cleaned.",
            count,
        )
        hint = gettext("Replace or delete what could put someone in danger.")
        url = f"{reverse('admin:media_document_changelist')}?cleaned=no"
        yield Concern(f"{text % {'count': number_format(count)}} {hint}", url)


def _schedule() -> None:
    if not DBTaskResult.objects.ready().filter(task_path=make_due_renditions.module_path).exists():
        make_due_renditions.enqueue()
