"""Imports of the admin: how each goes from one state to the next.

Every step is one conditional UPDATE, so of two who press a button at once one moves it on and the other is told.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from wordpress.folders import Folder, remove_old
from wordpress.models import ACTIVE, Import, State, Step

# States that somebody may go on from.
_RESTING = (State.READY, State.INTERRUPTED)
# After so long without a worker there is probably none.
PATIENCE = timedelta(seconds=15)


class AnotherIsActive(Exception):  # noqa: N818  # says what is the case
    """There is one at a time."""


def upload(key: uuid.UUID, files: Sequence[UploadedFile[Any]], user: User) -> tuple[Import, bool]:
    """Take `files` in and have them read; gives the import, and whether it is new: the same form sent twice is one.

    Raises AnotherIsActive if another import waits or runs.
    """
    from wordpress.tasks import forget, run

    settle()
    forget_old()
    if existing := Import.objects.filter(pk=key).first():
        return existing, False
    folder = Folder(key)
    try:
        folder.make(new=True)
    except FileExistsError:
        # The same form, sent at the same moment: the other is about to store it.
        raise AnotherIsActive from None
    try:
        folder.store(files)
        with transaction.atomic():
            found = Import.objects.create(pk=key, started_by=user, names=[file.name for file in files])
            run.enqueue(str(key))
            forget.using(run_after=timezone.now() + _kept()).enqueue()
    except IntegrityError:
        folder.remove()
        raise AnotherIsActive from None
    except BaseException:
        folder.remove()
        raise
    return found, True


def start(found: Import, step: Step, options: dict[str, Any], user: User) -> bool:
    """Have a worker do `step`; False if it is not at rest any more. Raises AnotherIsActive."""
    from wordpress.tasks import run

    settle()
    folder = Folder(found.pk)
    try:
        with transaction.atomic():
            fields = {"step": step, "options": options, "report": {}, "problem": "", "started_by": user}
            moved = _move(found, _RESTING, State.WAITING, fields)
            if moved:
                folder.clear()
                run.enqueue(str(found.pk))
    except IntegrityError:
        raise AnotherIsActive from None
    return moved


def claim(found: Import) -> bool:
    """For the worker, which holds the folder: whether it is its turn."""
    return _move(found, (State.WAITING,), State.RUNNING)


def finish(found: Import, state: State, result: dict[str, Any]) -> None:
    """For the worker: what came of it, as fields of the import."""
    _move(found, (State.RUNNING,), state, result)


def cancel(found: Import) -> None:
    """Take a waiting import from the queue, or ask the worker to take everything back."""
    # First past the database, in which nobody may be able to write until the worker has heard of it.
    Folder(found.pk).ask_to_stop()
    if found.state == State.WAITING:
        _move(found, (State.WAITING,), State.INTERRUPTED, {"problem": _("It was cancelled before it began.")})


def is_active(found: Import) -> bool:
    """Whether it waits for a worker or has one."""
    return found.state in ACTIVE and not has_died(found)


def can_start(found: Import) -> bool:
    """Whether there is something to go on with."""
    return (found.state in _RESTING or has_died(found)) and bool(Folder(found.pk).files())


def has_died(found: Import) -> bool:
    """Whether its worker is gone without a word."""
    if found.state != State.RUNNING or Folder(found.pk).is_held():
        return False
    # It may have come to its end between the two looks.
    return Import.objects.filter(pk=found.pk, state=State.RUNNING).exists()


def lacks_worker(found: Import) -> bool:
    """Whether it has waited longer than a worker takes to come for it."""
    return found.state == State.WAITING and found.since < timezone.now() - PATIENCE


def settle() -> None:
    """Give up imports whose worker is gone, so that others may begin and they themselves again."""
    for found in Import.objects.filter(state=State.RUNNING):
        if has_died(found):
            _move(found, (State.RUNNING,), State.INTERRUPTED, {"problem": death_text()})


def death_text() -> str:
    return _("The worker stopped in the middle. An import is all or nothing: start it again, nothing comes in twice.")


def forget_old() -> None:
    """Delete uploads that nobody has gone on with for IMPORT_KEEP_DAYS."""
    settle()
    old = Import.objects.filter(state__in=_RESTING, since__lt=timezone.now() - _kept())
    for found in old:
        Folder(found.pk).remove_uploads()
        text = _("Its files were deleted, because nobody went on with it. Upload them again.")
        _move(found, _RESTING, State.INTERRUPTED, {"problem": text})
    remove_old(_kept().total_seconds(), Import.objects.values_list("pk", flat=True))


def _kept() -> timedelta:
    return timedelta(days=settings.BROADSIDE_IMPORT_KEEP_DAYS)


def _move(found: Import, before: Sequence[State], after: State, fields: Mapping[str, Any] | None = None) -> bool:
    """Change the state, and `fields`, if it is still one of `before`; `found` has all of it then."""
    fields = {**(fields or {}), "state": after, "since": timezone.now()}
    if not Import.objects.filter(pk=found.pk, state__in=before).update(**fields):
        return False
    for name, value in fields.items():
        setattr(found, name, value)
    return True
