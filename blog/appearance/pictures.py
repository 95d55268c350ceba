"""Images of the media library that belong to the site: the logo, the header picture and the icon in its sizes."""

import io
from typing import Any, Final

from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from PIL import Image

from blog.rendering.images import picture_sources
from core.text import parse_id
from media.cleaners.images import FORMATS
from media.models import Picture

# In pixels: the sizes that pages link to, and those in the manifest.
ICON_SIZES: Final = (32, 180, 192, 512)
_FAVICON_SIZES: Final = ((16, 16), (32, 32), (48, 48))
_MIN_ICON: Final = 512
# Phones would show transparent areas in black.
_OPAQUE_SIZE: Final = 180
_SECONDS_KEPT: Final = 30 * 24 * 60 * 60
# How many images are offered.
_SHOWN: Final = 100


def find_picture(pk: str) -> Picture | None:
    """Return the image with this ID, or the one that it was merged into, or None if it isn't in the library."""
    picture_id = parse_id(pk)
    picture = Picture.objects.filter(pk=picture_id).select_related("merged_into").first() if picture_id else None
    return picture.shown if picture else None


class PictureSelect(forms.Select):
    """Shows the chosen image. Offers the media library to choose another, or without JavaScript the newest images."""

    template_name = "admin/blog/picture_choice.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return {**super().get_context(name, value, attrs), "picture": find_picture(str(value or ""))}

    def optgroups(self, name: str, value: list[str], attrs: Any = None) -> Any:
        newest = list(Picture.objects.present()[:_SHOWN])
        chosen = find_picture(value[0]) if value and value[0] else None
        if chosen is not None and chosen not in newest:
            newest.append(chosen)
        labels = [(str(each.pk), f"{each} ({each.width} × {each.height})") for each in newest]
        self.choices = [("", gettext("None")), *labels]
        return super().optgroups(name, value, attrs)


class PictureField(forms.CharField):
    """The ID of an image in the media library, or an empty string."""

    def __init__(self, *, is_icon: bool = False, **kwargs: Any) -> None:
        super().__init__(required=False, widget=PictureSelect, **kwargs)
        self._is_icon = is_icon

    def clean(self, value: Any) -> str:
        pk: str = super().clean(value)
        if not pk:
            return ""
        picture = find_picture(pk)
        if picture is None:
            raise ValidationError(gettext("Choose an image from the media library."), code="missing")
        if self._is_icon and (picture.width != picture.height or picture.width < _MIN_ICON):
            text = gettext_lazy(
                "The site icon must be square, and at least %(least)d pixels wide. This image is %(width)d × "
                "%(height)d."
            )
            details = {"least": _MIN_ICON, "width": picture.width, "height": picture.height}
            raise ValidationError(text, code="size", params=details)
        return str(picture.pk)


def image_html(picture: Picture, alt: str, *, max_width: int, max_height: int = 0) -> SafeString:
    """Return the image as HTML, no larger than this in CSS pixels, with the size that it has on the page."""
    width = min(picture.width, max_width)
    if max_height and width * picture.height > max_height * picture.width:
        width = max(1, round(max_height * picture.width / picture.height))
    height = max(1, round(width * picture.height / max(1, picture.width)))
    return format_html(
        '<picture>{}<img src="{}" alt="{}" width="{}" height="{}"></picture>',
        picture_sources(picture, width, is_lazy=False),
        picture.file.url,
        alt,
        width,
        height,
    )


def icon_key(picture: Picture) -> str:
    """Return a key that changes whenever the icon does."""
    return f"{picture.pk}-{picture.size}"


def icon_png(picture: Picture, size: int) -> bytes:
    """Return the icon in one of ICON_SIZES. Raises OSError if its file can't be read."""
    content: Any = cache.get_or_set(_cache_key(picture, size), lambda: _png(picture, size), _SECONDS_KEPT)
    return bytes(content)


def icon_ico(picture: Picture) -> bytes:
    """Return the icon in the format and usual sizes of `/favicon.ico`. Raises OSError if its file can't be read."""
    content: Any = cache.get_or_set(_cache_key(picture, 0), lambda: _ico(picture), _SECONDS_KEPT)
    return bytes(content)


def _cache_key(picture: Picture, size: int) -> str:
    return f"icon:{icon_key(picture)}:{size}"


def _png(picture: Picture, size: int) -> bytes:
    image = _scaled(picture, size)
    if size == _OPAQUE_SIZE:
        background = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(background, image).convert("RGB")
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True)
    return written.getvalue()


def _ico(picture: Picture) -> bytes:
    written = io.BytesIO()
    _scaled(picture, _FAVICON_SIZES[-1][0]).save(written, "ICO", sizes=_FAVICON_SIZES)
    return written.getvalue()


def _scaled(picture: Picture, size: int) -> Image.Image:
    with picture.file.open("rb") as file, Image.open(file, formats=tuple(FORMATS)) as opened:
        # A JPEG is decoded no larger than needed.
        opened.draft(None, (size, size))
        image = opened.convert("RGBA")
    return image.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3)
