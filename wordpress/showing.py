"""What the page of an import says about it."""

from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wordpress import imports
from wordpress.folders import Folder
from wordpress.models import Import, State, Step
from wordpress.remarks import Reason
from wordpress.reports import outcome_texts
from wordpress.survey import stage_texts


def headline(found: Import) -> str:
    """In a few words, how it stands."""
    if imports.has_died(found):
        return _("the worker stopped")
    if found.state == State.DONE:
        return _("imported")
    if found.state == State.READY and found.step == Step.TRIAL:
        return _("tried out, waits for you")
    return str(State(found.state).label)


class Shown:
    """An import as its page has it."""

    def __init__(self, found: Import) -> None:
        self.found = found
        self.died = imports.has_died(found)
        self.lacks_worker = imports.lacks_worker(found)
        self.active = imports.is_active(found)
        self._folder = Folder(found.pk)
        self._mark = self._folder.progress() if found.state == State.RUNNING else None
        self.stopping = self.active and self._folder.is_asked_to_stop()

    # While it goes on

    @property
    def situation(self) -> str:
        """Changes when the page has to be made anew."""
        return "-".join([self.found.state, self.found.since.isoformat(), str(self.died), str(self.lacks_worker)])

    @property
    def headline(self) -> str:
        return headline(self.found)

    @property
    def doing(self) -> str:
        """What is being done right now, in words."""
        if self.stopping:
            return _("Being cancelled …")
        if self.found.state == State.WAITING:
            return _("Waiting for the worker …")
        if self._mark is None:
            return _("Beginning …")
        stage = stage_texts().get(self._mark.stage, self._mark.stage)  # type: ignore[call-overload]  # read from a file, it is any text
        if self._mark.stage == "reading":
            return f"{stage}: {self.share} %"
        numbers = {"done": _readable(self._mark.done), "total": _readable(self._mark.total)}
        return f"{stage}: " + _("%(done)s of %(total)s, %(share)d %%") % {**numbers, "share": self.share}

    @property
    def share(self) -> int | None:
        """In percent; None when nothing was told yet."""
        return self._mark.share if self._mark else None

    @property
    def left(self) -> str:
        """How long this stage takes yet, roughly."""
        seconds = self._mark.seconds_left if self._mark and not self.stopping else None
        if seconds is None:
            return ""
        minutes = round(seconds / 60)
        if minutes < 1:
            return _("less than a minute left")
        return ngettext("about %d minute left", "about %d minutes left", minutes) % minutes

    def as_dict(self) -> dict[str, Any]:
        """What the script on the page asks for."""
        return {"situation": self.situation, "doing": self.doing, "share": self.share, "left": self.left}

    # What came of it

    @property
    def problem(self) -> str:
        return imports.death_text() if self.died else self.found.problem

    @property
    def has_files(self) -> bool:
        return bool(self._folder.files())

    @property
    def is_trial(self) -> bool:
        return bool(self.found.report.get("dry_run"))

    @property
    def is_unchanged(self) -> bool:
        """Whether all of it was here already."""
        counts = self.found.report.get("counts", {}).values()
        return not any(by_outcome["imported"] + by_outcome["updated"] for by_outcome in counts)

    @property
    def outcomes(self) -> list[str]:
        return list(outcome_texts().values())

    @property
    def items(self) -> list[tuple[str, str]]:
        """For each type, how many items the files hold."""
        return [(kind, _readable(number)) for kind, number in self.found.found.get("items", {}).items()]

    @property
    def counts(self) -> list[tuple[str, list[str]]]:
        """For each kind, how many had each outcome."""
        counts = self.found.report.get("counts", {})
        return [
            (kind, [_readable(by_outcome[name]) for name in outcome_texts()]) for kind, by_outcome in counts.items()
        ]

    @property
    def remarks(self) -> list[tuple[str, list[Reason], int]]:
        """What was left out and what is different: a heading, the reasons, and the number of remarks beside."""
        headings = {"left_out": _("Left out"), "different": _("Different from the original")}
        said = [(heading, self.found.report.get(name)) for name, heading in headings.items()]
        return [
            (heading, [Reason(**reason) for reason in reasons["shown"]], reasons["more"])
            for heading, reasons in said
            if reasons and reasons["shown"]
        ]

    @property
    def has_whole_report(self) -> bool:
        return self._folder.report.exists()

    @property
    def warnings(self) -> list[str]:
        warnings: list[str] = self.found.report.get("warnings") or self.found.found.get("warnings", [])
        return warnings


def _readable(number: int) -> str:
    return number_format(number, force_grouping=True)
