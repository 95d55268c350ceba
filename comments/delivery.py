"""Sending what there is to tell. Any number of workers may do it at once: each mail is one's alone.

A mail counts as sent when the mail server has taken it. Should a worker die between the two, the mail goes again
(at least once), under the same Message-ID. While the mail server is away everything waits for it.
"""

import datetime as dt
import logging
import smtplib
from collections.abc import Iterator
from contextlib import ExitStack

from django.conf import settings
from django.core import mail as django_mail
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone, translation

from comments import following, mail, news, notices
from comments.recipients import Follower, NoticePreference, Recipient

# A worker that is not done with one person's mail after this time is taken for dead.
LEASE = dt.timedelta(minutes=10)
# When it is tried again: the whole mail server; one address, longer each time.
SERVER_PAUSE = dt.timedelta(minutes=5)
MAX_PAUSE = dt.timedelta(days=1)
# A follower's address that was refused so often in a row is given up; a moderator's never is.
MAX_FAILURES = 8

# The server answers, and does not want this mail; or there is no such address.
_REFUSED = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, ValueError)

_log = logging.getLogger(__name__)


def deliver() -> int:
    """Send every mail that is due; returns their number. Raises OSError if the mail server is away: nothing is lost."""
    if not mail.is_on():
        return 0
    news.spread()
    number = 0
    with ExitStack() as stack:
        connection = None
        for recipient in _due():
            try:
                # Opened once, and only if there is something to send.
                connection = connection or stack.enter_context(django_mail.mailers.default)
                number += _send(recipient, connection)
            except OSError:
                # It is nobody's fault here: the next worker may begin with the same one.
                _set(recipient, not_before=timezone.now())
                raise
    return number


def next_at() -> dt.datetime | None:
    """When there is mail to send; None if nothing waits."""
    firsts = [
        news.next_at(),
        NoticePreference.objects.with_unsent().order_by("not_before").values_list("not_before", flat=True).first(),
        Follower.objects.with_unsent().order_by("not_before").values_list("not_before", flat=True).first(),
    ]
    return min((first for first in firsts if first is not None), default=None)


def _due() -> Iterator[Recipient]:
    """Each is ours when it comes. Looked for again after each: what is done is due no more."""
    moderators = NoticePreference.objects.due().select_related("user")
    while moderator := moderators.first():
        if NoticePreference.objects.claim(moderator, timezone.now() + LEASE):
            yield moderator
    followers = Follower.objects.due().select_related("post", "page")
    while follower := followers.first():
        if Follower.objects.claim(follower, timezone.now() + LEASE):
            yield follower


def _letters(recipient: Recipient) -> Iterator[mail.Letter]:
    if isinstance(recipient, Follower):
        return following.letters(recipient)
    assert isinstance(recipient, NoticePreference)  # noqa: S101  (for the types: there is no third)
    return notices.letters(recipient)


def _send(recipient: Recipient, connection: BaseEmailBackend) -> int:
    number = 0
    try:
        with translation.override(settings.LANGUAGE_CODE):
            for letter in _letters(recipient):
                connection.send_messages([letter.message])
                letter.sent()
                number += 1
    except _REFUSED as error:
        _put_off(recipient, error)
    else:
        _set(recipient, not_before=timezone.now() + (recipient.gap if number else dt.timedelta()), failures=0)
    return number


def _put_off(recipient: Recipient, error: Exception) -> None:
    """Try this address again later, longer each time; give a follower's up in the end."""
    failures = recipient.failures + 1
    # Not the error's words: an address may stand in them.
    name = f"{type(recipient).__name__} {recipient.pk}"
    _log.warning("The mail server refused a mail to %s (%s, time %d).", name, type(error).__name__, failures)
    is_refused = isinstance(error, smtplib.SMTPRecipientsRefused)
    if isinstance(recipient, Follower) and is_refused and failures >= MAX_FAILURES:
        recipient.delete()
        return
    pause = min(SERVER_PAUSE * 3 ** min(failures, 10), MAX_PAUSE)
    _set(recipient, not_before=timezone.now() + pause, failures=failures)


def _set(recipient: Recipient, **values: object) -> None:
    type(recipient)._default_manager.filter(pk=recipient.pk).update(**values)
