"""Labels: tokens by which documents are filtered, next to their words. No word begins with two underscores."""

import calendar
import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

# Documents that every reader may see, unless they are scheduled.
PUBLIC: Final = "__public"
# Every document has this label: a query that only excludes words needs something to exclude them from.
ANY: Final = "__any"


def kind(name: str) -> str:
    return f"__k{name}"


def language(code: str) -> str:
    return f"__l{code}"


def title(tokens: Sequence[str]) -> str:
    """Return the label of a document whose title consists of these tokens."""
    return f"__h{hashlib.blake2b(' '.join(tokens).encode(), digest_size=8).hexdigest()}"


def author(pk: int) -> str:
    return f"__a{pk}"


def category(pk: int) -> str:
    return f"__c{pk}"


def tag(pk: int) -> str:
    return f"__t{pk}"


def of_day(day: dt.date) -> tuple[str, str, str]:
    """Return the labels of a day, its month and its year."""
    return f"__d{day:%Y%m%d}", f"__m{day:%Y%m}", f"__y{day:%Y}"


def of_days(first: dt.date, last: dt.date) -> Iterator[str]:
    """Yield labels that cover all days from the first to the last: of whole years and months where possible."""
    day = first
    while day <= last:
        in_day, in_month, in_year = of_day(day)
        end_of_year = dt.date(day.year, 12, 31)
        end_of_month = day.replace(day=calendar.monthrange(day.year, day.month)[1])
        if (day.month, day.day) == (1, 1) and end_of_year <= last:
            label, end = in_year, end_of_year
        elif day.day == 1 and end_of_month <= last:
            label, end = in_month, end_of_month
        else:
            label, end = in_day, day
        yield label
        if end == dt.date.max:
            return
        day = end + dt.timedelta(days=1)
