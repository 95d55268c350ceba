"""Mail in tests: what the worker sends, and mail servers that are away."""

import datetime as dt
import re
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend

from comments import delivery, news
from comments.recipients import Follower, News, NoticePreference


def pass_time(hours: float = 0, minutes: float = 0) -> None:
    """Let what waits be so much older. The clock itself stays."""
    ago = dt.timedelta(hours=hours, minutes=minutes)
    for model, fields in (
        (News, ["made_at"]),
        (NoticePreference, ["not_before"]),
        (Follower, ["not_before", "asked_at"]),
    ):
        for row in model._default_manager.all():
            model._default_manager.filter(pk=row.pk).update(**{field: getattr(row, field) - ago for field in fields})


def deliver() -> list[EmailMessage]:
    """What is due, once the moment in which things are gathered is over."""
    pass_time(minutes=news.SETTLE.total_seconds() / 60)
    before = len(mail.outbox)
    delivery.deliver()
    return mail.outbox[before:]


def links(message: EmailMessage) -> list[str]:
    """The paths of all addresses of this site in the mail."""
    return re.findall(r"http://testserver(/\S+)", str(message.body))


@contextmanager
def mail_server_away() -> Iterator[None]:
    def fail(self: Any) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    with patch.object(EmailBackend, "open", fail):
        yield


@contextmanager
def refusing(address: str) -> Iterator[None]:
    """A mail server that knows no such address."""
    send = EmailBackend.send_messages

    def picky(self: EmailBackend, messages: list[EmailMessage]) -> int:
        if messages[0].to == [address]:
            raise smtplib.SMTPRecipientsRefused({address: (550, b"no such user")})
        return send(self, messages)

    with patch.object(EmailBackend, "send_messages", picky):
        yield
