"""What is known about backups: when they were made and proved, and what went wrong."""

import datetime as dt
from typing import Self

from django.db import models
from django.utils import timezone

_KEPT = dt.timedelta(days=400)


class RunKind(models.TextChoices):
    BACKUP = "backup"
    # A backup was restored beside the site, and compared.
    CHECK = "check"


class BackupRunQuerySet(models.QuerySet["BackupRun"]):
    def last(self, kind: RunKind) -> "BackupRun | None":  # type: ignore[override]  # of one kind
        """Return the last run of this kind, whether or not it succeeded."""
        return self.filter(kind=kind).order_by("-finished_at", "-pk").first()

    def last_successful(self, kind: RunKind) -> "BackupRun | None":
        """Return the last run of this kind that succeeded."""
        return self.successful().last(kind)

    def successful(self) -> Self:
        return self.filter(error="")


class BackupRun(models.Model):
    """A backup that was made, or proved, or what went wrong. Backups leave these rows out."""

    kind = models.CharField(max_length=6, choices=RunKind)
    # The name of the backup; empty if it was never complete.
    backup = models.CharField(max_length=20, blank=True)
    finished_at = models.DateTimeField(default=timezone.now)
    # How many media files the database named that were not there.
    missing = models.PositiveIntegerField(default=0)
    # A sentence; empty if all went well.
    error = models.TextField(blank=True)

    objects = BackupRunQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["kind", "finished_at"], name="backup_run_finished")]

    def __str__(self) -> str:
        return f"{self.kind} {self.backup}".strip()

    @classmethod
    def record(cls, kind: RunKind, *, backup: str = "", missing: int = 0, error: str = "") -> None:
        """Store how a run ended, and forget what is long past."""
        cls.objects.create(kind=kind, backup=backup, missing=missing, error=error)
        cls.objects.filter(finished_at__lt=timezone.now() - _KEPT).delete()
