"""Running checks, and remembering what the slow ones found."""

import datetime as dt
import logging
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import DatabaseError, OperationalError, ProgrammingError, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from operations.checks.catalogue import CHECKS
from operations.checks.diagnoses import NO_WISHES, Check, Diagnosis, Severity, Wishes
from operations.models import CheckResult, FreeSpace
from operations.scrubbing import describe

_log = logging.getLogger(__name__)

# How long the free space of each day is kept, from which the day is estimated when the disk will be full.
_KEPT: Final = dt.timedelta(days=60)
# Of PostgreSQL: a table or a column does not exist.
_MISSING_CODES: Final = {"42P01", "42703"}
# The worst first.
_ORDER: Final = {Severity.PROBLEM: 0, Severity.WARNING: 1, Severity.OK: 2}


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What a check found, and when: `checked_at` is None if it was just now, or never."""

    name: str
    title: str | Promise
    diagnoses: tuple[Diagnosis, ...]
    checked_at: dt.datetime | None = None

    @property
    def severity(self) -> Severity:
        """The worst that was found."""
        return min((diagnosis.severity for diagnosis in self.diagnoses), key=_ORDER.__getitem__, default=Severity.OK)

    @property
    def concerns(self) -> list[Diagnosis]:
        """What should be dealt with."""
        return [diagnosis for diagnosis in self.diagnoses if diagnosis.severity != Severity.OK]


def run_checks(
    names: Collection[str] = (), wishes: Wishes = NO_WISHES, *, remember: bool = False
) -> Iterator[CheckOutcome]:
    """Run all checks, or those of these names, and yield their outcomes. With `remember`, the dashboard shows them.

    A check that could not look this time, such as one that may not ask other servers, has the outcome of the last time.
    """
    found: dict[str, tuple[Diagnosis, ...]] = {}
    for name, check in CHECKS.items():
        if names and name not in names:
            continue
        diagnoses = _run(check, wishes)
        if not diagnoses:
            yield _remembered(name, check, _read_results().get(name))
            continue
        if check.valid_for:
            found[name] = diagnoses
        yield CheckOutcome(name, check.title, diagnoses)
    if remember:
        _remember(found)


def current_outcomes(without: Collection[str] = ()) -> Iterator[CheckOutcome]:
    """Run the quick checks, and yield their outcomes with those of the slow ones when they ran last."""
    remembered = _read_results()
    for name, check in CHECKS.items():
        if name in without:
            continue
        if check.valid_for:
            yield _remembered(name, check, remembered.get(name))
        else:
            yield CheckOutcome(name, check.title, _run(check, NO_WISHES))


def _run(check: Check, wishes: Wishes) -> tuple[Diagnosis, ...]:
    try:
        return tuple(check.find(wishes))
    except (ProgrammingError, OperationalError) as error:
        if not _is_table_missing(error):
            return (_failed(error),)
        text = _("This could not be checked, because the database is not up to date.")
        return (Diagnosis.warning(text, _("First do what the check “Migrations” says.")),)
    except Exception as error:  # noqa: BLE001  a check that fails must not hide what the others find
        return (_failed(error),)


def _failed(error: Exception) -> Diagnosis:
    return Diagnosis.problem(
        _("This could not be checked: %s") % describe(error),
        _("Look at the log: “journalctl -u 'broadside*'”. If it doesn't help, please report this."),
    )


def _is_table_missing(error: DatabaseError) -> bool:
    """Whether a table or column is not there. Only texts tell that from other errors of SQLite."""
    code = getattr(error.__cause__, "sqlstate", None)
    return code in _MISSING_CODES or str(error).startswith(("no such table", "no such column"))


def _read_results() -> dict[str, CheckResult]:
    """Return what slow checks found last, by their names. Without the database, that is nothing."""
    try:
        return CheckResult.objects.in_bulk()
    except DatabaseError:
        # Other checks say so.
        return {}


def _remembered(name: str, check: Check, row: CheckResult | None) -> CheckOutcome:
    """Return what a check found last; nothing if that is too long ago."""
    if row is None or check.valid_for is None or row.checked_at < timezone.now() - check.valid_for:
        return CheckOutcome(name, check.title, ())
    diagnoses = tuple(Diagnosis(Severity(severity), text, advice) for severity, text, advice in row.diagnoses)
    return CheckOutcome(name, check.title, diagnoses, row.checked_at)


def _remember(found: Mapping[str, tuple[Diagnosis, ...]]) -> None:
    """Store what slow checks found, and how much space is free today."""
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
        # Other checks say so.
        _log.warning("What was found could not be stored: %s", error)
