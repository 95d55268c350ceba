"""Dates and times as readers see them, in the format of the site's language.

American English, the default, uses the formats of WordPress; Django's own would abbreviate the month.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

from django.utils import timezone
from django.utils.formats import date_format, get_format
from django.utils.timesince import timesince, timeuntil
from django.utils.timezone import localtime
from django.utils.translation import get_language, npgettext, npgettext_lazy, pgettext

_AMERICAN: Final = frozenset({"en", "en-us"})
# Returns the date format that the site has chosen, in Django's format characters; empty for the language's own.
_day_format: Final[ContextVar[Callable[[], str]]] = ContextVar("day_format", default=str)


@contextmanager
def chosen_day_format(choose: Callable[[], str]) -> Iterator[None]:
    """Use the date format that `choose` returns, in this thread. It is called only if a date is formatted."""
    token = _day_format.set(choose)
    try:
        yield
    finally:
        _day_format.reset(token)


def format_day(day: dt.date, *, ordinal: bool = False) -> str:
    """Return a day: `October 22, 2019`, or with `ordinal` in American English `October 22nd, 2019`.

    If the site has chosen a format, that one is used.
    """
    # The result doesn't depend on the time, so it is not part of the cache key.
    day = day.date() if isinstance(day, dt.datetime) else day
    if chosen := _day_format.get()():
        chosen = _inflect_month(chosen)
        return _format_in(get_language(), day, chosen, chosen)
    return _format(day, "DATE_FORMAT", "F jS, Y" if ordinal else "F j, Y")


def format_month(month: dt.date, *, comma: bool = False) -> str:
    """Return a month: `October 2019`, or with `comma` in American English `October, 2019`."""
    return _format(month, "YEAR_MONTH_FORMAT", "F, Y" if comma else "F Y")


def format_month_name(month: dt.date) -> str:
    """Return a month without its year: `October`."""
    return _format_in(get_language(), month, "F", "F")


def format_time(time: dt.datetime) -> str:
    """Return a time of day: `1:53 pm`. The caller converts it to the site's time zone."""
    # The result depends only on the hour and minute, so only these are in the cache key.
    time = time.replace(year=2000, month=1, day=1, second=0, microsecond=0, tzinfo=None)
    return _format(time, "TIME_FORMAT", "g:i A").lower()


def format_time_and_zone(time: dt.datetime) -> str:
    """Return a time of day of the site's time zone, for people who may be in another: `1:53 pm UTC+02:00`."""
    local = localtime(time)
    return f"{format_time(local)} UTC{f'{local:%:z}' if local.utcoffset() else ''}"


def format_datetime(time: dt.datetime) -> str:
    """Return a day and a time of day for staff: `Thu 3 December, 08:00`, with the year unless it is this one.

    The time is shown in the site's time zone.
    """
    return _format_datetime(time, "H:i")


def format_datetime_with_seconds(time: dt.datetime) -> str:
    """Return a day and a time of day for staff that tells versions of the same minute apart."""
    return _format_datetime(time, "H:i:s")


def _format_datetime(time: dt.datetime, time_format: str) -> str:
    local = localtime(time)
    day = _day_for_staff(get_language(), with_year=local.year != localtime().year)
    separator = pgettext("between the items of a list", ", ")
    return f"{date_format(local, f'D {day}')}{separator}{date_format(local, time_format)}"


def format_day_for_staff(day: dt.date) -> str:
    """Return a day for staff: `3 December 2026`."""
    return date_format(day, _day_for_staff(get_language(), with_year=True))


def _day_for_staff(language: str | None, *, with_year: bool) -> str:
    """Return the date format for staff in `language`, which is the active language."""
    if language in _AMERICAN:
        return "j F Y" if with_year else "j F"
    return str(get_format("DATE_FORMAT")) if with_year else _inflect_month(str(get_format("MONTH_DAY_FORMAT")))


def _inflect_month(name: str) -> str:
    """Return a format with the month in the grammatical case that follows a day, in languages with cases."""
    return name.replace("F", "E") if "E" in str(get_format("DATE_FORMAT")) else name


# The units of `timesince`, with a context: in some languages, they have another case in such phrases than on their own.
_UNITS: Final[Any] = {
    "year": npgettext_lazy("in “for …”, “in …” and “… ago”", "%(num)d year", "%(num)d years", "num"),
    "month": npgettext_lazy("in “for …”, “in …” and “… ago”", "%(num)d month", "%(num)d months", "num"),
    "week": npgettext_lazy("in “for …”, “in …” and “… ago”", "%(num)d week", "%(num)d weeks", "num"),
    "day": npgettext_lazy("in “for …”, “in …” and “… ago”", "%(num)d day", "%(num)d days", "num"),
    "hour": npgettext_lazy("in “for …”, “in …” and “… ago”", "%(num)d hour", "%(num)d hours", "num"),
    "minute": npgettext_lazy("in “for …”, “in …” and “… ago”", "%(num)d minute", "%(num)d minutes", "num"),
}


def time_since(time: dt.datetime, *, depth: int = 2) -> str:
    """Return how long ago `time` was, in its largest units, for a sentence such as “3 days, 2 hours ago”."""
    seconds = int((timezone.now() - time).total_seconds())
    if seconds < 60:
        seconds = max(1, seconds)
        text = npgettext("in “for …”, “in …” and “… ago”", "%(n)d second", "%(n)d seconds", seconds)
        return text % {"n": seconds}
    return timesince(time, time_strings=_UNITS, depth=depth)


def time_until(time: dt.datetime) -> str:
    """Return how long it is until `time`, in its largest units, for a sentence such as “in 3 days, 2 hours”."""
    return timeuntil(time, time_strings=_UNITS)


def _format(value: dt.date, name: str, american: str) -> str:
    return _format_in(get_language(), value, name, american)


@lru_cache(maxsize=1024)
def _format_in(language: str | None, value: dt.date, name: str, american: str) -> str:
    """Return the formatted date in `language`, the active language. Cached, because pages repeat many dates."""
    return date_format(value, american if language in _AMERICAN else name)
