"""Files that a transaction stores, replaces or deletes: what is left if it fails, or if its process is killed.

A storage has no transactions, so a file is stored before its row is committed, and deleted afterwards. Before either, a
note of it is written. The note is locked until the transaction has ended, however it ends, and is removed when it has
been committed. `finish` does what is left to be done for notes that nothing holds any more.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, models, transaction

from core.disk import sync, try_lock

_log = logging.getLogger(__name__)


class _Descriptor:
    """An open file or folder that can be locked. It is closed when nothing refers to it any more."""

    def __init__(self, path: Path, flags: int = os.O_RDONLY) -> None:
        self.number = os.open(path, flags, 0o600)

    def __del__(self) -> None:
        # Unless it could not be opened.
        with suppress(AttributeError):
            os.close(self.number)


def note(model: type[models.Model], file: str, *, others: Sequence[str] = (), copy_of: str = "") -> None:
    """Note that `file` has to go, and `others` with it, unless a row of `model` has it when the transaction has ended.

    If it is a copy of a file that is about to be replaced, that one is put back as well. Raises OSError.
    """
    folder: Path = settings.BROADSIDE_UNFINISHED_DIR
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / token_hex(8)
    with _locked(folder):
        descriptor = _Descriptor(path, os.O_RDWR | os.O_CREAT)
        try_lock(descriptor.number)
    # A transaction that is rolled back forgets this function, and with it the descriptor.
    transaction.on_commit(partial(_remove, path, descriptor))
    values = {"model": model._meta.label, "file": file, "others": list(others), "copy_of": copy_of}
    path.write_text(json.dumps(values), encoding="utf-8")
    sync(path, folder)


def finish() -> None:
    """Finish what transactions that failed, and processes that were killed, have left of files.

    If the database, the storage or the folder of the notes fails, the next call tries again.
    """
    try:
        abandoned = _abandoned()
    except OSError as error:
        _log.warning("What is left of files that were being changed can't be looked for: %s", error)
        return
    # A file is put back before its copy is deleted.
    for path, descriptor, values in sorted(abandoned, key=lambda found: not found[2].get("copy_of")):
        try:
            # Otherwise, the process was killed before it had written the note.
            if values:
                _settle(**values)
            _remove(path, descriptor)
        except (DatabaseError, OSError) as error:
            _log.warning("What is left of a file that was being changed can't be removed yet: %s", error)


def _remove(path: Path, _descriptor: _Descriptor) -> None:
    path.unlink(missing_ok=True)


def _abandoned() -> list[tuple[Path, _Descriptor, dict[str, Any]]]:
    """Return the notes that nothing holds any more, and hold them."""
    folder: Path = settings.BROADSIDE_UNFINISHED_DIR
    # This takes a few microseconds if there are none.
    if not folder.exists() or not any(folder.iterdir()):
        return []
    found = []
    with _locked(folder):
        for path in folder.iterdir():
            # Its transaction may be committed at this moment.
            with suppress(FileNotFoundError):
                descriptor = _Descriptor(path)
                if try_lock(descriptor.number):
                    found.append((path, descriptor, _read(path)))
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return values


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let no other process take a note for abandoned between its creation and its lock."""
    descriptor = _Descriptor(folder)
    fcntl.flock(descriptor.number, fcntl.LOCK_EX)
    yield


def _settle(model: str, file: str, others: list[str], copy_of: str) -> None:
    rows = apps.get_model(model)._base_manager.all()
    if rows.filter(file=file).exists():
        return
    storage: Any = default_storage
    if copy_of and storage.exists(file) and rows.filter(file=copy_of).exists():
        storage.move(file, copy_of)
    for name in (file, *others):
        storage.delete(name)
