"""Dates from the values in an export. Those that can be read in two ways, such as `3/4/2019`, are not read."""

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

from django.utils import timezone

# At the end of a date, or before a time zone.
_TIME: Final = (
    r"(?:(?:T|,? (?:at )?)(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.\d+)?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\b)?|$)"
)
_WEEKDAY: Final = r"(?:(?:Mon|Tues?|Wed|Wednes|Thu|Thurs?|Fri|Sat|Satur|Sun)(?:day)?,? )?"
_DATES: Final = tuple(
    re.compile(pattern + _TIME, re.ASCII)
    for pattern in (
        # WordPress's databases can't store years before 1000, so anything earlier is not a date.
        r"(?P<year>[1-9]\d{3})(?P<separator>[-/.])(?P<month>\d{1,2})(?P=separator)(?P<day>\d{1,2})",
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>[1-9]\d{3})",
        # Either the day or the month comes first.
        r"(?P<either>\d{1,2})(?P<separator>[-/])(?P<other>\d{1,2})(?P=separator)(?P<year>[1-9]\d{3})",
        # Also the formats of JavaScript and RSS.
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[ -](?P<name>[A-Za-z]+)\.?,?[ -](?P<year>[1-9]\d{{3}})",
        rf"{_WEEKDAY}(?P<name>[A-Za-z]+)\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>[1-9]\d{{3}})",
    )
)
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MONTH_NUMBERS: Final = {
    name: number
    for number, whole in enumerate(_MONTHS, start=1)
    for name in (whole.lower(), whole[:3].lower(), *(["sept"] if whole == "September" else []))
}
# The time zone that other programs write after the time, unlike WordPress.
_ZONE: Final = re.compile(
    r":[0-9]{2}(?:\.[0-9]{1,9})?(?: ?[AaPp]\.?[Mm]\.?)? ?"
    r"(?:Z|GMT|UTC|(?:GMT|UTC)?(?P<sign>[+-])(?P<h>[01][0-9]|2[0-3])(?::?(?P<min>[0-5][0-9]))?)(?: \([^()]*\))?$"
)
# WordPress writes the year -0001 if there is no date. Years of two digits are those of RFC 822.
_RSS_DATE: Final = re.compile(r"\s*(?:[A-Za-z]+,\s*)?\d{1,2}\s+[A-Za-z]{3}\s+(?:(?:19|20)\d\d|\d\d)\s", re.ASCII)
# What stands for no date at all: words, zeros, and the first years of the calendars of MySQL, PHP and .NET.
_MISSING: Final = re.compile(r"[^1-9]*|(?:.*[ /])?-?000[01](?:[- ].*)?")
# In characters. No date is longer, even with the name of its time zone.
_MAX_LENGTH: Final = 200


# Cached because most records repeat the same date several times.
@lru_cache(maxsize=256)
def parse_date(text: str) -> dt.datetime | None:
    """Return the naive datetime in `text`, without converting time zones, or None."""
    text = _as_line(text)
    found = next((match.groupdict() for pattern in _DATES if (match := pattern.match(text))), None)
    if found is None:
        return None
    day, month = found.get("day"), found.get("month") or _MONTH_NUMBERS.get(str(found.get("name")).lower())
    if either := found.get("either"):
        day, month = _day_and_month(int(either), int(found["other"]))
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if half := found["half"]:
        hour = hour % 12 + (12 if half in "Pp" else 0)
    try:
        return dt.datetime(int(found["year"]), int(month or 0), int(day or 0), hour, minute, second)  # noqa: DTZ001  # the export has naive dates
    except ValueError:
        return None


def is_unclear(text: str) -> bool:
    """Return whether `text` stands for a date, but not one that can be read with certainty."""
    return parse_date(text) is None and not _MISSING.fullmatch(_as_line(text))


def _as_line(text: str) -> str:
    """Return `text` with single spaces, without those around it."""
    return " ".join(text.strip()[:_MAX_LENGTH].split())


def _day_and_month(first: int, second: int) -> tuple[int, int]:
    """Return the day and the month of a date such as `3/14/2019`; zeros if it can be read in two ways."""
    if first == second or first > 12 >= second:
        return first, second
    return (second, first) if second > 12 >= first else (0, 0)


def parse_rss_date(text: str) -> dt.datetime | None:
    """Return the naive UTC datetime of the date of a feed, the only kind that some programs export, or None.

    It is one of RSS, or one that names its time zone.
    """
    if exact := exact_time(text):
        return exact.replace(tzinfo=None)
    try:
        value = parsedate_to_datetime(text.strip()) if _RSS_DATE.match(text) else None
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value and value.tzinfo else value
    except (ValueError, OverflowError):
        return None


def exact_time(text: str) -> dt.datetime | None:
    """Return the UTC datetime of a date that names its time zone or UTC offset; None for any other text."""
    zone = _ZONE.search(_as_line(text))
    date = parse_date(text) if zone else None
    if zone is None or date is None:
        return None
    offset = dt.timedelta(hours=int(zone["h"] or 0), minutes=int(zone["min"] or 0))
    return checked_utc(date.replace(tzinfo=dt.timezone(-offset if zone["sign"] == "-" else offset)))


def aware_datetime(local: dt.datetime | None, utc: dt.datetime | None = None) -> dt.datetime | None:
    """Return the naive time `local` in this site's time zone, or else the naive time `utc`, as a UTC datetime.

    None if there is neither, or if the result is out of range.
    """
    if local is not None:
        return checked_utc(timezone.make_aware(local, timezone.get_default_timezone()))
    return checked_utc(utc.replace(tzinfo=dt.UTC)) if utc is not None else None


def checked_utc(value: dt.datetime) -> dt.datetime | None:
    """Return `value` in UTC, or None if that or the local time, which pages show, is out of range."""
    try:
        value.astimezone(timezone.get_default_timezone())
        return value.astimezone(dt.UTC)
    except OverflowError:
        return None
