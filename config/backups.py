"""The settings of backups, from variables such as BACKUP_TIMES."""

import datetime as dt
from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured


def backup_times(values: Iterable[str]) -> list[dt.time]:
    """Return the times of day at which backups are made, in the site's time zone. Raises ImproperlyConfigured."""
    try:
        times = sorted({dt.time.fromisoformat(value.strip()) for value in values if value.strip()})
    except ValueError:
        times = []
    if not times or any(time.tzinfo for time in times):
        raise ImproperlyConfigured("BACKUP_TIMES is not valid. It should be times of day, such as 03:30,15:30.")
    return times
