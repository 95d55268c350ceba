"""What the worker (`manage.py db_worker`) does about media: make the renditions of new pictures."""

from time import monotonic
from typing import Final

from django.db import transaction
from django.tasks import TaskResultStatus, task
from django_tasks_db.models import DBTaskResult

from media.renditions import due_pictures, make_renditions

# In seconds. Then other tasks have their turn.
_TURN: Final = 10


@task()
def make_due_renditions() -> None:
    """Make renditions for some seconds, and come back if there are more to make."""
    until = monotonic() + _TURN
    while picture := due_pictures().first():
        if monotonic() > until:
            wake_worker()
            return
        make_renditions(picture)


def wake_worker() -> None:
    """Have the worker make renditions once the current transaction is committed."""
    # Failing to schedule it must not fail the upload: the renditions are made with those of the next picture.
    transaction.on_commit(_schedule, robust=True)


def _schedule() -> None:
    waiting = DBTaskResult.objects.filter(task_path=make_due_renditions.module_path, status=TaskResultStatus.READY)
    if not waiting.exists():
        make_due_renditions.enqueue()
