"""What a worker (`manage.py db_worker`) does with an import job."""

import time
from typing import Any, Final

from django.core.management import call_command
from django.tasks import task
from django.utils.translation import gettext as _

from wordpress.atomic_files import atomic_file
from wordpress.importing.analysis import Progress, Stage, analyse, authors_in
from wordpress.importing.exclusive import AlreadyRunningError
from wordpress.importing.pipeline import import_export
from wordpress.models import ImportJob, JobState, JobStep
from wordpress.uploads import lifecycle
from wordpress.uploads.folder import JobFolder, StageProgress
from wordpress.wxr.archives import Unpacked, unpacked
from wordpress.wxr.repair import InvalidExportError
from wordpress.wxr.values import plain_line

# Seconds between two updates of the progress.
_UPDATE_INTERVAL: Final = 0.5

# The state in which a step ends, and the fields of the job to store.
type StepResult = tuple[JobState, dict[str, Any]]


class JobCancelledError(KeyboardInterrupt):
    """Somebody cancelled the job. The import handles it as it handles Ctrl-C: what is complete by then stays."""


@task()
def run_job(key: str) -> None:
    """Do the step that the job is waiting for, unless another worker has claimed it or it was cancelled."""
    job = ImportJob.objects.filter(pk=key, state=JobState.WAITING).first()
    if job is None:
        return
    folder = JobFolder(job.pk)
    folder.ensure_exists()
    with folder.locked():
        if lifecycle.claim(job):
            _run_step(job, folder)


@task()
def clean_up() -> None:
    """Delete abandoned uploads and the results of old tasks."""
    lifecycle.delete_abandoned_uploads()
    call_command("prune_db_task_results", verbosity=0)


def _run_step(job: ImportJob, folder: JobFolder) -> None:
    step = _read if job.step == JobStep.READ else _import
    state = JobState.INTERRUPTED
    result: dict[str, Any] = {"error": _("Something went wrong. The worker's log has the details.")}
    try:
        if not folder.files():
            raise InvalidExportError(_("The uploaded files no longer exist. Upload them again."))
        with unpacked(folder.files(), folder.path) as exports:
            state, result = step(job, exports, _ProgressWriter(folder))
    except InvalidExportError as error:
        # An export that has been read is complete. Then the options were wrong, and the owner can choose others.
        state = JobState.REJECTED if job.step == JobStep.READ else JobState.INTERRUPTED
        result = {"error": folder.hide_paths(_("%s Nothing was imported.") % error)}
    except AlreadyRunningError as error:
        result = {"error": str(error)}
    except JobCancelledError:
        result = {"error": _("The import was cancelled. Nothing was changed.")}
    finally:
        lifecycle.finish(job, state, result)
    if state in {JobState.DONE, JobState.REJECTED}:
        folder.remove_uploads()


def _read(job: ImportJob, exports: Unpacked, progress: Progress) -> StepResult:
    analysis = analyse(exports.paths, progress)
    authors = [[login, plain_line(author.display_name)] for login, author in authors_in(analysis).items()]
    folder = JobFolder(job.pk)
    warnings = [folder.hide_paths(exports.with_original_names(text)) for text in analysis.warnings]
    return JobState.READY, {"contents": {"items": dict(analysis.items), "authors": authors, "warnings": warnings}}


def _import(job: ImportJob, exports: Unpacked, progress: Progress) -> StepResult:
    is_preview = job.step == JobStep.PREVIEW
    report = import_export(exports.paths, dry_run=is_preview, progress=progress, **job.options)
    report.rename_files(exports.with_original_names)
    folder = JobFolder(job.pk)
    report.files = job.file_names
    report.warnings = [folder.hide_paths(text) for text in report.warnings]
    with atomic_file(folder.report) as file:
        report.write(file)
    result = {"report": report.summary()}
    if report.interrupted:
        error = _("The import was cancelled. What has been imported so far stays. Start the import again to continue.")
        return JobState.INTERRUPTED, {**result, "error": error}
    return (JobState.READY if is_preview else JobState.DONE), result


class _ProgressWriter:
    """Writes the progress to the job's folder, and raises JobCancelledError if somebody cancelled the job.

    It does so when a stage begins, then at intervals.
    """

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._stage: Stage | None = None
        self._started_at = self._updated_at = 0.0

    def __call__(self, stage: Stage, done: int, total: int) -> None:
        now = time.time()
        if stage == self._stage and now - self._updated_at < _UPDATE_INTERVAL:
            return
        if stage != self._stage:
            self._stage, self._started_at = stage, now
        self._updated_at = now
        if self._folder.is_cancel_requested():
            raise JobCancelledError
        self._folder.write_progress(StageProgress(stage, done, total, self._started_at, now))
