"""Adding to the audit log, in the transaction of what is recorded, so that neither exists without the other."""

from collections.abc import Iterable
from typing import Any, Final

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from accounts.actions import Action
from accounts.audit.titles import titles
from accounts.models import AuditRecord, User
from core.text import remove_unstorable

# The most characters of a title, and of details.
_MAX_TITLE: Final = 200
_MAX_DETAILS: Final = 1000


def record(
    action: Action, objects: Iterable[models.Model] | None = None, *, by: User | None, details: str = ""
) -> None:
    """Record that `by` has done this to each of the objects, or to none in particular (None).

    Without a person, it was done on the server: by a command, or by the worker. `details` is for people to read, and
    names no person. Takes one statement, and another for the role unless the permissions of `by` have been read.
    """
    about = [("", "", "")] if objects is None else [_describe(each) for each in objects]
    if not about:
        return
    person_id, role = (None, AuditRecord.SERVER) if by is None else (by.pk, by.known_role)
    now, details = timezone.now(), remove_unstorable(details)[:_MAX_DETAILS]
    AuditRecord.objects.bulk_create(
        AuditRecord(
            at=now,
            person_id=person_id,
            role=role,
            action=action,
            kind=kind,
            object_id=object_id,
            title=title,
            details=details,
        )
        for kind, object_id, title in about
    )


def count(action: Action, account: User | None) -> None:
    """Count something that strangers did to an account, or to a name without one. Two statements in either case.

    There is one record an hour for each account, and one for all names without an account, so the log can't be flooded.
    """
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    values: dict[str, Any] = {"action": action, "at": hour, "object_id": str(account.pk) if account is not None else ""}
    kind = AuditRecord.PERSON if account is not None else ""
    with transaction.atomic():
        AuditRecord.objects.bulk_create([AuditRecord(**values, kind=kind, count=0)], ignore_conflicts=True)
        AuditRecord.changeable().filter(**values, count__isnull=False).update(count=F("count") + 1)


def _describe(obj: models.Model) -> tuple[str, str, str]:
    """Return the kind, the ID and the title of an object."""
    kind = obj._meta.label_lower
    title = remove_unstorable(titles[kind](obj))[:_MAX_TITLE] if kind in titles else ""
    return kind, "" if obj.pk is None else str(obj.pk), title
