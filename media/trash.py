"""Deleting and replacing files so that they can be restored, and merging images into others.

Readers can't open a deleted file from that moment on. It can be restored unchanged, until the worker removes it after
some time. The URL of a merged image leads to the other image for good.
"""

import datetime as dt
import logging
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import PurePath
from typing import Any, Final, cast
from uuid import uuid4

from django.core.files import File
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from core.clock import correct_future_times
from media import unfinished
from media.models import Document, Picture, Upload
from media.uses import use_finders

# How long a deletion can be undone.
RESTORABLE_FOR: Final = dt.timedelta(days=30)
MAX_MERGED: Final = 50
_LONG_AGO: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)

_log = logging.getLogger(__name__)


class MergeError(Exception):
    """Images can't be merged. The message says why, and what to do."""


def delete(model: type[Upload], pks: Collection[int]) -> int:
    """Take files out of the library, and return how many there were."""
    return int(model.objects.present().filter(pk__in=pks).update(deleted_at=timezone.now()))


def replace(upload: Upload, content: File[bytes]) -> Upload | None:
    """Replace the file of `upload` with `content`, which must be clean and of the same type.

    Return the old file, which is kept like a deleted one; None if it was lost. Restoring it exchanges both again.
    """
    # If another process was killed while it replaced the same file, that is put back first.
    unfinished.finish()
    try:
        with transaction.atomic():
            if old := _keep_file(upload):
                unfinished.note(type(old), str(old.file.name), copy_of=str(upload.file.name))
            upload.replace_file(content)
    except BaseException:
        unfinished.finish()
        raise
    return old


def _keep_file(upload: Upload) -> Upload | None:
    """Store a copy of the file as one that was deleted just now."""
    old = type(upload)(title=upload.title, uploaded_by_id=upload.uploaded_by_id, deleted_at=timezone.now())
    old.replaced_in_id = upload.pk
    if isinstance(upload, Document) and isinstance(old, Document):
        old.cleaned_with, old.uncleaned_because = upload.cleaned_with, upload.uncleaned_because
    try:
        with upload.file.open("rb") as file:
            name = PurePath(str(upload.file.name))
            # Each document has a folder of its own.
            old.file = File(file, name=name.name if isinstance(old, Document) else f"{uuid4().hex}{name.suffix}")
            old.save()
    except FileNotFoundError:
        return None
    return old


def _put_back(old: Upload) -> Upload:
    """Exchange a replaced file and the one that has replaced it, and return the upload that has it now."""
    upload: Any = old.replaced_in
    with old.file.open("rb") as file:
        replace(upload, file)
    if isinstance(old, Document):
        cleaned = {"cleaned_with": old.cleaned_with, "uncleaned_because": old.uncleaned_because}
        Document.objects.filter(pk=upload.pk).update(**cleaned)
    old.delete()
    return cast("Upload", upload)


def expire(model: type[Upload], pks: Collection[int]) -> None:
    """Remove deleted files for good, without waiting. Merged images stay, because their URLs lead to other images."""
    rows: QuerySet[Any] = Picture.objects.filter(merged_into=None) if model is Picture else model.objects.all()
    if rows.filter(pk__in=pks, deleted_at__isnull=False).update(deleted_at=_LONG_AGO):
        # If the storage fails, the worker tries again.
        transaction.on_commit(partial(_remove_deleted_until, _LONG_AGO), robust=True)


def restore(model: type[Upload], pks: Collection[int]) -> list[Upload]:
    """Restore deleted, merged and replaced files, and return those that could be restored.

    Raises OSError if a replaced file can't be read, or not be put back.
    """
    with transaction.atomic():
        deleted = model.objects.filter(restorable(), pk__in=pks).order_by("-deleted_at", "pk")
        restored = []
        for upload in deleted.select_for_update(of=("self",)):
            if isinstance(upload, Picture) and upload.merged_into_id is not None:
                _undo_merge(upload)
            restored.append(upload if upload.replaced_in_id is None else _put_back(upload))
        model.objects.filter(pk__in=[upload.pk for upload in restored]).update(deleted_at=None)
        for upload in restored:
            # Renditions may have become due in the meantime.
            upload.was_added()
    return restored


