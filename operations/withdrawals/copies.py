"""Deleting copies of the site's content outside the database, because they would still contain a name."""

from django.utils.translation import gettext

from operations.withdrawals.matching import Name
from wordpress.models import ACTIVE_STATES, ExportJob, ExportState, ImportJob, JobState
from wordpress.uploads import lifecycle
from wordpress.uploads.folder import JobFolder


def delete_copies(name: Name) -> None:
    """Delete finished exports, uploaded exports that have not been imported, and import reports with the name.

    Exports can be made again. Importing an uploaded one would bring the name back.
    """
    for job in ExportJob.objects.filter(state=ExportState.DONE):
        JobFolder(job.pk).remove()
        lifecycle.move(job, [ExportState.DONE], ExportState.EXPIRED)
    for upload in ImportJob.objects.exclude(state__in=ACTIVE_STATES):
        folder = JobFolder(upload.pk)
        if folder.files():
            folder.remove_uploads()
            error = gettext("The uploaded files were deleted because a name was withdrawn. Upload them again.")
            lifecycle.move(upload, lifecycle.IDLE_STATES, JobState.INTERRUPTED, error=error)
        if folder.report.is_file() and name.may_be_in(folder.report.read_text(encoding="utf-8")):
            folder.report.unlink(missing_ok=True)
