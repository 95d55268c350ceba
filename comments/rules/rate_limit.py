"""The rate of comments, requests and Webmentions, from one sender and on the whole site.

It is counted in the database for all processes. Senders stay anonymous: only a hash (core.sender) is stored, until the
first comment of a later period or, at the latest, the next night.
"""

from dataclasses import dataclass

from django.db import connection
from django.utils import timezone
from django.utils.crypto import salted_hmac

from comments.models import RateCount
from core.database import commits_without_sync

# Comments are counted in periods of this many seconds.
PERIOD = 10 * 60
_WHOLE_SITE = ""
# The most subscription requests in a period: from one sender, for one e-mail address, on the whole site.
REQUESTS_PER_SENDER, REQUESTS_PER_ADDRESS, REQUESTS_PER_SITE = 10, 3, 100
# The most Webmentions in a period: from one sender, about pages of one other site, about all of them.
MENTIONS_PER_SENDER, MENTIONS_PER_HOST, MENTIONS_PER_SITE = 20, 20, 100


@dataclass(frozen=True, slots=True)
class Count:
    """The number of comments in the current period, including the one that was just counted."""

    from_sender: int = 0
    on_site: int = 0


def count(sender: str) -> Count:
    """Count one more comment by `sender` (empty if unknown) and return the counts.

    One statement, exact with any number of processes. The first comment of a period deletes earlier periods.
    """
    counts = _count([sender, _WHOLE_SITE] if sender else [_WHOLE_SITE])
    if counts[_WHOLE_SITE] == 1:
        delete_old()
    return Count(counts[sender] if sender else 0, counts[_WHOLE_SITE])


def requests_too_often(sender: str, email: str) -> bool:
    """Count one more request by `sender` to subscribe `email`, and return whether it is one too many."""
    limits = {("sender", sender): REQUESTS_PER_SENDER, ("address", email): REQUESTS_PER_ADDRESS}
    return _exceeds("requests", limits, REQUESTS_PER_SITE)


def mentions_too_often(sender: str, host: str) -> bool:
    """Count one more Webmention by `sender` about a page of `host`, and return whether it is one too many.

    The limit keeps this site from being used to flood another one with requests.
    """
    limits = {("sender", sender): MENTIONS_PER_SENDER, ("host", host): MENTIONS_PER_HOST}
    return _exceeds("mentions", limits, MENTIONS_PER_SITE)


def _exceeds(kind: str, limits: dict[tuple[str, str], int], limit_on_site: int) -> bool:
    """Increment the counters of these values and of the whole site, and return whether one is over its limit.

    Requests over the limit of a value don't count for the site, so that no single sender uses up its limit.
    E-mail addresses and hosts are stored as hashes, like senders. Values that are not known are empty and not counted.
    """
    by_key = {
        salted_hmac(f"comments.rules.rate_limit.{kind}.{name}", value, algorithm="sha256").hexdigest(): limit
        for (name, value), limit in limits.items()
        if value
    }
    # Rows are always locked in the same order, so that no two transactions deadlock.
    counts = _count(sorted(by_key)) if by_key else {}
    if any(count > by_key[key] for key, count in counts.items()):
        return True
    on_site = _count([kind])[kind]
    if on_site == 1:
        delete_old()
    return on_site > limit_on_site


def _current_period() -> int:
    return int(timezone.now().timestamp()) // PERIOD


def _count(keys: list[str]) -> dict[str, int]:
    """Increment these counters in this order, and return them. All requests wait for the site's, so it is the last."""
    period = _current_period()
    # Waiting for the disk would take longer than everything else, and losing a count in a power cut does no harm.
    with commits_without_sync(), connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO comments_ratecount (sender, period, count) VALUES {", ".join(["(%s, %s, 1)"] * len(keys))}
            ON CONFLICT (sender, period) DO UPDATE SET count = comments_ratecount.count + 1
            RETURNING sender, count""",  # noqa: S608  # only placeholders are inserted
            [value for key in keys for value in (key, period)],
        )
        return dict(cursor.fetchall())


def delete_old() -> int:
    """Delete the counts of earlier periods, and return how many."""
    return RateCount.objects.filter(period__lt=_current_period()).delete()[0]
