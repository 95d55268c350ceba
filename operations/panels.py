"""The dashboard's panels for owners about operating the site."""

from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from core.dashboard import Panel
from operations.checks.backups import backups
from operations.checks.diagnoses import NO_OPTIONS, Severity
from operations.checks.outcomes import current_outcomes
from operations.models import BackupRun, RunKind
from operations.worker.failures import failed_kinds

_OWNERS: Final = ("core.change_sitesettings",)


def _backups(request: HttpRequest) -> dict[str, Any]:
    return {
        "made": BackupRun.objects.last_successful(RunKind.BACKUP),
        "proven": BackupRun.objects.last_successful(RunKind.CHECK),
        "diagnoses": [diagnosis for diagnosis in backups(NO_OPTIONS) if diagnosis.severity != Severity.OK],
    }


def _failed_tasks(request: HttpRequest) -> dict[str, Any] | None:
    kinds = failed_kinds()
    return {"kinds": kinds} if kinds else None


def _health(request: HttpRequest) -> dict[str, Any]:
    """Return what `manage.py doctor` reports: the current results of quick checks, and the last ones of slow checks."""
    # Backups have their own panel.
    outcomes = list(current_outcomes(without={"backups"}))
    missing = {outcome.name: outcome.title for outcome in outcomes if not outcome.diagnoses}
    # The worker can't do this check unless the owner has provided a list.
    lacks_advisories = missing.pop("vulnerabilities", None) is not None
    return {
        "outcomes": sorted(
            (outcome for outcome in outcomes if outcome.concerns),
            key=lambda outcome: outcome.severity != Severity.PROBLEM,
        ),
        "missing": list(missing.values()),
        "lacks_advisories": lacks_advisories,
        "fine": sum(bool(outcome.diagnoses) and not outcome.concerns for outcome in outcomes),
    }


FAILED_TASKS: Final = Panel(
    gettext_lazy("Failed tasks"), "admin/operations/_failed_tasks.html", _failed_tasks, _OWNERS, order=1
)
BACKUPS: Final = Panel(gettext_lazy("Backups"), "admin/operations/_backups.html", _backups, _OWNERS, order=5)
HEALTH: Final = Panel(gettext_lazy("Health"), "admin/operations/_health.html", _health, _OWNERS, order=4)
