"""What a clock that was ahead for a while leaves behind: times that lie in the future once it is right again.

Nothing may wait, or be kept, until then.
"""

import datetime as dt
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone

# By how much the clocks of two machines may differ.
CLOCK_TOLERANCE: Final = dt.timedelta(minutes=1)


def correct_future_times(rows: QuerySet[Any], field: str, *, up_to: dt.timedelta = dt.timedelta()) -> None:
    """Set times of a field to now that are later than `up_to` from now, which no right clock can have written."""
    now = timezone.now()
    wrong = rows.filter(**{f"{field}__gt": now + up_to + CLOCK_TOLERANCE})
    # On SQLite, even an update of no rows would wait for its turn to write.
    if wrong.exists():
        wrong.update(**{field: now})
