"""What the worker (`manage.py db_worker`) does about media: make the renditions of new pictures."""

import datetime as dt
import logging
from time import monotonic
from typing import Final

from django.db import transaction
from django.tasks import task
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from media.renditions import due_pictures, make_renditions
from media.storage import StorageUnavailableError

# In seconds. Then other tasks have their turn.
_TURN: Final = 10
# After the storage failed to answer.
_PAUSE: Final = dt.timedelta(minutes=1)

_log = logging.getLogger(__name__)


@task()
def make_due_renditions() -> None:
    """Make renditions for some seconds, and come back if there are more to make."""
    until = monotonic() + _TURN
    while picture := due_pictures().first():
        if monotonic() > until:
            wake_worker()
            return
        try:
            make_renditions(picture)
        except StorageUnavailableError as error:
            _log.warning("The storage is unavailable. Trying again in a minute. %s", error)
            make_due_renditions.using(run_after=timezone.now() + _PAUSE).enqueue()
            return


def wake_worker() -> None:
    """Have the worker make renditions once the current transaction is committed."""
    # Failing to schedule it must not fail the upload: the renditions are made with those of the next picture.
    transaction.on_commit(_schedule, robust=True)


def _schedule() -> None:
    if not DBTaskResult.objects.ready().filter(task_path=make_due_renditions.module_path).exists():
        make_due_renditions.enqueue()
