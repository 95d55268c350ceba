"""What is known about running the site: how backups went, which workers are alive, when scheduled tasks are due."""

import datetime as dt
from typing import Final, Self

from django.db import models
from django.utils import timezone

# A worker that has not said for this long that it is alive is presumed dead.
PRESUMED_DEAD: Final = dt.timedelta(minutes=2)
# By how much the clocks of two machines may differ.
CLOCK_TOLERANCE: Final = dt.timedelta(minutes=1)
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


class WorkerHeartbeatQuerySet(models.QuerySet["WorkerHeartbeat"]):
    def latest_at(self) -> dt.datetime | None:
        """Return when any worker was last alive; None if none has been for a day.

        Times in the future are from before the clock was set back, and say nothing.
        """
        known = self.filter(at__lte=timezone.now() + CLOCK_TOLERANCE)
        return known.order_by("-at").values_list("at", flat=True).first()

    def alive(self) -> Self:
        """Return the workers that have said so not long ago."""
        now = timezone.now()
        return self.filter(at__gt=now - PRESUMED_DEAD, at__lte=now + CLOCK_TOLERANCE)


class WorkerHeartbeat(models.Model):
    """When a worker (`manage.py worker`) was last alive. It says so every 30 seconds, also during a long task.

    Backups leave these rows out.
    """

    # Random, and new each time a worker starts.
    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    objects = WorkerHeartbeatQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    @classmethod
    def beat(cls, name: str) -> None:
        """Remember that the worker of this name is alive."""
        cls.objects.update_or_create(name=name, defaults={"at": timezone.now()})


class ScheduledTime(models.Model):
    """When a scheduled task (core.schedule) is next due. Backups leave these rows out."""

    name = models.CharField(max_length=100, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class CheckResult(models.Model):
    """What a slow check of `manage.py doctor` found last, by its name. Backups leave these rows out."""

    name = models.CharField(max_length=50, primary_key=True)
    checked_at = models.DateTimeField()
    # A list of [severity, text, advice] (operations.checks.diagnoses).
    diagnoses = models.JSONField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class FreeSpace(models.Model):
    """How many bytes were free on the disk of the data folder on a day. Backups leave these rows out."""

    day = models.DateField(primary_key=True)
    bytes = models.BigIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.day}: {self.bytes}"
