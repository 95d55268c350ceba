"""Import jobs as tasks: creating them, starting their steps, and running the steps in a worker (`manage.py worker`)."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import UploadedFile
from django.tasks import task
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from core.tasks import TaskKind, daily
from wordpress.importing.analysis import Progress, analyse, authors_in
from wordpress.importing.database import AlreadyRunningError
from wordpress.importing.page_types import page_types_here
from wordpress.importing.pipeline import import_export
from wordpress.importing.undo import undo_run
from wordpress.models import ImportJob, JobState, JobStep
from wordpress.uploads import lifecycle
from wordpress.uploads.folder import JobCancelledError, JobFolder
from wordpress.uploads.lifecycle import JobResult
from wordpress.wxr.archives import Unpacked, unpacked
from wordpress.wxr.repair import InvalidExportError
from wordpress.wxr.values import plain_line


def create_job(key: uuid.UUID, files: Sequence[UploadedFile[Any]], user: User) -> tuple[ImportJob, bool]:
    """Store `files` and have a worker read them. Return the job and whether it is new.

    A form submitted twice creates one job. Raises lifecycle.AnotherJobActiveError.
    """
    lifecycle.delete_abandoned_uploads()
    if existing := ImportJob.objects.filter(pk=key).first():
        return existing, False
    folder = JobFolder(key)
    try:
        folder.create()
    except FileExistsError:
        # The form was submitted twice at the same time, and the other request is about to store the job.
        raise lifecycle.AnotherJobActiveError from None
    try:
        folder.store(files)
        with lifecycle.activating():
            job = ImportJob.objects.create(pk=key, started_by=user, file_names=[file.name for file in files])
            run_job.enqueue(str(key))
    except BaseException:
        folder.remove()
        raise
    return job, True


def start_step(job: ImportJob, step: JobStep, user: User | AnonymousUser, options: Mapping[str, Any]) -> bool:
    """Have a worker do `step` if the job's state still allows it. Return whether it did.

    Raises lifecycle.AnotherJobActiveError.
    """
    lifecycle.interrupt_dead_jobs()
    # This job may be one of them.
    job.refresh_from_db(fields=["state_since"])
    states = lifecycle.UNDOABLE_STATES if step == JobStep.UNDO else lifecycle.IDLE_STATES
    fields: dict[str, Any] = {"step": step, "error": "", "started_by": user}
    if step != JobStep.UNDO:
        fields |= {"options": options, "report": {}}
    with lifecycle.activating():
        if is_started := lifecycle.move(job, states, JobState.WAITING, **fields):
            JobFolder(job.pk).reset()
            run_job.enqueue(str(job.pk))
    return is_started


# An import may take hours, and resumes where it stopped. If its worker is killed three times, the owner decides.
@TaskKind(
    gettext_lazy("Importing from WordPress"),
    attempts=3,
    time_limit=None,
    before_retry=partial(lifecycle.run_again, ImportJob),
)
@task()
def run_job(key: str) -> None:
    """Do the step that the job is waiting for. A step whose worker was killed or had to stop is resumed."""
    lifecycle.claim(ImportJob, key, _run_step, without_uploads={JobState.DONE, JobState.REJECTED})


@TaskKind(gettext_lazy("Deleting abandoned uploads"), schedule=daily(4, 50))
@task()
def clean_up() -> None:
    """Delete abandoned uploads, and mark jobs whose worker is gone as interrupted."""
    lifecycle.delete_abandoned_uploads()


def _run_step(job: ImportJob, folder: JobFolder) -> JobResult:
    steps = {JobStep.READ: _read, JobStep.PREVIEW: _import, JobStep.IMPORT: _import, JobStep.UNDO: _undo}
    try:
        return steps[JobStep(job.step)](job, folder, folder.progress_writer())
    except InvalidExportError as error:
        # After the first step, the export is known to be complete, so the options are wrong. The owner can change them.
        state = JobState.REJECTED if job.step == JobStep.READ else JobState.INTERRUPTED
        return state, {"error": folder.hide_paths(_("%s Nothing was imported.") % error)}
    except AlreadyRunningError as error:
        return JobState.INTERRUPTED, {"error": str(error)}
    except JobCancelledError:
        return JobState.INTERRUPTED, {"error": _("The import was cancelled. Nothing was changed.")}


def _read(job: ImportJob, folder: JobFolder, progress: Progress) -> JobResult:
    with _exports(folder) as exports:
        analysis = analyse(exports.paths, progress, page_types=page_types_here())
        warnings = [folder.hide_paths(exports.with_original_names(text)) for text in analysis.all_warnings()]
    authors = [[login, plain_line(author.display_name)] for login, author in authors_in(analysis).items()]
    contents = {"items": dict(analysis.items), "authors": authors, "warnings": warnings}
    return JobState.READY, {"contents": contents | {"other_types": analysis.other_types}}


def _import(job: ImportJob, folder: JobFolder, progress: Progress) -> JobResult:
    is_preview = job.step == JobStep.PREVIEW
    with _exports(folder) as exports:
        report = import_export(exports.paths, dry_run=is_preview, progress=progress, job=job, **job.options)
        report.rename_files(lambda text: folder.hide_paths(exports.with_original_names(text)))
    report.files = job.file_names
    folder.write_report(report)
    result: dict[str, Any] = {"report": report.summary()}
    if report.interrupted:
        result["error"] = _(
            "The import was cancelled. What has been imported so far stays: start the import again to continue, or "
            "undo it."
        )
        return JobState.INTERRUPTED, result
    return (JobState.READY if is_preview else JobState.DONE), result


def _undo(job: ImportJob, folder: JobFolder, progress: Progress) -> JobResult:
    run = job.runs.order_by("pk").last()
    if run is None:
        return JobState.UNDONE, {}
    try:
        report = undo_run(run, progress)
    except JobCancelledError:
        text = _(
            "The undo was cancelled. What has been removed so far is gone: undo the import again to remove the rest."
        )
        return JobState.INTERRUPTED, {"error": text}
    folder.write_report(report)
    # If the files of an interrupted import are still here, it can be started again.
    return (JobState.READY if folder.files() else JobState.UNDONE), {"report": report.summary()}


def _exports(folder: JobFolder) -> AbstractContextManager[Unpacked]:
    files = folder.files()
    if not files:
        raise InvalidExportError(
            _(
                "The worker can't find the uploaded files. They have been deleted, or the web server and the worker "
                "don't have the same data folder (BROADSIDE_DATA). Upload them again."
            )
        )
    return unpacked(files, folder.path)
