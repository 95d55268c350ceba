"""Unsubscribe links: signed, valid for as long as the e-mail exists, and usable by mail programs with one click."""

from django.core.signing import Signer
from django.db.models import QuerySet

from mail.models import Recipient


def token(recipient: Recipient) -> str:
    """Return what the unsubscribe URL of `recipient` contains."""
    return _signer(type(recipient)).sign(str(recipient.pk))


def find_recipient[Model: Recipient](recipients: QuerySet[Model], signed: str) -> Model | None:
    """Return who the token belongs to; None if they are gone. Raises BadSignature if the token is forged."""
    return recipients.filter(pk=int(_signer(recipients.model).unsign(signed))).first()


def headers(url: str) -> dict[str, str]:
    """Return the headers that let a mail program unsubscribe with one POST to the absolute `url` (RFC 8058)."""
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _signer(model: type[Recipient]) -> Signer:
    return Signer(salt=f"mail.unsubscribe.{model._meta.label_lower}")
