"""Sending people the links with which they choose a password."""

import logging
import secrets

from django.core import mail as django_mail
from django.utils.translation import gettext

from accounts.models import User
from accounts.password_links import VALID_DAYS, Kind
from core.languages import override_language
from mail import messages

_log = logging.getLogger(__name__)


def send(person: User, url: str, kind: Kind) -> bool:
    """Send a link to its person now, and return whether the mail server accepted it."""
    if not messages.is_on():
        return False
    is_new = not person.has_credentials
    context = {
        "person": person,
        "url": url,
        "days": VALID_DAYS[kind],
        "is_new": is_new,
        "is_requested": kind == Kind.REQUESTED,
    }
    with override_language(person.language):
        email = messages.write(
            "accounts/mail/password_link.txt",
            person.email,
            gettext("Your invitation") if is_new else gettext("Choose a new password"),
            context,
            list_name="accounts",
            message_id=f"account.{secrets.token_hex(8)}",
            thread_id=f"account.{person.pk}",
        )
    try:
        with django_mail.mailers.default as connection:
            connection.send_messages([email])
    except (OSError, ValueError) as error:
        # All errors of `smtplib` are OSErrors. The message is not logged, because it may contain the address.
        _log.warning("An e-mail with a link could not be sent (%s).", type(error).__name__)
        return False
    return True
