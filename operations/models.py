"""The state of operating the site: backups, workers, schedule, checks, withdrawn names."""

import datetime as dt
from typing import Final, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.clock import CLOCK_TOLERANCE
from core.internal_rows import InternalRow
from core.models import SiteSettings

# A worker without a heartbeat for this long is presumed dead.
PRESUMED_DEAD: Final = dt.timedelta(minutes=2)
_KEEP_RUNS_FOR = dt.timedelta(days=400)


class RunKind(models.TextChoices):
    BACKUP = "backup"
    # A backup was restored next to the live site and compared with its manifest.
    CHECK = "check"


class BackupRunQuerySet(models.QuerySet["BackupRun"]):
    def last(self, kind: RunKind) -> "BackupRun | None":  # type: ignore[override]  # of one kind
        """Return the last run of this kind, whether or not it succeeded.

        Runs in the future are from before the clock was set back, and are ignored.
        """
        past = self.filter(kind=kind, finished_at__lte=timezone.now() + CLOCK_TOLERANCE)
        return past.order_by("-finished_at", "-pk").first()

    def last_successful(self, kind: RunKind) -> "BackupRun | None":
        """Return the last run of this kind that succeeded."""
        return self.successful().last(kind)

    def successful(self) -> Self:
        return self.filter(error="")

    def complete(self) -> Self:
        """Return the runs that completed a new backup, even if older ones could not be removed."""
        return self.filter(models.Q(error="") | ~models.Q(backup=""))


class BackupRun(InternalRow):
    """An attempt to make or verify a backup, and its result. Backups leave these rows out."""

    kind = models.CharField(max_length=6, choices=RunKind)
    # The name of the backup; empty if it was never complete.
    backup = models.CharField(max_length=20, blank=True)
    finished_at = models.DateTimeField(default=timezone.now)
    # How many media files the database refers to that did not exist.
    missing = models.PositiveIntegerField(default=0)
    # A sentence; empty if the run succeeded.
    error = models.TextField(blank=True)

    objects = BackupRunQuerySet.as_manager()

    class Meta(InternalRow.Meta):
        indexes = [models.Index(fields=["kind", "finished_at"], name="backup_run_finished")]

    @classmethod
    def record(
        cls,
        kind: RunKind,
        *,
        backup: str = "",
        missing: int = 0,
        error: str = "",
        finished_at: dt.datetime | None = None,
    ) -> None:
        """Store the result of a run, by default one that has just finished, and delete old ones."""
        finished_at = finished_at or timezone.now()
        cls.objects.create(kind=kind, backup=backup, finished_at=finished_at, missing=missing, error=error)
        cls.objects.filter(finished_at__lt=timezone.now() - _KEEP_RUNS_FOR).delete()


class WorkerHeartbeatQuerySet(models.QuerySet["WorkerHeartbeat"]):
    def latest_at(self) -> dt.datetime | None:
        """Return when any worker was last alive; None if none has been for a day.

        Times in the future are from before the clock was set back, and are ignored.
        """
        known = self.filter(at__lte=timezone.now() + CLOCK_TOLERANCE)
        return known.order_by("-at").values_list("at", flat=True).first()

    def alive(self) -> Self:
        """Return the workers that have recently sent a heartbeat."""
        now = timezone.now()
        return self.filter(at__gt=now - PRESUMED_DEAD, at__lte=now + CLOCK_TOLERANCE)


class WorkerHeartbeat(InternalRow):
    """When a worker (`manage.py worker`) was last alive. It reports every 30 seconds, even during a long task.

    Backups leave these rows out.
    """

    # Random, and new each time a worker starts.
    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    objects = WorkerHeartbeatQuerySet.as_manager()

    @classmethod
    def beat(cls, name: str) -> None:
        """Record that the worker of this name is alive."""
        cls.objects.update_or_create(name=name, defaults={"at": timezone.now()})


class ScheduledTime(InternalRow):
    """When a task with a schedule (core.tasks), whose path is its `name`, is next due. Backups leave these rows out."""

    name = models.CharField(max_length=100, primary_key=True)
    at = models.DateTimeField()


