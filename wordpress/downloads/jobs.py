"""Export jobs: starting one, running it in a worker (`manage.py worker`), and deleting the file after some days."""

import datetime as dt
import logging
from functools import partial
from pathlib import Path
from typing import Final

from django.conf import settings
from django.tasks import task
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from core.tasks import TaskKind, every
from wordpress.downloads.formats import FORMATS
from wordpress.models import ExportJob, ExportState
from wordpress.uploads import lifecycle
from wordpress.uploads.folder import JobCancelledError, JobFolder
from wordpress.uploads.lifecycle import JobResult

_MAX_WARNINGS: Final = 20

_log = logging.getLogger(__name__)


def start(format_name: str, user: User) -> ExportJob:
    """Have a worker export the site. Raises lifecycle.AnotherJobActiveError."""
    tidy_up()
    with lifecycle.activating():
        job = ExportJob.objects.create(format=format_name, started_by=user)
        JobFolder(job.pk).create()
        run_export.enqueue(str(job.pk))
    return job


def file_of(job: ExportJob) -> Path:
    return JobFolder(job.pk).path / f"export.{FORMATS[job.format].suffix}"


def expires_at(job: ExportJob) -> dt.datetime:
    """Return when the file of a finished export will be deleted."""
    return job.state_since + _lifetime()


def is_downloadable(job: ExportJob) -> bool:
    return _has_file(job) and file_of(job).exists()


def is_elsewhere(job: ExportJob) -> bool:
    """Return whether the file should exist but doesn't: the worker's data folder is not that of this web server."""
    return _has_file(job) and not file_of(job).exists()


def tidy_up() -> None:
    """Delete the files of old exports, and mark exports whose worker is gone as interrupted."""
    for job in ExportJob.objects.filter(state=ExportState.RUNNING):
        if lifecycle.has_died(job):
            error = _("The worker stopped unexpectedly. Start the export again.")
            if lifecycle.move(job, [ExportState.RUNNING], ExportState.INTERRUPTED, error=error):
                JobFolder(job.pk).remove()
    for job in ExportJob.objects.filter(state=ExportState.DONE, state_since__lte=timezone.now() - _lifetime()):
        JobFolder(job.pk).remove()
        lifecycle.move(job, [ExportState.DONE], ExportState.EXPIRED)


@TaskKind(
    gettext_lazy("Exporting the site"),
    attempts=3,
    time_limit=dt.timedelta(days=1),
    before_retry=partial(lifecycle.run_again, ExportJob),
)
@task()
def run_export(key: str) -> None:
    """Write the export. If its worker was killed or had to stop, the export starts over."""
    lifecycle.claim(ExportJob, key, _write)


# Exports are private, so they are not kept longer than promised.
@TaskKind(gettext_lazy("Deleting old exports"), schedule=every(dt.timedelta(hours=1)))
@task()
def delete_old_exports() -> None:
    """Delete the files of old exports."""
    tidy_up()


def _write(job: ExportJob, folder: JobFolder) -> JobResult:
    warnings: list[str] = []
    target = file_of(job)
    try:
        count = FORMATS[job.format].write(target, folder.progress_writer(), warnings.append)
        size = target.stat().st_size
    except JobCancelledError:
        return ExportState.INTERRUPTED, {"error": _("The export was cancelled.")}
    except OSError as error:
        _log.exception("The export %s could not be written.", job.pk)
        return ExportState.INTERRUPTED, {"error": _("The export could not be written: %s") % (error.strerror or error)}
    shown = warnings[:_MAX_WARNINGS]
    if more := len(warnings) - len(shown):
        shown.append(ngettext("There is %d more note.", "There are %d more notes.", more) % more)
    return ExportState.DONE, {"item_count": count, "bytes": size, "warnings": shown}


def _has_file(job: ExportJob) -> bool:
    return job.state == ExportState.DONE and expires_at(job) > timezone.now()


def _lifetime() -> dt.timedelta:
    return dt.timedelta(days=settings.BROADSIDE_EXPORT_KEEP_DAYS)
