"""Importing subscribers from another service, and exporting them, as CSV.

Whatever the owner of the site states, everyone is asked by e-mail, and only people who confirm follow the blog.
"""

import csv
import datetime as dt
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import batched, chain
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from core.bulk import batches
from core.spreadsheets import cell_text, csv_lines
from mail.tasks import wake_worker
from newsletter.models import NewsletterSettings, Subscriber, Subscription, SubscriptionRequest, Suppression

# In bytes.
MAX_SIZE: Final = 10_000_000
_BATCH: Final = 500
# Headings, in lower case and without spaces and punctuation. Mailchimp's is “Email Address”, Ghost's “email”.
_EMAIL: Final = frozenset({"email", "emailaddress", "mail", "subscriber", "useremail", "subscriberemail"})
# Columns that say whether someone is subscribed, and the values that mean they are not. The last ones are our own.
_STATUS: Final = frozenset({"status", "subscribed", "subscriptionstatus", "emailsubscription", "subscribedtoemails"})
_NOT_SUBSCRIBED: Final = frozenset(
    {"false", "no", "0", "unsubscribed", "cleaned", "nonsubscribed", "blocked", "bounced", "deleted", "inactive"}
).union(Suppression.values)
# Columns that have a value if someone has unsubscribed.
_LEFT: Final = frozenset({"deletedat", "unsubscribedat", "unsubtime"})
_MAX_FIELD: Final = 100_000


class UnreadableFileError(Exception):
    """A file is not what it should be. The message says what to do."""


@dataclass(slots=True)
class Addresses:
    """The addresses of a file, each once and in lower case, and how many lines were left out, and why."""

    addresses: list[str] = field(default_factory=list)
    left_count: int = 0
    invalid_count: int = 0


def read(data: bytes) -> Addresses:
    """Read an export of WordPress.com, Ghost or Mailchimp, or any CSV with a column of addresses.

    Raises UnreadableFileError.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(gettext("The file is not in UTF-8. Save it as CSV in UTF-8.")) from error
    csv.field_size_limit(_MAX_FIELD)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    found, seen = Addresses(), set[str]()
    try:
        rows = csv.reader(io.StringIO(text), delimiter=delimiter)
        headings = [_simplified(heading) for heading in next(rows, [])]
        column = next((index for index, heading in enumerate(headings) if heading in _EMAIL), None)
        if column is None:
            raise UnreadableFileError(
                gettext("The file has no column with the heading “email”. Add one in the first line.")
            )
        for row in rows:
            if not row:
                continue
            email = cell_text(row[column]).strip().lower() if column < len(row) else ""
            if _has_unsubscribed(headings, row):
                found.left_count += 1
            elif not _is_valid(email):
                found.invalid_count += 1
            else:
                seen.add(email)
    except csv.Error as error:
        raise UnreadableFileError(gettext("The file is not CSV.")) from error
    found.addresses = sorted(seen)
    return found


def _simplified(heading: str) -> str:
    return "".join(char for char in heading.lower() if char.isalnum())


def _has_unsubscribed(headings: list[str], row: list[str]) -> bool:
    values = list(zip(headings, map(_simplified, row), strict=False))
    return any(heading in _STATUS and value in _NOT_SUBSCRIBED for heading, value in values) or any(
        heading in _LEFT and value for heading, value in values
    )


def _is_valid(email: str) -> bool:
    try:
        validate_email(email)
    except ValidationError:
        return False
    return len(email) <= 254


def invite(addresses: Collection[str], frequency: str, stated_on: dt.date) -> int:
    """Ask the owners of these addresses whether they want to follow all posts, and return how many.

    People who follow something, were asked in the last month, or have an address that doesn't work are left out.
    """
    count = 0
    for batch in batched(addresses, _BATCH):
        with transaction.atomic():
            # The second click of a double click waits here.
            list(NewsletterSettings.objects.select_for_update())
            known = set(Subscriber.objects.filter(email__in=batch).values_list("email", flat=True))
            asked = SubscriptionRequest.objects.filter(email__in=batch, consent_stated_on__isnull=False)
            known.update(asked.values_list("email", flat=True))
            new = [
                SubscriptionRequest(email=email, frequency=frequency, consent_stated_on=stated_on)
                for email in batch
                if email not in known
            ]
            SubscriptionRequest.objects.bulk_create(new)
            count += len(new)
    if count:
        wake_worker(timezone.now())
    return count


def export() -> Iterator[str]:
    """Yield all subscriptions as lines of CSV."""
    return csv_lines(chain([("email", "status", "follows", "frequency", "confirmed_at")], _rows()))


def _rows() -> Iterator[tuple[object, ...]]:
    rows = Subscription.objects.select_related("subscriber", "category", "tag", "author")
    for row in chain.from_iterable(batches(rows, _BATCH)):
        status = row.subscriber.suppression or "subscribed"
        yield row.subscriber.email, status, row, row.frequency, row.confirmed_at.isoformat()
