"""Failed tasks as owners see them, and what they can do about them."""

import datetime as dt
import smtplib
import sys
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Count, Max
from django.tasks import TaskResultStatus
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_tasks_db.models import DBTaskResult

from accounts.tasks import UnsentLinkError
from media.storage import StorageUnavailableError
from operations.backups.errors import BackupError
from operations.worker.queue import KilledWorkerError, TimeLimitError, failed_tasks, kind_of, prepare_retry

_MAIL: Final = _("The mail server could not be reached, or refused the e-mail. Check EMAIL_URL.")
# What an error means to an owner. The first class that matches counts.
_REASONS: Final[tuple[tuple[type[BaseException], Promise], ...]] = (
    (KilledWorkerError, _("The worker was killed during this task each time. The server may be short of memory.")),
    (TimeLimitError, _("It took too long and was stopped.")),
    (BackupError, _("The backup could not be made. “Backups” on this page shows why.")),
    (StorageUnavailableError, _("The object storage could not be reached. Check it, and STORAGE_URL.")),
    (UnsentLinkError, _MAIL),
    (smtplib.SMTPException, _MAIL),
    (ConnectionError, _("Another server could not be reached.")),
    (TimeoutError, _("Another server did not answer in time.")),
    (OSError, _("A file could not be read or written. Check that the disk isn't full.")),
    (OperationalError, _("The database was busy or unavailable.")),
    (InterfaceError, _("The database was busy or unavailable.")),
    (MemoryError, _("The server ran out of memory.")),
    (ImportError, _("This version of Broadside doesn't know this task. Dismiss it.")),
)
_UNEXPECTED: Final = _("Something unexpected happened. The server's log has the details. Please report it.")
_UNKNOWN: Final = _("A task of another version of Broadside")


@dataclass(frozen=True, slots=True)
class FailedKind:
    """All failed tasks of one kind. `reason` and `failed_at` are those of the latest."""

    task_path: str
    label: str | Promise
    count: int
    failed_at: dt.datetime
    reason: str | Promise


def failed_kinds() -> list[FailedKind]:
    """Return the kinds of tasks that have failed, those that failed last first."""
    kinds = DBTaskResult.objects.failed().order_by().values("task_path")
    found = []
    for kind in kinds.annotate(count=Count("pk"), failed_at=Max("finished_at")).order_by("-failed_at", "task_path"):
        path = kind["task_path"]
        errors = failed_tasks(path).order_by("-finished_at").values_list("exception_class_path", flat=True)
        label = kind_of(path).label or _UNKNOWN
        found.append(FailedKind(path, label, kind["count"], kind["failed_at"], describe(errors.first() or "")))
    return found


def describe(exception_class_path: str) -> str | Promise:
    """Return a sentence about an error of this class."""
    module, _dot, name = exception_class_path.rpartition(".")
    try:
        # Nothing has to be imported, because the classes with a reason already are.
        error = attrgetter(name)(sys.modules[module])
    except (KeyError, AttributeError, ValueError):
        return _UNEXPECTED
    if not isinstance(error, type):
        return _UNEXPECTED
    return next((reason for kind, reason in _REASONS if issubclass(error, kind)), _UNEXPECTED)


@transaction.atomic
def retry(task_path: str) -> int:
    """Have the worker run the failed tasks with this path again, and return how many there are."""
    rows = list(failed_tasks(task_path).select_for_update().order_by("finished_at"))
    # Of several tasks with the same arguments, only the latest is run again.
    latest = {repr(row.args_kwargs): row.pk for row in rows}
    for row in rows:
        prepare_retry(row)
    failed_tasks(task_path).filter(pk__in={row.pk for row in rows} - set(latest.values())).delete()
    again = failed_tasks(task_path).filter(pk__in=latest.values())
    return again.update(status=TaskResultStatus.READY, run_after=timezone.now(), finished_at=None, worker_ids=[])


def dismiss(task_path: str) -> int:
    """Forget the failed tasks with this path, and return how many there were."""
    return failed_tasks(task_path).delete()[0]
