"""The picture that represents an entry elsewhere: in previews of links, in search results and in feeds."""

from pathlib import PurePath
from typing import Final, NamedTuple

from blog.models import Entry
from blog.rendering.images import library_images
from core.site import absolute_url
from media.models import Picture

# In pixels. Other sites don't show smaller images, which are mostly icons.
_MIN_SIDE: Final = 200
_MIN_LARGE_WIDTH: Final = 600
# No site shows these images wider. Wider ones have a rendition of this width (media.renditions).
_MAX_WIDTH: Final = 1600
# The formats that programs making previews can read, unlike AVIF.
_KNOWN_FORMATS: Final = frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp"})


class LeadPicture(NamedTuple):
    """A picture's URL with its dimensions in pixels, and its alternative text, which may be empty."""

    url: str
    width: int
    height: int
    alt: str

    @property
    def is_large(self) -> bool:
        """Whether a preview of a link can show it above the text rather than beside it."""
        return self.width >= _MIN_LARGE_WIDTH


def lead_picture(entry: Entry) -> LeadPicture | None:
    """Return the featured image of an entry, or else the first image in its text that is not an icon.

    Takes at most one query for the images in the text, or none if the text has already been shown.
    """
    if entry.is_locked:
        return None
    if entry.picture is not None:
        return _of(entry.picture, entry.picture.alt)
    if "<img" not in entry.body_html:
        return None
    for name, alt in library_images(entry.body_html):
        picture = entry.shown_pictures.get(name)
        if picture is not None and min(picture.width, picture.height) >= _MIN_SIDE:
            return _of(picture, alt or picture.alt)
    return None


def _of(picture: Picture, alt: str) -> LeadPicture:
    name, width = str(picture.file.name), picture.width
    if width > _MAX_WIDTH or PurePath(name).suffix.lower() not in _KNOWN_FORMATS:
        copies = [each for each in picture.renditions if each.name.endswith(".webp")]
        name, width = copies[-1] if copies else (name, width)
    height = picture.height if width == picture.width else max(1, round(picture.height * width / picture.width))
    return LeadPicture(absolute_url(picture.file.storage.url(name)), width, height, alt)
