"""Offboarding a person: giving what they wrote to someone else, and erasing the account."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.functional import Promise

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from accounts.people import deactivate
from core.registry import Registry


@dataclass(frozen=True, slots=True)
class Work:
    """What people leave behind under their name, and how it is given to someone else."""

    label: str | Promise
    count: Callable[[User], int]
    # Takes the person who leaves and the one who gets the work. If it was interrupted, it is called again.
    reassign: Callable[[User, User], object]


# An account can't be erased while it has work of any of these kinds.
works: Final[Registry[Work]] = Registry("work of people")


class HasWorkError(Exception):
    """An heir has to be chosen, who gets what the person wrote."""


def work_of(person: User) -> dict[str | Promise, int]:
    """Return how much of each kind of work belongs to `person`, by label. Kinds without any are left out."""
    counts = {work.label: work.count(person) for work in works.values()}
    return {label: count for label, count in counts.items() if count}


def offboard(person: User, *, heir: User | None, erase: bool, by: User | None = None) -> None:
    """Deactivate or erase the account of `person`. Give their work to `heir`, or leave it under their name.

    With the account, everything that belongs to the person alone is erased: e-mail address, names, author page and
    unsaved texts. What they did elsewhere stays, without their name. Without `by`, it was done on the server.
    Giving away takes several transactions, so that others don't have to wait. If it is interrupted, the account is
    deactivated, and offboarding the person again continues.
    Raises LastOwnerError, and HasWorkError if the account is to be erased and there is work without an heir.
    """
    with transaction.atomic():
        deactivate(person, by=by)
        if heir is not None:
            record(Action.GAVE_AWAY, [person], by=by)
            record(Action.RECEIVED, [heir], by=by)
        elif erase:
            _erase(person, by)
    if heir is not None:
        for work in works.values():
            work.reassign(person, heir)
        if erase:
            _erase(person, by)


@transaction.atomic
def _erase(person: User, by: User | None) -> None:
    if work_of(person):
        raise HasWorkError
    record(Action.ERASED, [person], by=by)
    person.delete()
