"""Dates and times as readers see them, in the format of the site's language.

American English, the default, has the wording of WordPress, where Django's own format would shorten the month.
"""

import datetime as dt
from typing import Final

from django.utils.formats import date_format
from django.utils.translation import get_language

_AMERICAN: Final = frozenset({"en", "en-us"})


def format_day(day: dt.date, *, ordinal: bool = False) -> str:
    """Return a day: `October 22, 2019`, or with `ordinal` in American English `October 22nd, 2019`."""
    return _format(day, "DATE_FORMAT", "F jS, Y" if ordinal else "F j, Y")


def format_month(month: dt.date, *, comma: bool = False) -> str:
    """Return a month: `October 2019`, or with `comma` in American English `October, 2019`."""
    return _format(month, "YEAR_MONTH_FORMAT", "F, Y" if comma else "F Y")


def format_time(time: dt.datetime) -> str:
    """Return a time of day: `1:53 pm`. The caller converts it to the site's time zone."""
    return _format(time, "TIME_FORMAT", "g:i A").lower()


def _format(value: dt.date, name: str, american: str) -> str:
    return date_format(value, american if get_language() in _AMERICAN else name)
