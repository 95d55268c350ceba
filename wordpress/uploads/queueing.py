"""Create import jobs and start their steps: each is put on the worker's queue."""

import uuid
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from wordpress.models import ImportJob, JobState, JobStep
from wordpress.uploads import lifecycle, tasks
from wordpress.uploads.folder import JobFolder


class AnotherJobActiveError(Exception):
    """Another import job is waiting or running."""


def create_job(key: uuid.UUID, files: Sequence[UploadedFile[Any]], user: User) -> tuple[ImportJob, bool]:
    """Store `files` and have them read. Return the job and whether it is new: a form sent twice creates one job.

    Raises AnotherJobActiveError.
    """
    lifecycle.delete_abandoned_uploads()
    if existing := ImportJob.objects.filter(pk=key).first():
        return existing, False
    folder = JobFolder(key)
    try:
        folder.create()
    except FileExistsError:
        # The same form was sent twice at the same time: the other request is about to store the job.
        raise AnotherJobActiveError from None
    try:
        folder.store(files)
        with transaction.atomic():
            job = ImportJob.objects.create(pk=key, started_by=user, file_names=[file.name for file in files])
            tasks.run_job.enqueue(str(key))
            expires_at = timezone.now() + lifecycle.upload_lifetime()
            tasks.clean_up.using(run_after=expires_at).enqueue()
    except IntegrityError:
        folder.remove()
        raise AnotherJobActiveError from None
    except BaseException:
        folder.remove()
        raise
    return job, True


def start_step(job: ImportJob, step: JobStep, user: User, options: Mapping[str, Any] = MappingProxyType({})) -> bool:
    """Have a worker do `step`. Return False if its state does not allow it any more. Raises AnotherJobActiveError."""
    lifecycle.interrupt_dead_jobs()
    folder = JobFolder(job.pk)
    states = lifecycle.UNDOABLE_STATES if step == JobStep.UNDO else lifecycle.IDLE_STATES
    fields: dict[str, Any] = {"step": step, "error": "", "started_by": user}
    if step != JobStep.UNDO:
        fields |= {"options": options, "report": {}}
    try:
        with transaction.atomic():
            moved = lifecycle.move(job, states, JobState.WAITING, fields)
            if moved:
                folder.reset()
                tasks.run_job.enqueue(str(job.pk))
    except IntegrityError:
        raise AnotherJobActiveError from None
    return moved
