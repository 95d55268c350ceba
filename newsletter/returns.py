"""Returned messages: bounces (RFC 3464), complaints (RFC 5965), and requests to unsubscribe by e-mail.

Each e-mail has a return path of its own, with a signed token (VERP). A message has an effect only if it was sent to
that address or, for complaints, contains it. So no one can have a subscriber suppressed without having received their
e-mail.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from enum import StrEnum
from itertools import islice
from typing import Final

from django.conf import settings
from django.core.signing import Signer
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.encoding import force_str

from mail.delivery import NO_SUCH_ADDRESS
from newsletter import subscriptions
from newsletter.models import Delivery, Suppression

# After this many temporary failures of e-mails in a row, an address is treated like one that doesn't exist.
MAX_SOFT_BOUNCES: Final = 3
_SIGNER: Final = Signer(salt="newsletter.returns")
_SIGNATURE_LENGTH: Final = 24
_MAX_PARTS: Final = 30

_log = logging.getLogger(__name__)


class Purpose(StrEnum):
    """What an address is for: the first letter of its token."""

    BOUNCE = "b"
    UNSUBSCRIBE = "u"


def is_on() -> bool:
    """Whether e-mails have return paths of their own."""
    return bool(settings.BROADSIDE_BOUNCE_ADDRESS and settings.BROADSIDE_BOUNCE_MAILBOX)


def address(delivery: Delivery, purpose: Purpose) -> str:
    """Return the address for messages about a delivery with this purpose; empty if there is none."""
    if not is_on():
        return ""
    name, _at, host = settings.BROADSIDE_BOUNCE_ADDRESS.rpartition("@")
    return f"{name}+{_token(f'{purpose}{delivery.pk}')}@{host}"


def _token(value: str) -> str:
    """Return `value` with its signature, in lower case, because mail servers may ignore case."""
    # Of a Base64 signature only letters and digits are certain to survive as part of an address.
    signature = re.sub(r"[^a-z0-9]", "x", _SIGNER.signature(value).lower())
    return f"{value}-{signature[:_SIGNATURE_LENGTH]}"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a message contains: its recipients, the text of a complaint with tokens, and status codes of failures."""

    recipients: str = ""
    complaint: str = ""
    statuses: tuple[str, ...] = ()


def handle(data: bytes) -> None:
    """Act on a message, if it is of one of these kinds and has a token that we made."""
    try:
        returned = read(data)
    except Exception as error:  # noqa: BLE001  # Python's parser may raise anything for hostile messages
        _log.warning("A message in the mailbox for bounces could not be read (%s).", type(error).__name__)
        return
    if returned.complaint:
        # A complaint contains the whole e-mail, or some of its headers.
        found = _find(Purpose.BOUNCE, returned.complaint) or _find(Purpose.UNSUBSCRIBE, returned.complaint)
        if found:
            found.subscriber.suppress(Suppression.COMPLAINED)
    elif found := _find(Purpose.UNSUBSCRIBE, returned.recipients):
        subscriptions.end(found.subscriber)
    elif returned.statuses and (found := _find(Purpose.BOUNCE, returned.recipients)):
        bounce(found, returned.statuses)


def read(data: bytes) -> Returned:
    """Parse a message. May raise anything."""
    message = message_from_bytes(data)
    report = ""
    if message.get_content_type() == "multipart/report":
        report = force_str(message.get_param("report-type") or "").lower()
    if report == "feedback-report":
        return Returned(complaint=data.decode("ascii", "replace"))
    names = ("To", "Delivered-To", "X-Original-To", "Envelope-To")
    recipients = " ".join(str(value) for name in names for value in message.get_all(name, []))
    return Returned(recipients, statuses=tuple(_failures(message)) if report == "delivery-status" else ())


def _find(purpose: Purpose, text: str) -> Delivery | None:
    """Return the delivery that an address in the text is about."""
    name, _at, host = settings.BROADSIDE_BOUNCE_ADDRESS.lower().rpartition("@")
    pattern = rf"{re.escape(name)}\+({purpose}([0-9]{{1,18}})-[a-z0-9]{{{_SIGNATURE_LENGTH}}})@{re.escape(host)}"
    for token, pk in re.findall(pattern, text.lower())[:_MAX_PARTS]:
        if constant_time_compare(token, _token(f"{purpose}{pk}")):
            sent = Delivery.objects.filter(pk=int(pk), sent_at__isnull=False)
            return sent.select_related("subscriber").first()
    return None


def _failures(message: Message) -> Iterator[str]:
    """Yield the status codes of the recipients that a report lists as failed."""
    for part in islice(message.walk(), _MAX_PARTS):
        if part.get_content_type() == "message/delivery-status" and part.is_multipart():
            fields = [each for each in part.get_payload() if isinstance(each, Message)]
            failed = (each for each in fields if str(each.get("Action", "")).strip().lower() == "failed")
            yield from (str(each.get("Status", "")).strip() for each in failed)


def bounce(delivery: Delivery, statuses: Iterable[str]) -> None:
    """Record that an e-mail could not be delivered, with these status codes (RFC 3463). Idempotent."""
    if any(NO_SUCH_ADDRESS.match(status) for status in statuses):
        delivery.subscriber.suppress(Suppression.REFUSED)
    else:
        Delivery.objects.filter(pk=delivery.pk, bounced_at=None).update(bounced_at=timezone.now())
        sent = delivery.subscriber.deliveries.filter(sent_at__isnull=False).order_by("-sent_at", "-pk")
        last = sent.values_list("bounced_at", flat=True)[:MAX_SOFT_BOUNCES]
        if len(last) == MAX_SOFT_BOUNCES and all(last):
            delivery.subscriber.suppress(Suppression.REFUSED)
