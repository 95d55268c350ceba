"""A mail that is ready, with what is to be written down once the mail server has taken it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.core.mail import EmailMessage


@dataclass(frozen=True, slots=True)
class Letter:
    message: EmailMessage
    sent: Callable[[], object]
