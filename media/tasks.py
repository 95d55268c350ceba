"""What the worker (`manage.py worker`) does about media.

It makes the renditions of new pictures, looks at pictures to find duplicates, and removes deleted files when their time
has come.
"""

import datetime as dt
import logging
from time import monotonic
from typing import Any, Final

from django.db import transaction
from django.tasks import TaskContext, task
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_tasks_db.models import DBTaskResult

from core.tasks import task_kind
from media import trash
from media.duplicates import take_fingerprint, without_fingerprint
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


@task_kind(_("Removing deleted files for good"))
@task()
def remove_expired_files() -> None:
    """Remove for good what was deleted too long ago. What can't be removed is tried again the next time."""
    trash.remove_expired()


def wake_worker() -> None:
    """Have the worker make renditions once the current transaction is committed."""
    # Failing to schedule it must not fail the upload: the renditions are made with those of the next picture.
    transaction.on_commit(_schedule, robust=True)


def _schedule() -> None:
    if not DBTaskResult.objects.ready().filter(task_path=make_due_renditions.module_path).exists():
        make_due_renditions.enqueue()
