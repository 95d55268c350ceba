"""Template filters: `{{ published_at|day }}` and `{{ published_at|time_of_day }}`, in the site's time zone."""

from django import template

from core.dates import format_day, format_time

register = template.Library()
register.filter("day", format_day, expects_localtime=True)
register.filter("time_of_day", format_time, expects_localtime=True)
