"""What the page of an import job shows."""

from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wordpress.importing.analysis import stage_texts
from wordpress.importing.report import Reason, outcome_texts
from wordpress.models import ImportJob, JobState, JobStep
from wordpress.uploads import lifecycle
from wordpress.uploads.folder import JobFolder


def state_label(job: ImportJob) -> str:
    """Return the state of the job in a few words."""
    if lifecycle.has_died(job):
        return _("The worker stopped")
    if job.state == JobState.READY and job.step == JobStep.PREVIEW:
        return _("Preview complete, ready to import")
    if job.state == JobState.READY and job.step == JobStep.UNDO:
        return str(JobState.UNDONE.label)
    return str(JobState(job.state).label)


class JobDisplay:
    """An import job as its page shows it."""

    def __init__(self, job: ImportJob) -> None:
        self.job = job
        self.has_died = lifecycle.has_died(job)
        self.lacks_worker = lifecycle.lacks_worker(job)
        self.is_active = lifecycle.is_active(job)
        self._folder = JobFolder(job.pk)
        self._progress = self._folder.read_progress() if job.state == JobState.RUNNING else None
        self.is_cancelling = self.is_active and self._folder.is_cancel_requested()

    # While it is active

    @property
    def version(self) -> str:
        """A string that changes whenever the page must be loaded again."""
        parts = (self.job.state, self.job.state_since.isoformat(), str(self.has_died), str(self.lacks_worker))
        return "-".join(parts)

    @property
    def state_label(self) -> str:
        return state_label(self.job)

    @property
    def activity(self) -> str:
        """What is being done right now."""
        if self.is_cancelling:
            return _("Cancelling…")
        if self.job.state == JobState.WAITING:
            return _("Waiting for the worker…")
        if self._progress is None:
            return _("Starting…")
        stage = stage_texts().get(self._progress.stage, self._progress.stage)  # type: ignore[call-overload]  # read from a file, it is any text
        if self._progress.stage == "reading":
            return f"{stage}: {self.percent}%"
        counts = {"done": _formatted(self._progress.done), "total": _formatted(self._progress.total)}
        return f"{stage}: " + _("%(done)s of %(total)s (%(percent)d%%)") % {**counts, "percent": self.percent}

    @property
    def percent(self) -> int | None:
        """How much of the stage is done; None if that is not known yet."""
        return self._progress.percent if self._progress else None

    @property
    def time_left(self) -> str:
        """Roughly how long the stage will still take."""
        seconds = self._progress.seconds_left if self._progress and not self.is_cancelling else None
        if seconds is None:
            return ""
        minutes = round(seconds / 60)
        if minutes < 1:
            return _("less than a minute left")
        return ngettext("about %d minute left", "about %d minutes left", minutes) % minutes

    def as_dict(self) -> dict[str, Any]:
        """What the script on the page asks for."""
        return {
            "version": self.version,
            "activity": self.activity,
            "percent": self.percent,
            "time_left": self.time_left,
        }

    # The result

    @property
    def error(self) -> str:
        return lifecycle.death_message(self.job) if self.has_died else self.job.error

    @property
    def has_files(self) -> bool:
        return bool(self._folder.files())

    @property
    def is_preview(self) -> bool:
        return bool(self.job.report.get("dry_run"))

    @property
    def is_unchanged(self) -> bool:
        """Whether everything had been imported before."""
        counts = self.job.report.get("counts", {}).values()
        return not any(by_outcome["imported"] + by_outcome["updated"] for by_outcome in counts)

    @property
    def items(self) -> list[tuple[str, str]]:
        """The number of items of each type that the files contain."""
        return [(kind, _formatted(count)) for kind, count in self.job.contents.get("items", {}).items()]

    @property
    def outcomes(self) -> list[str]:
        return list(outcome_texts().values())

    @property
    def counts(self) -> list[tuple[str, list[str]]]:
        """For each kind, the number of items with each outcome."""
        counts = self.job.report.get("counts", {})
        return [
            (kind, [_formatted(by_outcome[outcome]) for outcome in outcome_texts()])
            for kind, by_outcome in counts.items()
        ]

    @property
    def can_undo(self) -> bool:
        return lifecycle.can_undo(self.job)

    @property
    def removed(self) -> list[tuple[str, str]] | None:
        """For each kind, how many objects were removed when the import was undone; None if it was not."""
        removed = self.job.report.get("removed")
        return None if removed is None else [(kind, _formatted(count)) for kind, count in removed.items()]

    @property
    def remarks(self) -> list[tuple[str, list[Reason], int]]:
        """What was skipped, changed or kept: a heading, the most frequent reasons, and the number of other items."""
        headings = {"skipped": _("Skipped"), "notes": _("Changed during the import"), "kept": _("Kept")}
        sections = [(heading, self.job.report.get(name)) for name, heading in headings.items()]
        return [
            (heading, [Reason(**reason) for reason in reasons["shown"]], reasons["more"])
            for heading, reasons in sections
            if reasons and reasons["shown"]
        ]

    @property
    def has_full_report(self) -> bool:
        return self._folder.report.exists()

    @property
    def warnings(self) -> list[str]:
        source = self.job.report or self.job.contents
        warnings: list[str] = source.get("warnings", [])
        return warnings


def _formatted(count: int) -> str:
    return number_format(count, force_grouping=True)
