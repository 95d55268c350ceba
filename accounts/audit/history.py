"""The history of objects in the admin (core.history), which is part of the audit log."""

from collections.abc import Iterable
from typing import Any, Final

from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.db import models
from django.db.models import QuerySet

from accounts.actions import Action
from accounts.audit import reading
from accounts.audit.recording import record

_ACTIONS: Final = {ADDITION: Action.ADDED, CHANGE: Action.CHANGED, DELETION: Action.DELETED}


class AuditedHistory:
    """The implementation of `core.history.History`."""

    def record(self, by: Any, flag: int, objects: Iterable[models.Model], details: str) -> None:
        record(_ACTIONS[flag], objects, by=by, details=details)

    def of(self, obj: models.Model) -> QuerySet[Any]:
        return reading.about(obj)

    def read(self, records: Iterable[Any]) -> list[Any]:
        return reading.with_people(records)
