"""What a check is, and what it finds."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from django.utils.functional import Promise

# How long the result of a check is worth showing that runs once a day, or when the owner wants it.
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
    """What was found, and what to do about it, each in plain sentences."""

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
class Wishes:
    """What the owner asked for: to send a message, to ask other servers, or to read a list of vulnerabilities."""

    mail: bool = False
    online: bool = False
    advisories: str = ""


# Of what needs no asking.
NO_WISHES: Final = Wishes()


@dataclass(frozen=True, slots=True)
class Check:
    """Something to check about the site. `find` yields what it found; nothing if it could not look this time.

    A check that is `valid_for` some time is too slow for the dashboard, which shows what was found last. All others
    run whenever the dashboard is shown, within a few queries.
    """

    title: str | Promise
    find: Callable[[Wishes], Iterable[Diagnosis]]
    valid_for: dt.timedelta | None = None
