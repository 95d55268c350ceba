"""Template filters for times.

In the site's time zone: `|day`, `|time_of_day` and `|time_and_zone`, and for staff `|day_for_staff`, `|day_and_time`
and `|day_and_seconds`. How long ago: `|time_since`.
"""

from django import template

from core.dates import (
    format_datetime,
    format_datetime_with_seconds,
    format_day,
    format_day_for_staff,
    format_time,
    format_time_and_zone,
    time_since,
)

register = template.Library()
register.filter("day", format_day, expects_localtime=True)
register.filter("time_of_day", format_time, expects_localtime=True)
register.filter("time_and_zone", format_time_and_zone)
register.filter("day_for_staff", format_day_for_staff, expects_localtime=True)
register.filter("day_and_time", format_datetime)
register.filter("day_and_seconds", format_datetime_with_seconds)
register.filter("time_since", time_since)
