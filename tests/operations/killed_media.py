"""Kills processes that store, replace, restore and remove media, and looks for what is only half done."""

import os
import random
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from media import trash, unfinished
from media.documents import clean_document, store_document
from media.models import Document, Picture, Upload
from media.pictures import clean_picture, store_picture
from media.renditions import due_pictures, make_renditions, mark_started_as_due
from tests.factories.files import pdf_file, picture
from tests.operations.killing import count_steps, run_in_child

type Change = Callable[[], Any]


def kill_changes(kills: int, rng: random.Random) -> dict[str, list[dict[str, Any]]]:
    """Return, for each kind of change, what was wrong after each kill."""
    return {name: _kill(prepare, kills, rng) for name, prepare in _CHANGES.items()}


def _kill(prepare: Callable[[], Change], kills: int, rng: random.Random) -> list[dict[str, Any]]:
    steps = count_steps(prepare())
    found: list[dict[str, Any]] = []
    while len(found) < kills:
        change = prepare()
        before = _contents()
        status = run_in_child(change, killed_at=rng.randint(1, steps))
        # As a web server does when it starts.
        unfinished.finish()
        is_unchanged = _contents() == before
        # As the worker does.
        trash.remove_expired()
        mark_started_as_due()
        for due in due_pictures():
            make_renditions(due)
        if os.WIFSIGNALED(status):
            found.append({"signal": os.WTERMSIG(status), "wrong": _wrong(), "unchanged": is_unchanged})
    return found


def _contents() -> list[tuple[str, bytes, int]]:
    """Return the URL, the file and the recorded size of each upload in the library."""
    root = Path(settings.MEDIA_ROOT)
    uploads: list[Upload] = [*Picture.objects.present().order_by("pk"), *Document.objects.present().order_by("pk")]
    return [(str(each.file.name), (root / str(each.file.name)).read_bytes(), each.size) for each in uploads]


def _wrong() -> list[str]:
    """Return which files have no row, which rows have no file, and which rows say something else than their file."""
    root = Path(settings.MEDIA_ROOT)
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    uploads: list[Any] = [*Picture.objects.all(), *Document.objects.all()]
    # Of a merged image that has expired, only the URL is left.
    uploads = [upload for upload in uploads if not getattr(upload, "merged_into_id", None) or upload.merge_data]
    own = {str(upload.file.name): upload for upload in uploads}
    named = {*own, *(each.name for upload in uploads for each in getattr(upload, "renditions", []))}
    problems = [f"no row: {name}" for name in files.keys() - named]
    problems += [f"no file: {name}" for name in named - files.keys()]
    problems += [f"size: {name}" for name in own.keys() & files if own[name].size != files[name].stat().st_size]
    return [*problems, *(f"note: {path.name}" for path in Path(settings.BROADSIDE_UNFINISHED_DIR).glob("*"))]


def _new_picture() -> SimpleUploadedFile:
    return SimpleUploadedFile("x.png", picture(size=(random.randint(500, 700), 20)))  # noqa: S311  # needs no secrecy


def _new_document() -> SimpleUploadedFile:
    return pdf_file(name=f"{uuid.uuid4()}.pdf")


def _with_renditions() -> Picture:
    stored = store_picture(_new_picture())
    make_renditions(stored)
    return Picture.objects.get(pk=stored.pk)


def _upload_picture() -> Change:
    content = _new_picture()
    return lambda: store_picture(content)


def _upload_document() -> Change:
    content = _new_document()
    return lambda: store_document(content)


def _replace_picture() -> Change:
    stored, content = _with_renditions(), clean_picture(_new_picture(), extension=".png")
    return lambda: _in_form(lambda: trash.replace(stored, content))


def _replace_document() -> Change:
    stored, content = store_document(_new_document()), clean_document(_new_document())
    return lambda: _in_form(lambda: trash.replace(stored, content))


def _make_renditions() -> Change:
    stored = store_picture(_new_picture())
    return lambda: make_renditions(stored)


def _put_back() -> Change:
    stored = _with_renditions()
    old = trash.replace(stored, clean_picture(_new_picture(), extension=".png"))
    assert old
    return lambda: _in_form(lambda: trash.restore(Picture, [old.pk]))


def _merge() -> Change:
    stored = [_with_renditions().pk, _with_renditions().pk]
    return lambda: trash.merge(stored, stored[0])


def _remove() -> Change:
    """Remove a replaced image, and one that was merged, for good."""
    removed, merged, shown = _with_renditions(), _with_renditions(), _with_renditions()
    trash.replace(removed, clean_picture(_new_picture(), extension=".png"))
    trash.merge([merged.pk, shown.pk], shown.pk)
    trash.delete(Picture, [removed.pk])
    Picture.objects.filter(pk__in=[removed.pk, merged.pk]).update(deleted_at=timezone.now() - 2 * trash.RESTORABLE_FOR)
    return trash.remove_expired


def _delete() -> Change:
    return _with_renditions().delete


def _in_form(change: Change) -> None:
    """Make a change in the transaction of a form."""
    with transaction.atomic():
        change()
        Picture.objects.count()


_CHANGES: Final[dict[str, Callable[[], Change]]] = {
    "upload a picture": _upload_picture,
    "upload a document": _upload_document,
    "replace a picture": _replace_picture,
    "replace a document": _replace_document,
    "make renditions": _make_renditions,
    "put a replaced picture back": _put_back,
    "merge pictures": _merge,
    "remove for good": _remove,
    "delete a row": _delete,
}
