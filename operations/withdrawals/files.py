"""Files whose names contain a withdrawn name."""

import logging
from pathlib import PurePosixPath
from typing import Any, Final

from django.db import models

_MAX_TWINS: Final = 10_000

_log = logging.getLogger(__name__)


def free_name(field: models.FileField, name: str) -> str:
    """Return `name`, or if another file has it, the name with a number."""
    path = PurePosixPath(name)
    rows: models.QuerySet[Any] = field.model._base_manager.all()
    for number in range(1, _MAX_TWINS):
        tried = name if number == 1 else str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
        if not rows.filter(**{field.attname: tried}).exists() and not field.storage.exists(tried):
            return tried
    raise FileExistsError(name)


def move_now(storage: Any, name: str, new_name: str) -> None:
    """Give a file its new name, unless it has it already. What goes wrong is logged, without the name."""
    try:
        if storage.exists(name) and not storage.exists(new_name):
            storage.move(name, new_name)
    except OSError as error:
        # It is tried again before the withdrawal is done.
        _log.error("A file could not be renamed: %s", error.strerror or type(error).__name__)
