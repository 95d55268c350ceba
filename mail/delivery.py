"""Sending the mail that is due. Any number of workers may do it concurrently: only one of them sends each e-mail.

The apps that send mail register where it comes from. An e-mail counts as sent once the mail server has accepted it. If
a worker dies before it has recorded that, the e-mail is sent again (at-least-once delivery), with the same Message-ID.
While the mail server is unavailable, all mail waits.
"""

import datetime as dt
import logging
import re
import smtplib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from django.core import mail as django_mail
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from core.clock import correct_future_times
from core.languages import override_language
from core.registry import Registry
from core.tasks import WorkerStoppingError
from mail import messages, pacing
from mail.models import Recipient, RecipientQuerySet

# A worker that has not finished with one recipient after this time is presumed dead.
LEASE = dt.timedelta(minutes=10)
# How long to wait before the second attempt. For a refused address, the delay grows with each failure.
RETRY_AFTER = dt.timedelta(minutes=5)
# No `min_interval` is longer, either.
MAX_RETRY_AFTER = dt.timedelta(days=1)
# After this many refusals in a row, recipients with `is_deleted_when_refused` are deleted.
MAX_FAILURES = 8
# After this time, other tasks get a turn: a task has ten minutes, and there may be mail that is more urgent.
MAX_DURATION = dt.timedelta(minutes=5)
# The status codes for addresses that a server will never accept, because they don't exist, or no longer do. Plain 550
# is not among them, because servers also use it to reject senders, nor is 5.1.0, which Postfix uses for nothing else.
# Source: RFC 3463.
NO_SUCH_ADDRESS: Final = re.compile(r"5\.(?:1\.[1-36]|1\.10|2\.1)\b")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mailing[Model: Recipient]:
    """One kind of mail: everyone who may get it, and the e-mails that are due to one of them."""

    recipients: RecipientQuerySet[Model]
    # It is resumed after a `yield` once the mail server has accepted the e-mail, and records that immediately, without
    # waiting for the disk (core.database.update_without_sync).
    emails: Callable[[Model], Iterator[EmailMessage]]


@dataclass(frozen=True, slots=True)
class Preparation:
    """A step that creates mail for recipients from what has happened. `next_at` returns when it is next needed."""

    run: Callable[[], None]
    next_at: Callable[[], dt.datetime | None]


def _find_problems(name: str, mailing: Mailing[Any]) -> Iterable[str]:
    if not issubclass(mailing.recipients.model, Recipient):
        yield f"{mailing.recipients.model.__name__} is not a Recipient."


mailings: Final[Registry[Mailing[Any]]] = Registry("mailing", _find_problems)
preparations: Final[Registry[Preparation]] = Registry("mail preparation")


def next_at() -> dt.datetime | None:
    """Return when mail next has to be prepared or sent; None if there is none."""
    times = [preparation.next_at() for preparation in preparations.values()]
    for mailing in mailings.values():
        unsent = mailing.recipients.with_unsent().order_by("not_before")
        times.append(unsent.values_list("not_before", flat=True).first())
    return min((time for time in times if time is not None), default=None)


def deliver() -> int:
    """Send mail that is due, for about MAX_DURATION, and return how many e-mails were sent.

    Raises OSError if the mail server is unavailable. Nothing is lost in that case.
    """
    if not messages.is_on():
        return 0
    _correct_times()
    for preparation in preparations.values():
        preparation.run()
    count = 0
    with ExitStack() as stack:
        connection = None
        for mailing, recipient in _claimed():
            try:
                # Open the connection once, and only if there is something to send.
                connection = connection or stack.enter_context(django_mail.mailers.default)
                count += _send(mailing, recipient, connection)
            except (OSError, WorkerStoppingError):
                # This is not the fault of the recipient, so the next worker may start with the same one.
                _update(recipient, not_before=timezone.now())
                raise
    pacing.delete_old()
    return count


def _correct_times() -> None:
    """Let no one wait who got mail, or a pause, while the clock was ahead."""
    pacing.correct_times()
    longest = max(MAX_RETRY_AFTER, pacing.longest_wait())
    for mailing in mailings.values():
        correct_future_times(mailing.recipients, "not_before", up_to=longest)


def _claimed() -> Iterator[tuple[Mailing[Any], Recipient]]:
    """Claim recipients and yield each with its mailing, until none is due or MAX_DURATION has passed."""
    until = monotonic() + MAX_DURATION.total_seconds()
    for mailing in mailings.values():
        due = mailing.recipients.due()
        while monotonic() < until and (recipient := due.first()):
            if mailing.recipients.claim(recipient, timezone.now() + LEASE):
                domain = recipient.paced_domain
                if domain and (at := pacing.time_to_wait_for(domain, timezone.now())):
                    _update(recipient, not_before=at)
                else:
                    yield mailing, recipient


def _send(mailing: Mailing[Any], recipient: Recipient, connection: BaseEmailBackend) -> int:
    count = 0
    try:
        with override_language(recipient.language):
            for email in mailing.emails(recipient):
                connection.send_messages([email])
                count += 1
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, ValueError) as error:
        # The server answers but refuses this e-mail, or the address does not exist.
        _postpone(recipient, error)
    else:
        pause = recipient.min_interval if count else dt.timedelta()
        _update(recipient, not_before=timezone.now() + pause, failures=0)
        if count and recipient.paced_domain:
            pacing.accepted(recipient.paced_domain)
    return count


def _postpone(recipient: Recipient, error: Exception) -> None:
    """Retry this recipient later. After MAX_FAILURES, delete it if its kind allows that."""
    failures = recipient.failures + 1
    # The error's message is not logged, because it may contain the address.
    name = f"{type(recipient).__name__} {recipient.pk}"
    _log.warning("The mail server refused an e-mail to %s (%s, attempt %d).", name, type(error).__name__, failures)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        replies = error.recipients.values()
        if all(code >= 500 and NO_SUCH_ADDRESS.match(text.decode("ascii", "replace")) for code, text in replies):
            recipient.refused_for_good()
        elif recipient.paced_domain and all(code < 500 for code, _text in replies):
            pacing.put_off(recipient.paced_domain)
        if recipient.is_deleted_when_refused and failures >= MAX_FAILURES:
            recipient.delete()
            return
    pause = min(RETRY_AFTER * 3 ** min(failures, 10), MAX_RETRY_AFTER)
    _update(recipient, not_before=timezone.now() + pause, failures=failures)


def _update(recipient: Recipient, **values: object) -> None:
    """Update a recipient, unless another worker has claimed it because this one took too long."""
    claimed = type(recipient)._default_manager.filter(pk=recipient.pk, not_before=recipient.not_before)
    claimed.update(**values)
