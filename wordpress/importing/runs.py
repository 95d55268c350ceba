"""Runs: one for each import, so that what it added can be removed again (wordpress.importing.undo)."""

from django.utils import timezone

from wordpress.models import ImportedItem, ImportJob, ImportRun


def begin_run(site: str, job: ImportJob | None) -> ImportRun:
    """Return a new run, or the one of this site that was interrupted and is continued now."""
    run = ImportRun.objects.filter(site=site, finished_at=None).order_by("pk").last() or ImportRun(site=site)
    run.job = job
    run.save()
    return run


def has_added_anything(run: ImportRun) -> bool:
    return ImportedItem.objects.filter(run=run).exists()


def finish_run(run: ImportRun) -> None:
    """Mark the run as finished, or forget it if it has added nothing."""
    run.finished_at = timezone.now()
    run.save(update_fields=["finished_at"])
    forget_if_empty(run)


def forget_if_empty(run: ImportRun) -> None:
    """Delete the run if it has added nothing: then there is nothing to undo."""
    ImportRun.objects.filter(pk=run.pk, items=None).delete()
