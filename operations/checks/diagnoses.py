"""The types of checks and their results."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from django.utils.functional import Promise
from django.utils.translation import gettext as _

# How long results stay valid: of a check that runs once a day, and of one that runs when the owner wants it.
DAILY: Final = dt.timedelta(days=2)
MONTHLY: Final = dt.timedelta(days=31)


class Severity(StrEnum):
    OK = "ok"
    # Something should be done soon.
    WARNING = "warning"
    # Something is broken or unsafe now.
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A finding and what to do about it, each in plain sentences."""

    severity: Severity
    text: str
    advice: str = ""

    @classmethod
    def ok(cls, text: str) -> Self:
        return cls(Severity.OK, text)

    @classmethod
    def warning(cls, text: str, advice: str) -> Self:
        return cls(Severity.WARNING, text, advice)

    @classmethod
    def problem(cls, text: str, advice: str) -> Self:
        return cls(Severity.PROBLEM, text, advice)


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What checks do only if the owner asks: send a message, query other servers, read a list of vulnerabilities."""

    mail: bool = False
    online: bool = False
    advisories: str = ""


# For checks that run on their own.
NO_OPTIONS: Final = CheckOptions()


@dataclass(frozen=True, slots=True)
class Check:
    """A check of the site. `find` yields its findings; nothing if it could not be done this time.

    A check that is `valid_for` some time is too slow for the dashboard, which shows its last results. All others run
    whenever the dashboard is shown, within a few queries.
    """

    title: str | Promise
    find: Callable[[CheckOptions], Iterable[Diagnosis]]
    valid_for: dt.timedelta | None = None


def folder_advice(folder: Path) -> str:
    """Return what to do if nothing can be written to a folder of the site."""
    return _(
        "Check that the disk is neither full nor read-only, and that the user of the site can write to %(folder)s. "
        "If a command was run as root, “chown -R broadside: %(folder)s” gives the files back."
    ) % {"folder": folder}
