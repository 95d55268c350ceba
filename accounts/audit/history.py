"""The history of objects in the admin (core.history), which is part of the audit log."""

from collections.abc import Iterable
from typing import Any, Final

from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.db import models

from accounts.actions import Action
from accounts.audit import reading
from accounts.audit.recording import record
from core.history import History

_ACTIONS: Final = {ADDITION: Action.ADDED, CHANGE: Action.CHANGED, DELETION: Action.DELETED}


def _record(by: Any, flag: int, objects: Iterable[models.Model], details: str) -> None:
    record(_ACTIONS[flag], objects, by=by, details=details)


HISTORY: Final = History(_record, reading.about, reading.with_people)
