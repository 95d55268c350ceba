"""Checks of background work: the worker, its tasks, and mail."""

import datetime as dt
import socket
import ssl
from collections.abc import Iterator
from smtplib import SMTPAuthenticationError, SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused
from typing import Final

from django.conf import settings
from django.core import mail as django_mail
from django.core.mail import EmailMessage
from django.tasks import TaskResultStatus
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from core.dates import time_since
from core.models import SiteSettings
from mail import messages
from mail.delivery import mailings
from operations.checks.diagnoses import CheckOptions, Diagnosis
from operations.models import PRESUMED_DEAD, WorkerHeartbeat

# How long tasks and e-mails may have to wait.
_LATE: Final = dt.timedelta(minutes=30)
_VERY_LATE: Final = dt.timedelta(hours=6)


def worker(options: CheckOptions) -> Iterator[Diagnosis]:
    latest = WorkerHeartbeat.objects.latest_at()
    if latest is not None and latest >= timezone.now() - PRESUMED_DEAD:
        yield Diagnosis.ok(_("The worker is running."))
        return
    since = _("It was last seen %s ago.") % time_since(latest) if latest else _("It hasn't been seen for a day.")
    yield Diagnosis.problem(
        _("The worker is not running, so no mail is sent, and nothing is imported, exported or backed up. %s") % since,
        _("Run “systemctl restart 'broadside*'”, and check “journalctl -u 'broadside*'” to see why it stopped."),
    )


def tasks(options: CheckOptions) -> Iterator[Diagnosis]:
    oldest = oldest_waiting_since()
    waiting = timezone.now() - oldest if oldest else dt.timedelta()
    if oldest and waiting > _LATE:
        text = _("A task has been waiting for the worker for %s.") % time_since(oldest)
        advice = _(
            "Check that the worker is running: “systemctl status 'broadside*'”. Long tasks, such as imports, take "
            "turns."
        )
        yield (Diagnosis.problem if waiting > _VERY_LATE else Diagnosis.warning)(text, advice)
    failed = DBTaskResult.objects.filter(status=TaskResultStatus.FAILED).count()
    if failed:
        text = ngettext("%d task of the worker failed.", "%d tasks of the worker failed.", failed) % failed
        yield Diagnosis.warning(text, _("The dashboard lists them, and can retry them."))
    if not failed and waiting <= _LATE:
        yield Diagnosis.ok(_("The worker keeps up with its tasks."))


def oldest_waiting_since() -> dt.datetime | None:
    """Return since when the longest-waiting task has been due; None if none is due."""
    due = DBTaskResult.objects.filter(status=TaskResultStatus.READY)
    planned = due.filter(run_after__lte=timezone.now()).order_by("run_after").values_list("run_after", flat=True)
    at_once = due.filter(run_after__gt=timezone.now() + dt.timedelta(days=365_000)).order_by("enqueued_at")
    times = [planned.first(), at_once.values_list("enqueued_at", flat=True).first()]
    return min((time for time in times if time is not None), default=None)


def outbox(options: CheckOptions) -> Iterator[Diagnosis]:
    if not messages.is_on():
        yield Diagnosis.ok(_("No mail server is set up, so nothing is sent."))
        return
    due = [mailing.recipients.due().values_list("not_before", flat=True).first() for mailing in mailings.values()]
    oldest = min((time for time in due if time is not None), default=None)
    if oldest and oldest < timezone.now() - _LATE:
        text = _("E-mails have been waiting to be sent for %s.") % time_since(oldest)
        advice = _(
            "Check that the worker is running, and try the mail server with “manage.py doctor --only mail --mail”."
        )
        yield (Diagnosis.problem if oldest < timezone.now() - _VERY_LATE else Diagnosis.warning)(text, advice)
    else:
        yield Diagnosis.ok(_("No e-mail is late."))


def mail(options: CheckOptions) -> Iterator[Diagnosis]:
    """Log in to the mail server, and send a message to the owners if requested."""
    if not messages.is_on():
        yield Diagnosis.ok(_("No mail server is set up, so nothing is sent. Set EMAIL_URL."))
        return
    addresses = User.objects.filter(is_superuser=True, is_active=True).exclude(email="").values_list("email", flat=True)
    owners = list(addresses)
    if not owners:
        yield Diagnosis.warning(
            _("No owner has an e-mail address, so owners can't be told what is wrong, or reset a forgotten password."),
            _("Enter one under People."),
        )
    try:
        with django_mail.mailers.default as connection:
            if options.mail and owners:
                connection.send_messages([_test_message(owner) for owner in owners])
    except OSError as error:
        # Without the server's message, which may contain addresses.
        yield Diagnosis.problem(_("The mail server can't be used (%s).") % type(error).__name__, _advice_on_mail(error))
        return
    if options.mail and owners:
        text = ngettext(
            "A message was sent to %d owner. Check that it arrived, and check the spam folder as well.",
            "A message was sent to %d owners. Check that it arrived, and check the spam folder as well.",
            len(owners),
        )
        yield Diagnosis.ok(text % len(owners))
    else:
        yield Diagnosis.ok(_("The mail server accepts the name and password in EMAIL_URL."))


def _advice_on_mail(error: OSError) -> str:
    match error:
        case socket.gaierror():
            advice = _("The host in EMAIL_URL can't be found: it doesn't exist, or DNS doesn't work on this machine.")
        case SMTPAuthenticationError():
            advice = _("It refuses the name or password in EMAIL_URL. Write @, # and / in them as %40, %23 and %2F.")
        case SMTPSenderRefused() | SMTPRecipientsRefused() | SMTPDataError():
            advice = _("It refuses the message. EMAIL_FROM has to be an address from which this account may send.")
        case ssl.SSLError():
            advice = _(
                "The encryption doesn't fit: smtp+ssl:// is for port 465, smtp+tls:// for port 587. The certificate "
                "has to be valid for that host."
            )
        case ConnectionRefusedError() | TimeoutError():
            advice = _("Nothing answers at that host and port. Some providers block the ports of mail servers.")
        case _:
            advice = ""
    check = _("Check EMAIL_URL: host, port, encryption, name and password. Then restart the site.")
    return f"{advice} {check}".lstrip()


def _test_message(owner: str) -> EmailMessage:
    title = messages.line(SiteSettings.current().title)
    body = _(
        "This message was sent by “manage.py doctor” on %(site)s.\n\nIf you can read it, the site can send mail to you."
    ) % {"site": settings.SITE_URL}
    subject = messages.line(f"[{title}] {_('Test message')}")
    return EmailMessage(subject=subject, body=body, to=[owner], headers={"Auto-Submitted": "auto-generated"})
