"""Files whose names contain a withdrawn name."""

import logging
from pathlib import PurePosixPath
from typing import Any

from django.db import models

_log = logging.getLogger(__name__)


def free_name(field: models.FileField, name: str) -> str:
    """Return `name`, or the name with a number if another file has it.

    The number is found by binary search, so it follows one that is taken, but need not be the lowest that is free.
    """
    path = PurePosixPath(name)
    rows: models.QuerySet[Any] = field.model._base_manager.all()

    def numbered(number: int) -> str:
        return name if number == 1 else str(path.with_name(f"{path.stem}-{number}{path.suffix}"))

    def is_taken(number: int) -> bool:
        tried = numbered(number)
        return rows.filter(**{field.attname: tried}).exists() or bool(field.storage.exists(tried))

    taken, free = 0, 1
    while is_taken(free):
        taken, free = free, 2 * free
    while free - taken > 1:
        between = (taken + free) // 2
        taken, free = (between, free) if is_taken(between) else (taken, between)
    return numbered(free)


def move_now(storage: Any, name: str, new_name: str) -> None:
    """Rename a file unless that has already been done. Errors are logged, without the name."""
    try:
        if storage.exists(name) and not storage.exists(new_name):
            storage.move(name, new_name)
    except OSError as error:
        # This is tried again before the withdrawal is done.
        _log.error("A file could not be renamed: %s", error.strerror or type(error).__name__)
