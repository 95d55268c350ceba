import smtplib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from unittest.mock import patch

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend

from mail import delivery
from tests.factories.newsletter import turn_on


@pytest.fixture(autouse=True)
def _newsletter_is_on(db: None) -> None:
    turn_on()


@pytest.fixture
def mailed() -> Callable[[], list[EmailMessage]]:
    """Prepare and send all e-mails that are due, and return them."""

    def mailed() -> list[EmailMessage]:
        before = len(mail.outbox)
        delivery.deliver()
        return mail.outbox[before:]

    return mailed


@pytest.fixture
def refusing_with() -> Callable[[str, int, bytes], AbstractContextManager[None]]:
    """Return a context manager that makes the mail server refuse an address with a code and a reply."""

    @contextmanager
    def refusing_with(address: str, code: int, reply: bytes) -> Iterator[None]:
        send = EmailBackend.send_messages

        def reject(self: EmailBackend, messages: list[EmailMessage]) -> int:
            if messages[0].to == [address]:
                raise smtplib.SMTPRecipientsRefused({address: (code, reply)})
            return send(self, messages)

        with patch.object(EmailBackend, "send_messages", reject):
            yield

    return refusing_with
