"""What readers get to see, and what no longer: publish, withdraw, trash, restore.

Each function takes posts, or pages, and the person who asks. It changes those that this person may
change (blog.permissions), one by one through `save`, in one transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from blog.models import Entry, Status
from blog.permissions import may_edit, may_publish, may_restore


@dataclass(frozen=True, slots=True)
class Outcome:
    """`changed` are saved; `refused` were left, as this person may not do this to them."""

    changed: list[Any] = field(default_factory=list)
    refused: list[Any] = field(default_factory=list)


def publish(entries: QuerySet[Any], by: User) -> Outcome:
    """Show them to readers: now, or when their moment comes. What is in the trash has to be restored first."""
    return _move(
        entries,
        Status.PUBLISHED,
        lambda entry: may_publish(by, type(entry)) and may_edit(by, entry) and entry.status != Status.TRASH,
    )


def withdraw(entries: QuerySet[Any], by: User) -> Outcome:
    """Make drafts of them. They keep their moment, and with it their address, for when they come back."""
    return _move(entries, Status.DRAFT, lambda entry: may_edit(by, entry) and entry.status != Status.TRASH)


def trash(entries: QuerySet[Any], by: User) -> Outcome:
    """Put them away. Nothing of them is lost until they are deleted."""
    return _move(entries, Status.TRASH, lambda entry: may_edit(by, entry))


def restore(entries: QuerySet[Any], by: User) -> Outcome:
    """Take them out of the trash, as drafts: nothing is public again by a slip."""
    return _move(entries.filter(status=Status.TRASH), Status.DRAFT, lambda entry: may_restore(by, entry))


def _move(entries: QuerySet[Any], status: Status, allowed: Callable[[Entry], bool]) -> Outcome:
    outcome = Outcome()
    with transaction.atomic():
        # The list that was asked for may be joined and distinct, which cannot be locked.
        chosen = entries.model._default_manager.filter(pk__in=entries.order_by().values("pk"))
        for entry in chosen.exclude(status=status).select_for_update().order_by("pk"):
            if not allowed(entry):
                outcome.refused.append(entry)
                continue
            entry.status = status
            entry.save()
            outcome.changed.append(entry)
    return outcome
