"""How many comments come in, from one sender and in all: counted in the database, so every process counts the same.

Who the sender is nobody knows later: kept is a hash of the address with a key of the day, for minutes.
"""

import ipaddress
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from comments.models import Arrivals

# Comments are counted in spans of this many seconds.
PERIOD = 10 * 60
_WHOLE_SITE = ""
# How often in such a span mails that ask to confirm may be wished for: from one sender, to one address, in all.
ASKS_PER_SENDER, ASKS_PER_ADDRESS, ASKS_PER_SITE = 10, 3, 100
_ALL_ASKS = "asks"


@dataclass(frozen=True, slots=True)
class Count:
    """The comments of the present period, with the one that is counted now."""

    from_sender: int = 0
    on_site: int = 0


def sender(request: HttpRequest) -> str:
    """Who sends, as a hash that is another one each day; empty if the address is not known.

    The address is the connection's, or with trusted proxies (settings) what the outermost of them has seen.
    Of IPv6 the network of one customer counts (64 bits).
    """
    try:
        address = ipaddress.ip_address(_client_address(request))
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False).network_address
    today = timezone.now().date().isoformat()
    return salted_hmac(f"comments.flood.{today}", str(address), algorithm="sha256").hexdigest()


def _client_address(request: HttpRequest) -> str:
    proxies: int = settings.BROADSIDE_TRUSTED_PROXIES
    header = request.headers.get(settings.BROADSIDE_CLIENT_ADDRESS_HEADER, "")
    seen = header.split(",") if header else []
    # Each proxy adds at the end whom it has seen; what stands before that anybody can have written.
    found: str = seen[-proxies] if len(seen) >= proxies > 0 else request.META.get("REMOTE_ADDR", "")
    return found.strip()


def count(sender: str) -> Count:
    """Count one more comment of `sender` (empty: unknown) and say how many there are.

    One statement, exact with any number of processes. The first comment of a period forgets earlier periods.
    """
    numbers = _count([sender, _WHOLE_SITE] if sender else [_WHOLE_SITE])
    return Count(numbers.get(sender, 0) if sender else 0, numbers[_WHOLE_SITE])


def asks_too_often(sender: str, email: str) -> bool:
    """Count one more wish of `sender` to have a mail sent to `email`, and say whether it is one too many.

    The address is kept as a hash, like the sender.
    """
    names = {_hashed("sender", sender): ASKS_PER_SENDER} if sender else {}
    names[_hashed("address", email)] = ASKS_PER_ADDRESS
    # In one order for all, and the site's last.
    numbers = _count([*sorted(names), _ALL_ASKS])
    names[_ALL_ASKS] = ASKS_PER_SITE
    return any(numbers[name] > most for name, most in names.items())


def _hashed(what: str, value: str) -> str:
    return salted_hmac(f"comments.flood.asks.{what}", value, algorithm="sha256").hexdigest()


def _count(names: list[str]) -> dict[str, int]:
    period = int(timezone.now().timestamp()) // PERIOD
    # The site's row comes last: who waits for it holds nothing that another one needs.
    rows = [(name, period) for name in names]
    with connection.cursor() as cursor:
        cursor.execute(
            # Only the number of rows differs; the names are constants.
            f"""INSERT INTO comments_arrivals (sender, period, number) VALUES {", ".join(["(%s, %s, 1)"] * len(rows))}
            ON CONFLICT (sender, period) DO UPDATE SET number = comments_arrivals.number + 1
            RETURNING sender, number""",  # noqa: S608  (placeholders alone are put in)
            [value for row in rows for value in row],
        )
        numbers: dict[str, int] = dict(cursor.fetchall())
    if numbers[names[-1]] == 1:
        forget(period)
    return numbers


def forget(before: int | None = None) -> int:
    """Delete the counts of periods that are over; returns the number of rows."""
    period = int(timezone.now().timestamp()) // PERIOD if before is None else before
    return Arrivals.objects.filter(period__lt=period).delete()[0]