class WithdrawalState(models.TextChoices):
    """The progress of a withdrawal. At most one is active at a time: searching, running or undoing."""

    SEARCHING = "searching", _("Looking for the name")
    FOUND = "found", _("Ready to preview")
    RUNNING = "running", _("Replacing the name")
    DONE = "done", _("Withdrawn")
    UNDOING = "undoing", _("Undoing")
    UNDONE = "undone", _("Undone")
    # The data for undoing it and the name itself have been deleted.
    FINAL = "final", _("Withdrawn for good")


ACTIVE_STATES = (WithdrawalState.SEARCHING, WithdrawalState.RUNNING, WithdrawalState.UNDOING)


class Withdrawal(models.Model):
    """A name that is or was replaced everywhere on the site (operations.withdrawals). Backups leave it out.

    `sealed` contains the spellings of the name and what was found, encrypted. The other fields reveal nothing about the
    name, and are kept as a record that something was withdrawn: who did it, when, and how much was affected.
    """

    state = models.CharField(_("state"), max_length=9, choices=WithdrawalState, default=WithdrawalState.SEARCHING)
    started_by = models.ForeignKey(
        User, models.SET_NULL, null=True, related_name="+", verbose_name=_("started by"), editable=False
    )
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    # When it was carried out; None until then.
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True)
    undo_until = models.DateTimeField(_("can be undone until"), null=True)
    # The number of rows in which the name was found or replaced, by the label of the model.
    counts = models.JSONField(default=dict)
    # Pairs of a model's label and an ID: rows that have to be changed by hand, and rows that undoing has left alone.
    by_hand = models.JSONField(default=list)
    left_alone = models.JSONField(default=list)
    # The position of the current pass over the database, the number of rows it has read, and their total.
    cursor = models.JSONField(default=dict)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    # Incremented for each batch, so that only one of several processes handles it.
    step = models.PositiveBigIntegerField(default=0)
    sealed = models.TextField(blank=True)

    class Meta:
        verbose_name = _("withdrawal")
        verbose_name_plural = _("withdrawals")
        default_permissions = ()
        ordering = ("-started_at", "-pk")
        constraints = [
            models.UniqueConstraint(
                models.Case(models.When(models.Q(state__in=ACTIVE_STATES), then=models.Value(1))),
                name="one_active_withdrawal",
            ),
            models.CheckConstraint(condition=models.Q(state__in=WithdrawalState.values), name="withdrawal_state_known"),
        ]

    def __str__(self) -> str:
        return gettext("Withdrawal %(id)s") % {"id": self.pk}

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_STATES

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.total) if self.total else 0


class WithdrawnRow(InternalRow):
    """The former content of a row that a withdrawal has changed or deleted. Backups leave it out.

    `sealed` is encrypted. `digest` is that of the row as the withdrawal left it, so that undoing notices later changes.
    """

    withdrawal = models.ForeignKey(Withdrawal, models.CASCADE, related_name="rows")
    model = models.CharField(max_length=100)
    sealed = models.TextField()
    digest = models.CharField(max_length=64, blank=True)


class GoneUrl(InternalRow):
    """A URL that contained a withdrawn name and returns 410 while that can be undone. Backups leave it out.

    Only a keyed hash of it is stored, and deleted with the rest.
    """

    withdrawal = models.ForeignKey(Withdrawal, models.CASCADE, related_name="gone_urls")
    digest = models.CharField(max_length=64, db_index=True)


class WithdrawalFlags(InternalRow):
    """Whether there is any GoneUrl: read with the site's settings, so that it needs no query for a missing page.

    There is exactly one row (core.apps creates it).
    """

    site = models.OneToOneField(SiteSettings, models.CASCADE, primary_key=True, related_name="withdrawal_flags")
    has_gone_urls = models.BooleanField(default=False)


class CheckResult(InternalRow):
    """The latest result of a slow check of `manage.py doctor`. Backups leave these rows out."""

    name = models.CharField(max_length=50, primary_key=True)
    checked_at = models.DateTimeField()
    # A list of [severity, text, advice] (operations.checks.diagnoses).
    diagnoses = models.JSONField()


class FreeSpace(InternalRow):
    """The free space on the data folder's disk on one day, in bytes. Backups leave these rows out."""

    day = models.DateField(primary_key=True)
    bytes = models.BigIntegerField()
