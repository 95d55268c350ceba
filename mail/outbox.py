"""The outbox: where due mail comes from, as registered by the apps that send it."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from core.registry import Registry
from mail.messages import Email
from mail.models import Recipient, RecipientQuerySet


@dataclass(frozen=True, slots=True)
class Mailing[Model: Recipient]:
    """One kind of mail: everyone who may get it, and the e-mails that are due to one of them."""

    recipients: RecipientQuerySet[Model]
    emails: Callable[[Model], Iterator[Email]]


@dataclass(frozen=True, slots=True)
class Preparation:
    """A step that turns what has happened into mail for recipients. `next_at`: when it next has something to do."""

    run: Callable[[], None]
    next_at: Callable[[], dt.datetime | None]


def _find_problems(name: str, mailing: Mailing[Any]) -> Iterable[str]:
    if not issubclass(mailing.recipients.model, Recipient):
        yield f"{mailing.recipients.model.__name__} is not a Recipient."


mailings: Final[Registry[Mailing[Any]]] = Registry("mailing", _find_problems)
preparations: Final[Registry[Preparation]] = Registry("mail preparation")


def prepare() -> None:
    """Run every preparation, so that all mail that is due has its recipients."""
    for preparation in preparations.values():
        preparation.run()


def next_at() -> dt.datetime | None:
    """Return when something next has to be prepared or sent; None if there is nothing."""
    times = [preparation.next_at() for preparation in preparations.values()]
    for mailing in mailings.values():
        unsent = mailing.recipients.with_unsent().order_by("not_before")
        times.append(unsent.values_list("not_before", flat=True).first())
    return min((time for time in times if time is not None), default=None)
