"""Portraits of the demo's authors: a few coloured shapes each, so that they show no real person."""

import io
from collections.abc import Iterable
from typing import Any, Final

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from accounts.models import Portrait, User
from blog.portraits import SIZE, PortraitForm

# Larger than the portrait that is made from it, so that its edges are smooth.
_DRAWN: Final = 4 * SIZE


def add_portrait(person: User, shapes: Iterable[list[Any]]) -> None:
    """Draw a portrait, and store it as if the person had uploaded it."""
    upload = SimpleUploadedFile("portrait.png", _draw(shapes), "image/png")
    form = PortraitForm({}, {"upload": upload}, instance=Portrait(person=person))
    if not form.is_valid():
        raise ValueError(form.errors)
    form.save()


def _draw(shapes: Iterable[list[Any]]) -> bytes:
    """Return a PNG with these shapes, one over the other.

    Each is an ellipse, a polygon or a rectangle, its colour, and its coordinates in a square of 100 by 100.
    """
    image = Image.new("RGB", (_DRAWN, _DRAWN))
    pen = ImageDraw.Draw(image)
    draw = {"ellipse": pen.ellipse, "polygon": pen.polygon, "rectangle": pen.rectangle}
    for shape, colour, *coordinates in shapes:
        draw[shape]([each * _DRAWN / 100 for each in coordinates], fill=colour)
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()
