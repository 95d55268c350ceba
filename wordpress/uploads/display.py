"""The content of an import job's page."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from wordpress.importing.analysis import stage_texts
from wordpress.importing.checklist import CHANGE_SETTINGS, checklist, setting_labels
from wordpress.importing.report import OldBlog, Outcome, Reason, kind_label
from wordpress.models import ACTIVE_STATES, FileState, ImportJob, Job, JobState, JobStep
from wordpress.uploads import lifecycle
from wordpress.uploads.folder import JobFolder, StageProgress


def state_label(job: ImportJob) -> str:
    """Return the state of the job in a few words."""
    if lifecycle.has_died(job):
        return _("The worker stopped")
    if job.state == JobState.READY and job.step == JobStep.PREVIEW:
        return _("Preview complete, ready to import")
    if job.state == JobState.READY and job.step == JobStep.UNDO:
        return str(JobState.UNDONE.label)
    return str(JobState(job.state).label)


def job_progress(job: Job) -> dict[str, Any]:
    """Return what the job is doing right now, for the page and its script.

    `version` changes whenever the page must be reloaded. `percent` is None while it is unknown.
    """
    folder = JobFolder(job.pk)
    progress = folder.read_progress() if job.state == JobState.RUNNING else None
    parts = (job.state, job.state_since.isoformat(), lifecycle.has_died(job), lifecycle.lacks_worker(job))
    time_left = ""
    if folder.is_cancel_requested():
        activity = _("Cancelling…")
    elif job.state == JobState.WAITING:
        activity = _("Waiting for the worker…")
    elif progress is None:
        activity = _("Starting…")
    else:
        activity, time_left = _activity(progress), _time_left(progress.seconds_left)
    return {
        "version": "-".join(map(str, parts)),
        "activity": activity,
        "percent": progress.percent if progress else None,
        "time_left": time_left,
    }


def job_display(job: ImportJob, user: User | AnonymousUser) -> dict[str, Any]:
    """Return the template context for a job and its report, as shown to `user`. Numbers are formatted."""
    folder, report = JobFolder(job.pk), job.report
    has_died = lifecycle.has_died(job)
    counts, removed = report.get("counts", {}), report.get("removed")
    states, taken = report.get("file_states", {}), report.get("taken_settings", {})
    headings = {
        "skipped": _("Skipped"),
        "notes": _("Changed during the import"),
        "missing_files": _("Files that are missing from texts"),
        "kept": _("Kept"),
    }
    remarks = [(heading, report[name]) for name, heading in headings.items() if name in report]
    return {
        **job_progress(job),
        "is_active": job.state in ACTIVE_STATES and not has_died,
        "is_cancelling": folder.is_cancel_requested(),
        "lacks_worker": lifecycle.lacks_worker(job),
        "state_label": state_label(job),
        "error": lifecycle.death_message(job) if has_died else job.error,
        "has_files": bool(folder.files()),
        "can_undo": lifecycle.can_undo(job),
        "has_full_report": folder.report.exists(),
        "items": _by_label(job.contents.get("items", {})),
        "outcomes": [outcome.label for outcome in Outcome],
        "counts": [
            (kind_label(kind), [_number(some[outcome]) for outcome in Outcome]) for kind, some in counts.items()
        ],
        # Whether everything had already been imported.
        "is_unchanged": not any(some["imported"] + some["updated"] for some in counts.values()) and not taken,
        "taken_settings": setting_labels(taken),
        "checklist": _checklist(job, user),
        "file_states": _formatted({str(FileState(name).label): count for name, count in states.items() if count}),
        "other_hosts": _formatted(report.get("other_hosts", {})),
        # None if the import was not undone.
        "removed": None if removed is None else _by_label(removed),
        # Tuples of a heading, the most frequent reasons, and the number of other items.
        "remarks": [
            (heading, [Reason(**reason) for reason in reasons["shown"]], reasons["more"])
            for heading, reasons in remarks
            if reasons["shown"]
        ],
    }


def _activity(progress: StageProgress) -> str:
    labels: dict[Any, str] = {**stage_texts(), "exporting": _("Exporting"), "packing": _("Packing the files")}
    stage = labels.get(progress.stage, progress.stage)
    if progress.stage == "reading":
        return f"{stage}: {progress.percent}%"
    counts = {"done": _number(progress.done), "total": _number(progress.total)}
    return f"{stage}: " + _("%(done)s of %(total)s (%(percent)d%%)") % {**counts, "percent": progress.percent}


def _time_left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    if minutes < 1:
        return _("less than a minute left")
    return ngettext("about %d minute left", "about %d minutes left", minutes) % minutes


def old_blog(job: ImportJob) -> OldBlog | None:
    """Return the blog that the job has imported; None until the import is complete, and after undoing it."""
    blog = job.report.get("blog")
    return OldBlog(**blog) if blog and not job.report["dry_run"] else None


def _checklist(job: ImportJob, user: User | AnonymousUser) -> list[dict[str, Any]]:
    """Return the checklist with the actions that `user` may take on each point."""
    blog = old_blog(job)
    return [
        {
            "point": point,
            "link": point.link if point.link and _may(user, point.link.permission) else None,
            "offers_settings": point.offers_settings and _may(user, CHANGE_SETTINGS),
        }
        for point in (checklist(blog) if blog else ())
    ]


def _may(user: User | AnonymousUser, permission: str) -> bool:
    return not permission or user.has_perm(permission)


def _by_label(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(kind_label(kind), _number(count)) for kind, count in counts.items()]


def _formatted(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(kind, _number(count)) for kind, count in counts.items()]


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)
