"""What is known about running the site: backups, workers, schedule, checks, names that were withdrawn."""

import datetime as dt
from typing import Final, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.models import SiteSettings

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

    def complete(self) -> Self:
        """Return the runs after which there was a new backup, also if it could not take the place of older ones."""
        return self.filter(models.Q(error="") | ~models.Q(backup=""))


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


class WithdrawalState(models.TextChoices):
    """How far a withdrawal is. At most one is active at a time: searching, running or undoing."""

    SEARCHING = "searching", _("Looking for the name")
    FOUND = "found", _("Ready to preview")
    RUNNING = "running", _("Replacing the name")
    DONE = "done", _("Withdrawn")
    UNDOING = "undoing", _("Undoing")
    UNDONE = "undone", _("Undone")
    # What undoing it takes, and the name itself, have been deleted.
    FINAL = "final", _("Withdrawn for good")


ACTIVE_STATES = (WithdrawalState.SEARCHING, WithdrawalState.RUNNING, WithdrawalState.UNDOING)


class Withdrawal(models.Model):
    """A name that is, or was, replaced everywhere on the site (operations.withdrawals). Backups leave it out.

    `sealed` is encrypted: the spellings of the name, and what was found. Everything else says nothing about the name,
    and is kept as the record that something was withdrawn, by whom, when, and how much.
    """

    state = models.CharField(_("state"), max_length=9, choices=WithdrawalState, default=WithdrawalState.SEARCHING)
    started_by = models.ForeignKey(
        User, models.SET_NULL, null=True, related_name="+", verbose_name=_("started by"), editable=False
    )
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    # When it was carried out; None before.
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True)
    undo_until = models.DateTimeField(_("can be undone until"), null=True)
    # By the label of the model: in how many of its rows the name was found or replaced.
    counts = models.JSONField(default=dict)
    # Pairs of a model's label and an ID: what still has to be changed by hand, and what undoing has left alone.
    by_hand = models.JSONField(default=list)
    left_alone = models.JSONField(default=list)
    # Where the current pass over the database is, and how many rows it has read of how many.
    cursor = models.JSONField(default=dict)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    # Grows with each batch, so that only one of several processes does it.
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


class WithdrawnRow(models.Model):
    """What a row of the database contained before a withdrawal changed or deleted it. Backups leave it out.

    `sealed` is encrypted. `digest` is that of what the withdrawal left, so that undoing it notices later changes.
    """

    withdrawal = models.ForeignKey(Withdrawal, models.CASCADE, related_name="rows")
    model = models.CharField(max_length=100)
    sealed = models.TextField()
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.withdrawal_id}: {self.model}"


class GoneUrl(models.Model):
    """A URL with a withdrawn name in it, which is answered 410 while that can be undone. Backups leave it out.

    Only a keyed hash of it is stored, and deleted with the rest.
    """

    withdrawal = models.ForeignKey(Withdrawal, models.CASCADE, related_name="gone_urls")
    digest = models.CharField(max_length=64, db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.digest


class WithdrawalFlags(models.Model):
    """Whether any URL is gone: read with the site's settings, so that a missing page takes no query for it.

    There is exactly one row (core.apps creates it).
    """

    site = models.OneToOneField(SiteSettings, models.CASCADE, primary_key=True, related_name="withdrawal_flags")
    has_gone_urls = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.has_gone_urls)


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
