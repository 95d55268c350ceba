"""Renditions: smaller copies of pictures in more efficient formats, from which browsers choose.

The worker makes them (media.tasks) after a picture is stored. Until then, and for pictures whose renditions would be no
smaller, readers get the picture's own file.
"""

import contextlib
import io
import logging
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any, Final
from uuid import uuid4

from django.core.files.base import ContentFile
from django.db.models import QuerySet
from PIL import Image

from core.tasks import WorkerStoppingError
from media.cleaners.images import FORMATS
from media.models import Picture, Rendition, RenditionState
from media.storage import StorageUnavailableError

WIDTHS: Final = (480, 960, 1600)
# The best first, because browsers take the first one they support.
RENDITION_FORMATS: Final[dict[str, dict[str, Any]]] = {
    "AVIF": {"quality": 55, "speed": 8},
    "WEBP": {"quality": 78, "method": 4},
}
# A copy that is hardly narrower than the next one would save next to nothing.
_MAX_STEP: Final = 0.9

_log = logging.getLogger(__name__)


def due_pictures() -> QuerySet[Picture]:
    """Return the pictures in the library whose renditions haven't been started, newest first."""
    return Picture.objects.present().filter(rendition_state=RenditionState.DUE).order_by("-pk")


def mark_started_as_due() -> None:
    """Mark renditions as due again whose process was killed before it had finished them."""
    Picture.objects.filter(rendition_state=RenditionState.STARTED).update(rendition_state=RenditionState.DUE)


def make_renditions(picture: Picture) -> None:
    """Make the renditions of `picture` and replace the existing ones. If they can't be made, it has none.

    Raises StorageUnavailableError, or WorkerStoppingError if the worker has to stop. The renditions are then still due.
    """
    # Unless the file is replaced in the meantime: its renditions would still show the old one.
    unchanged = Picture.objects.filter(pk=picture.pk, size=picture.size)
    # Recorded first, so that a picture that kills the worker does so only once.
    if not unchanged.update(rendition_state=RenditionState.STARTED):
        return
    made: list[Rendition] = []
    values: dict[str, Any] = {"rendition_state": RenditionState.DONE}
    try:
        if not picture.size:
            values["size"] = picture.file.size
        made.extend(_write_all(picture))
    except (StorageUnavailableError, WorkerStoppingError):
        unchanged.update(rendition_state=RenditionState.DUE)
        raise
    except Exception:  # noqa: BLE001  # Pillow raises almost anything, and the storage may be full or gone
        _log.exception("The renditions of the image %s could not be made.", picture.file.name)
        _delete(picture, [rendition.name for rendition in made])
        made = []
    started = unchanged.filter(rendition_state=RenditionState.STARTED)
    # The rows aren't written if there are none before and after, because writing them makes cached pages expire, unless
    # the picture can't be on any of them (media.models).
    if made or picture.rendition_rows:
        values["rendition_rows"] = made
    if started.update(**values):
        _delete_all_but(picture, made)
    else:
        # The picture was deleted or replaced, or another process finished first.
        _delete(picture, [rendition.name for rendition in made])


def _write_all(picture: Picture) -> Iterator[Rendition]:
    """Store the renditions in the picture's own folder, and yield each once it is written."""
    # The picture's own name, which can't be guessed either, leads from former renditions to it (media.views).
    token = f"{PurePath(str(picture.file.name)).stem}-{uuid4().hex[:8]}"
    with picture.file.open("rb") as file, Image.open(file, formats=tuple(FORMATS)) as opened:
        if getattr(opened, "is_animated", False):
            return
        widths = _widths(opened.width)
        height_at = {width: max(1, round(opened.height * width / opened.width)) for width in widths}
        size = picture.file.size
        # A JPEG is decoded no larger than needed.
        opened.draft(None, (widths[-1], height_at[widths[-1]]))
        image = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    copies = [image.resize((width, height_at[width]), Image.Resampling.LANCZOS, reducing_gap=3) for width in widths]
    for format_name, options in RENDITION_FORMATS.items():
        encoded = [_encode(copy, format_name, options) for copy in copies]
        if len(encoded[-1]) >= size:
            # Such a picture, usually a small drawing, is better in its own format.
            continue
        for width, content in zip(widths, encoded, strict=True):
            name = f"{_folder(picture)}/{token}-{width}.{format_name.lower()}"
            yield Rendition(picture.file.storage.save(name, ContentFile(content)), width)


def _widths(width: int) -> list[int]:
    """Return the widths of the renditions of a picture of this width. None is wider than the picture."""
    widest = min(width, WIDTHS[-1])
    return [*(narrower for narrower in WIDTHS if narrower < widest * _MAX_STEP), widest]


def _encode(image: Image.Image, format_name: str, options: dict[str, Any]) -> bytes:
    written = io.BytesIO()
    image.save(written, format_name, **options)
    return written.getvalue()


def _folder(picture: Picture) -> str:
    return f"renditions/{picture.pk}"


def _delete_all_but(picture: Picture, kept: Sequence[Rendition]) -> None:
    """Delete the other files in the picture's folder: old renditions, and files that a killed process left behind."""
    names = {PurePath(rendition.name).name for rendition in kept}
    try:
        _folders, files = picture.file.storage.listdir(_folder(picture))
    except OSError:
        return
    _delete(picture, [f"{_folder(picture)}/{file}" for file in files if file not in names])


def _delete(picture: Picture, names: Sequence[str]) -> None:
    for name in names:
        with contextlib.suppress(OSError):
            picture.file.storage.delete(name)
