"""Files whose names contain a withdrawn name."""

import logging
from pathlib import PurePosixPath
from typing import Any

from django.db import models

_log = logging.getLogger(__name__)


def free_name(field: models.FileField, name: str) -> str:
    """Return `name`, or if another file has it, the name with a number.

    Of many with one name, few are looked at: the number comes after one that is taken, but need not be the lowest.
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
    """Give a file its new name, unless it has it already. What goes wrong is logged, without the name."""
    try:
        if storage.exists(name) and not storage.exists(new_name):
            storage.move(name, new_name)
    except OSError as error:
        # It is tried again before the withdrawal is done.
        _log.error("A file could not be renamed: %s", error.strerror or type(error).__name__)