def restorable() -> Q:
    """Return the condition for files that `restore` can bring back, unless what has replaced them was deleted."""
    return Q(deleted_at__gt=timezone.now() - RESTORABLE_FOR, replaced_in__deleted_at=None)


def alt_source(target: Picture, others: Iterable[Picture]) -> Picture | None:
    """Return the picture whose alternative text `target` takes over when `others` are merged into it, if any."""
    described = [] if target.alt.strip() else [picture for picture in others if picture.alt.strip()]
    return min(described, key=lambda picture: picture.pk, default=None)


def merge(pks: Collection[int], target_id: int) -> list[Picture]:
    """Merge pictures into the target: show it wherever they are used, take them out of the library, and return them.

    If the target has no alternative text, it takes over one of theirs. Raises MergeError if they can't be merged.
    """
    if len(pks) > MAX_MERGED:
        raise MergeError(gettext("You selected more than %d images. Select fewer.") % MAX_MERGED)
    with transaction.atomic():
        rows = Picture.objects.present().filter(pk__in={*pks, target_id}).order_by("pk").select_for_update()
        pictures = {picture.pk: picture for picture in rows}
        target = pictures.pop(target_id, None)
        if target is None or not pictures:
            raise MergeError(gettext("Someone else merged or deleted these images first, so nothing was changed."))
        now = timezone.now()
        described = alt_source(target, pictures.values())
        if described:
            Picture.objects.filter(pk=target_id).update(alt=described.alt)
        for picture in pictures.values():
            aliases = Picture.objects.filter(merged_into=picture)
            data = {
                "moved": {name: finder.move(picture, target) for name, finder in use_finders.items()},
                "aliases": list(aliases.values_list("pk", flat=True)),
                "alt": picture.alt if picture == described else "",
            }
            aliases.update(merged_into=target)
            Picture.objects.filter(pk=picture.pk).update(deleted_at=now, merged_into=target, merge_data=data)
        return list(pictures.values())


def _undo_merge(picture: Picture) -> None:
    target, data = picture.merged_into, picture.merge_data
    if target is None or data is None:
        return
    Picture.objects.filter(pk__in=data["aliases"], merged_into=target).update(merged_into=picture)
    Picture.objects.filter(pk=picture.pk).update(deleted_at=None, merged_into=None, merge_data=None)
    if alt := data.get("alt"):
        # Unless it has been changed since.
        Picture.objects.filter(pk=target.pk, alt=alt).update(alt="")
    for name, finder in use_finders.items():
        finder.move_back(target, picture, data["moved"].get(name, []))


def remove_expired() -> None:
    """Remove files for good that were deleted too long ago to be restored.

    If a file can't be removed, the next run tries again. The URL of a merged picture stays.
    """
    for rows in _removable():
        correct_future_times(rows, "deleted_at")
    _remove_deleted_until(timezone.now() - RESTORABLE_FOR)


def _removable() -> tuple[QuerySet[Any], ...]:
    # Merged pictures only if their files are still there.
    pictures = Picture.objects.filter(Q(merged_into=None) | Q(merge_data__isnull=False))
    return pictures, Document.objects.all()


def _remove_deleted_until(time: dt.datetime) -> None:
    unfinished.finish()
    for rows in _removable():
        expired = rows.filter(deleted_at__lte=time)
        for pk in list(expired.order_by("deleted_at", "pk").values_list("pk", flat=True)):
            # Another process may have removed it since, and a new upload may have its name.
            if upload := expired.filter(pk=pk).first():
                try:
                    remove(upload)
                except OSError:
                    _log.exception("The deleted file %s could not be removed.", upload.file.name)


def remove(upload: Upload) -> None:
    """Remove a deleted file for good. Raises OSError, in which case its row stays, so that it can be tried again."""
    for name in upload.file_names():
        upload.file.storage.delete(name)
    if isinstance(upload, Picture) and upload.merged_into_id is not None:
        Picture.objects.filter(pk=upload.pk).update(merge_data=None, rendition_rows=[])
    else:
        # Not `upload.delete`, which would delete the files again: a new upload may have their names by now.
        type(upload).objects.filter(pk=upload.pk).delete()
