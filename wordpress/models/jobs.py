"""Imports that were started in the admin."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class JobState(models.TextChoices):
    """How far an import job is. At most one job is active at a time: waiting for a worker or running."""

    WAITING = "waiting", _("Waiting for the worker")
    RUNNING = "running", _("Running")
    READY = "ready", _("Ready to preview")
    DONE = "done", _("Imported")
    REJECTED = "rejected", _("Rejected")
    INTERRUPTED = "interrupted", _("Interrupted")
    UNDONE = "undone", _("Import undone")


class JobStep(models.TextChoices):
    """What the worker is doing, or did last."""

    READ = "read", _("Reading the files")
    PREVIEW = "preview", _("Previewing the import")
    IMPORT = "import", _("Importing")
    UNDO = "undo", _("Undoing the import")


ACTIVE_STATES = (JobState.WAITING, JobState.RUNNING)


class ImportJob(models.Model):
    """Export files that were uploaded in the admin, and their import. `wordpress.uploads.lifecycle` changes the state.

    The progress changes too often for the database: it is in the job's folder (`wordpress.uploads.folder`).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("started by")
    )
    uploaded_at = models.DateTimeField(_("uploaded at"), auto_now_add=True)
    state = models.CharField(_("state"), max_length=20, choices=JobState, default=JobState.WAITING)
    state_since = models.DateTimeField(_("state since"), auto_now_add=True)
    step = models.CharField(_("step"), max_length=20, choices=JobStep, default=JobStep.READ)
    # The names that the files had on the owner's computer.
    file_names = models.JSONField(_("files"), default=list)
    # What the files contain: the number of items by type, authors as pairs of login and name, warnings.
    contents = models.JSONField(default=dict)
    # The options of the last step, as `wordpress.importing.pipeline.import_export` takes them.
    options = models.JSONField(default=dict)
    report = models.JSONField(default=dict)
    # Why it was rejected or interrupted.
    error = models.TextField(blank=True)

    class Meta:
        verbose_name = _("WordPress import")
        verbose_name_plural = _("WordPress imports")
        default_permissions = ()
        permissions = [("import_wordpress", _("Can import from WordPress"))]
        ordering = ("-uploaded_at", "-pk")
        constraints = [
            models.UniqueConstraint(Case(When(Q(state__in=ACTIVE_STATES), then=Value(1))), name="one_active_import_job")
        ]

    def __str__(self) -> str:
        return ", ".join(self.file_names)

    def get_absolute_url(self) -> str:
        return reverse("admin:wordpress_importjob_change", args=[self.pk])
