"""Running checks, and storing the results of the slow ones."""

import datetime as dt
import logging
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import DatabaseError, OperationalError, ProgrammingError, connection, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from core.outages import is_outage
from operations.checks.catalogue import CHECKS
from operations.checks.diagnoses import NO_OPTIONS, Check, CheckOptions, Diagnosis, Severity, folder_advice
from operations.models import CheckResult, FreeSpace
from operations.scrubbing import describe

_log = logging.getLogger(__name__)

# How long the free space of each day is kept, which serves to estimate when the disk will be full.
_KEPT: Final = dt.timedelta(days=60)
# PostgreSQL's codes for a table or column that does not exist.
_MISSING_CODES: Final = {"42P01", "42703"}
# The worst first.
_ORDER: Final = {Severity.PROBLEM: 0, Severity.WARNING: 1, Severity.OK: 2}


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """The findings of a check. `checked_at` is None if it was run just now or never."""

    name: str
    title: str | Promise
    diagnoses: tuple[Diagnosis, ...]
    checked_at: dt.datetime | None = None

    @property
    def severity(self) -> Severity:
        """The worst severity that was found."""
        return min((diagnosis.severity for diagnosis in self.diagnoses), key=_ORDER.__getitem__, default=Severity.OK)

    @property
    def concerns(self) -> list[Diagnosis]:
        """The findings that need action."""
        return [diagnosis for diagnosis in self.diagnoses if diagnosis.severity != Severity.OK]


def run_checks(
    names: Collection[str] = (), options: CheckOptions = NO_OPTIONS, *, remember: bool = False
) -> Iterator[CheckOutcome]:
    """Run all checks, or those with these names, and yield their outcomes. With `remember`, the dashboard shows them.

    A check that can't be done this time, such as one that may not query other servers, has its previous outcome.
    """
    found: dict[str, tuple[Diagnosis, ...]] = {}
    for name, check in CHECKS.items():
        if names and name not in names:
            continue
        diagnoses = _run(check, options)
        if not diagnoses:
            yield _remembered(name, check, _read_results().get(name))
            continue
        if check.valid_for:
            found[name] = diagnoses
        yield CheckOutcome(name, check.title, diagnoses)
    if remember:
        _remember(found)


def current_outcomes(without: Collection[str] = ()) -> Iterator[CheckOutcome]:
    """Run the quick checks, and yield their outcomes along with the last ones of the slow checks."""
    remembered = _read_results()
    for name, check in CHECKS.items():
        if name in without:
            continue
        if check.valid_for:
            yield _remembered(name, check, remembered.get(name))
        else:
            yield CheckOutcome(name, check.title, _run(check, NO_OPTIONS))


def _run(check: Check, options: CheckOptions) -> tuple[Diagnosis, ...]:
    try:
        return tuple(check.find(options))
    except (ProgrammingError, OperationalError) as error:
        if not _is_table_missing(error):
            return (_failed(error),)
        text = _("This could not be checked, because the database is not up to date.")
        return (Diagnosis.warning(text, _("First follow the advice of the check “Migrations”.")),)
    except Exception as error:  # noqa: BLE001  a check that fails must not hide what the others find
        return (_failed(error),)


def _failed(error: Exception) -> Diagnosis:
    if not (isinstance(error, DatabaseError) and is_outage(error)):
        advice = _("Check the log: “journalctl -u 'broadside*'”. If that doesn't help, please report this.")
    elif connection.vendor == "sqlite":
        advice = folder_advice(settings.DATA_DIR)
    else:
        advice = _(
            "Check that the PostgreSQL server is running, has room on its disk and accepts changes, and check "
            "DATABASE_URL."
        )
    return Diagnosis.problem(_("This could not be checked: %s") % describe(error), advice)


def _is_table_missing(error: DatabaseError) -> bool:
    """Whether a table or column does not exist. With SQLite, only the message tells this from other errors."""
    code = getattr(error.__cause__, "sqlstate", None)
    return code in _MISSING_CODES or str(error).startswith(("no such table", "no such column"))


def _read_results() -> dict[str, CheckResult]:
    """Return the last results of slow checks, by name. Without the database, there are none."""
    try:
        return CheckResult.objects.in_bulk()
    except DatabaseError:
        # Other checks report this.
        return {}


def _remembered(name: str, check: Check, row: CheckResult | None) -> CheckOutcome:
    """Return what a check found last, without findings if that is too long ago."""
    if row is None or check.valid_for is None or row.checked_at < timezone.now() - check.valid_for:
        return CheckOutcome(name, check.title, ())
    diagnoses = tuple(Diagnosis(Severity(severity), text, advice) for severity, text, advice in row.diagnoses)
    return CheckOutcome(name, check.title, diagnoses, row.checked_at)


def _remember(found: Mapping[str, tuple[Diagnosis, ...]]) -> None:
    """Store the results of slow checks, and the free space of today."""
    now, today = timezone.now(), timezone.localdate()
    try:
        with transaction.atomic():
            for name, diagnoses in found.items():
                rows = [[diagnosis.severity.value, diagnosis.text, diagnosis.advice] for diagnosis in diagnoses]
                CheckResult.objects.update_or_create(name=name, defaults={"diagnoses": rows, "checked_at": now})
            free = shutil.disk_usage(settings.DATA_DIR).free
            FreeSpace.objects.update_or_create(day=today, defaults={"bytes": free})
            FreeSpace.objects.filter(day__lt=today - _KEPT).delete()
    except DatabaseError as error:
        # Other checks report this.
        _log.warning("The results of the checks could not be stored: %s", error)
