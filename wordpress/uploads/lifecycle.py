"""The transitions of import and export jobs from one state to the next.

Each transition is one conditional UPDATE, so if two people press a button at the same time, only one succeeds.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import chain
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from core.tasks import WorkerStoppingError
from wordpress.models import ACTIVE_STATES, ExportJob, ImportJob, Job, JobState, JobStep
from wordpress.uploads.folder import JobFolder, remove_old_folders

# The states in which the owner decides what happens next.
IDLE_STATES = (JobState.READY, JobState.INTERRUPTED)
UNDOABLE_STATES = (*IDLE_STATES, JobState.DONE, JobState.UNDONE)
# A job that has waited longer than this probably has no worker to wait for.
WORKER_TIMEOUT = timedelta(seconds=15)

# The state in which the work of a job ends, and the fields of the job to store.
type JobResult = tuple[str, dict[str, Any]]


class AnotherJobActiveError(Exception):
    """Another job of the same kind is waiting or running."""


@contextmanager
def activating() -> Iterator[None]:
    """Open a transaction in which a job becomes active. Raises AnotherJobActiveError."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise AnotherJobActiveError from None


def is_active(job: Job) -> bool:
    """Return whether the job is waiting for a worker or has one."""
    return job.state in ACTIVE_STATES and not has_died(job)


def can_start(job: ImportJob) -> bool:
    """Return whether a step of the job can be started."""
    return (job.state in IDLE_STATES or has_died(job)) and bool(JobFolder(job.pk).files())


def can_undo(job: ImportJob) -> bool:
    """Return whether the job has imported anything that can be removed again."""
    return (job.state in UNDOABLE_STATES or has_died(job)) and job.runs.exists()


def has_died(job: Job) -> bool:
    """Return whether the job's worker ended without finishing the job."""
    if job.state != JobState.RUNNING or JobFolder(job.pk).is_locked():
        return False
    # The worker may have finished between reading the job and checking the lock.
    return type(job)._default_manager.filter(pk=job.pk, state=JobState.RUNNING).exists()


def claim[SomeJob: Job](
    model: type[SomeJob],
    key: str,
    run: Callable[[SomeJob, JobFolder], JobResult],
    *,
    without_uploads: Collection[str] = (),
) -> None:
    """Call `run` with the job and its folder, and store the result, unless another worker has claimed the job.

    A job whose worker was killed or had to stop is claimed again. In the states `without_uploads`, the uploaded files
    are no longer needed.
    """
    job = model._default_manager.filter(pk=key, state__in=ACTIVE_STATES).first()
    if job is None or (job.state == JobState.RUNNING and not has_died(job)):
        return
    folder = JobFolder(job.pk)
    folder.create(exist_ok=True)
    with folder.locked():
        # This process has the lock, so if the job is marked as running, its worker is gone.
        if not move(job, ACTIVE_STATES, JobState.RUNNING):
            return
        folder.remove_unfinished()
        state: str = JobState.INTERRUPTED
        fields: dict[str, Any] = {"error": _("Something went wrong. The worker's log has the details.")}
        try:
            state, fields = run(job, folder)
        except WorkerStoppingError:
            state, fields = JobState.WAITING, {}
            raise
        finally:
            move(job, [JobState.RUNNING], state, **fields)
        if state in without_uploads:
            folder.remove_uploads()


def run_again(model: type[Job], key: str) -> None:
    """Queue a failed step for the worker again, unless another job is active."""
    with suppress(AnotherJobActiveError), activating():
        for job in model._default_manager.filter(pk=key):
            move(job, [JobState.INTERRUPTED], JobState.WAITING, error="")


def lacks_worker(job: Job) -> bool:
    """Return whether the job has waited longer than a running worker would take to claim it."""
    return job.state == JobState.WAITING and job.state_since < timezone.now() - WORKER_TIMEOUT


def cancel(job: Job) -> None:
    """Take a waiting job off the queue, or ask its worker to stop."""
    # The request comes first, in case a worker is claiming the job right now.
    JobFolder(job.pk).request_cancel()
    if job.state == JobState.WAITING:
        error = _("This was cancelled before it started. Nothing was changed.")
        move(job, [JobState.WAITING], JobState.INTERRUPTED, error=error)


def interrupt_dead_jobs() -> None:
    """Mark running jobs whose worker is gone as interrupted, so that they and other jobs can be started."""
    for job in ImportJob.objects.filter(state=JobState.RUNNING):
        if has_died(job):
            move(job, [JobState.RUNNING], JobState.INTERRUPTED, error=death_message(job))


def death_message(job: ImportJob) -> str:
    if job.step == JobStep.UNDO:
        return _("The worker stopped unexpectedly. Undo the import again to remove the rest.")
    return _("The worker stopped unexpectedly. Start the import again; nothing will be imported twice.")


def delete_abandoned_uploads() -> None:
    """Delete uploads of jobs that have been idle for IMPORT_KEEP_DAYS."""
    interrupt_dead_jobs()
    for job in ImportJob.objects.filter(state__in=IDLE_STATES, state_since__lt=timezone.now() - upload_lifetime()):
        folder = JobFolder(job.pk)
        error = _("The uploaded files were deleted because the import wasn't continued. Upload them again.")
        # The lock makes someone who continues the import wait. If this is killed, the next run does it again.
        with transaction.atomic():
            if folder.files() and move(job, IDLE_STATES, JobState.INTERRUPTED, error=error):
                folder.remove_uploads()
    jobs = (model._default_manager.values_list("pk", flat=True) for model in (ImportJob, ExportJob))
    remove_old_folders(upload_lifetime().total_seconds(), keep=chain.from_iterable(jobs))


def upload_lifetime() -> timedelta:
    return timedelta(days=settings.BROADSIDE_IMPORT_KEEP_DAYS)


def move(job: Job, before: Sequence[str], after: str, **fields: Any) -> bool:
    """Change the job's state and `fields` if the state is one of `before` and has not changed since it was read.

    Return whether it was changed.
    """
    unchanged = type(job)._default_manager.filter(pk=job.pk, state__in=before, state_since=job.state_since)
    fields |= {"state": after, "state_since": timezone.now()}
    if not unchanged.update(**fields):
        return False
    for name, value in fields.items():
        setattr(job, name, value)
    return True
