"""The images of rendered texts as readers get them: with renditions to choose from, and loaded when they are needed.

This is done when a text is shown, because renditions are made after texts are rendered.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from html import unescape
from itertools import groupby
from pathlib import PurePath
from typing import Final
from urllib.parse import unquote

from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from core.text import is_storable
from media.models import Picture

# In CSS pixels: the width of the column of text, and the gap between the images of a gallery. static/css/site.css sets
# both, and how many columns galleries have.
COLUMN_WIDTH: Final = 592
_GAP: Final = 12
_GALLERY_COLUMNS: Final = 3
_MOST_COLUMNS: Final = 5
_EAGER: Final = ' loading="eager" fetchpriority="high"'

# In sanitised HTML, "<" and ">" always belong to a tag, and values are in double quotes.
_IMAGE: Final = re.compile(r"<img\b[^<>]*>")
# A lazy image, with its renditions if it has any.
_LAZY: Final = re.compile(r'(?:<picture>(?:<source\b[^<>]*>)*)?<img\b[^<>]*? loading="lazy"[^<>]*>')
_ATTRIBUTE: Final = re.compile(r'\s(alt|src|width|height|loading)="([^"]*)"')
# The beginning or the end of an element that may be a gallery, or be inside one.
_BOX: Final = re.compile(r"<(?P<end>/?)(?P<name>div|figure)\b(?P<attributes>[^<>]*)>")
_IN_MARKDOWN: Final = ' class="wp-block-gallery"'
_COLUMNS: Final = re.compile(r"\bcolumns-([1-9])\b")
_URL: Final = re.compile(r'="(?:(?<=\ssrc=")|(?<=\shref=")|(?<=\sposter="))([^"]+)"')


def library_files(html: str) -> set[str]:
    """Return the names of the files of the media library that sanitised `html` shows or links to."""
    return {name for url in _URL.findall(html) if (name := library_file(url))}


def library_file(url: str) -> str:
    """Return the name of the library's file at the URL in an attribute; empty if it is not one of the library's."""
    path = unquote(unescape(url).removeprefix(settings.SITE_URL).partition("?")[0].partition("#")[0])
    return path.removeprefix(settings.MEDIA_URL) if path.startswith(settings.MEDIA_URL) and is_storable(path) else ""


def library_images(html: str) -> Iterator[tuple[str, str]]:
    """Yield the file name and the alternative text of each image of the media library that sanitised `html` shows."""
    for image in _IMAGE.findall(html):
        values = dict(_ATTRIBUTE.findall(image))
        if name := library_file(values.get("src", "")):
            yield name, unescape(values.get("alt", ""))


def alternative_texts(html: str, name: str) -> list[str]:
    """Return the alternative texts that sanitised `html` gives to the library's image with this file name."""
    return [alt for file, alt in library_images(html) if alt and file == name]


def by_file_name(pictures: Iterable[Picture]) -> dict[str, Picture]:
    """Return the pictures that readers see in place of these, by the file names that texts contain.

    The file name of a picture that was merged into another leads to the latter.
    """
    return {str(picture.file.name): shown for picture in pictures if (shown := picture.shown)}


def add_renditions(html: str, pictures: Mapping[str, Picture]) -> str:
    """Return sanitised `html` with the renditions and dimensions of `pictures` (`by_file_name`)."""
    if not pictures:
        return html
    parts = []
    position = 0
    for start, end, columns in [*_galleries(html), (len(html), len(html), 1)]:
        parts += [_add_to_images(html[position:start], pictures), _add_to_images(html[start:end], pictures, columns)]
        position = end
    return "".join(parts)


def _galleries(html: str) -> Iterator[tuple[int, int, int]]:
    """Yield where each gallery of sanitised `html` begins and ends, and how many columns it has on a wide screen."""
    if "wp-block-gallery" not in html:
        return
    depth = start = 0
    gallery: re.Match[str] | None = None
    for box in _BOX.finditer(html):
        if gallery is None and "wp-block-gallery" in box["attributes"]:
            gallery, depth, start = box, 0, box.start()
        depth += -1 if box["end"] else 1
        if gallery and depth == 0:
            yield start, box.end(), _columns(gallery, html[start : box.end()])
            gallery = None


def _columns(gallery: re.Match[str], html: str) -> int:
    if chosen := _COLUMNS.search(gallery["attributes"]):
        return min(int(chosen[1]), _MOST_COLUMNS)
    # Two or four images of a gallery in Markdown leave no gap.
    return 2 if gallery["attributes"] == _IN_MARKDOWN and html.count("<img") in {2, 4} else _GALLERY_COLUMNS


def _add_to_images(html: str, pictures: Mapping[str, Picture], columns: int = 1) -> str:
    return _IMAGE.sub(lambda image: _with_renditions(image[0], pictures, columns), html)


def load_first_eagerly(html: str) -> str:
    """Return `html` with its first image loaded immediately, before anything that is less important."""
    # Most texts have no images, and looking for a string takes a fraction of the time.
    return _LAZY.sub(_eager, html, count=1) if ' loading="lazy"' in html else html


def _eager(image: re.Match[str]) -> str:
    # Without `auto`, because an eager image is chosen before its size on the page is known.
    known = image[0].replace(' sizes="auto"', "").replace(' sizes="auto, ', ' sizes="')
    return known.replace(' loading="lazy"', _EAGER)


def picture_sources(picture: Picture, width: int, *, is_lazy: bool, columns: int = 1) -> SafeString:
    """Return a `source` element for each format of the picture's renditions.

    `width` is the image's width on the page, unless it is in a gallery with several `columns`. Where browsers support
    it (`auto`), a lazy image is chosen by its actual size on the page.
    """
    sizes = f"(min-width: {width}px) {width}px, 100vw"
    if columns > 1:
        # On a phone, no more than three fit next to each other.
        cell = (COLUMN_WIDTH - (columns - 1) * _GAP) // columns
        sizes = f"(min-width: {COLUMN_WIDTH}px) {cell}px, {100 // min(columns, 3)}vw"
    by_format = groupby(picture.renditions, key=lambda rendition: PurePath(rendition.name).suffix)
    rows = (
        (
            f"image/{suffix.lstrip('.')}",
            ", ".join(f"{picture.file.storage.url(each.name)} {each.width}w" for each in renditions),
            f"auto, {sizes}" if is_lazy else sizes,
        )
        for suffix, renditions in by_format
    )
    return format_html_join("", '<source type="{}" srcset="{}" sizes="{}">', rows)


def _with_renditions(image: str, pictures: Mapping[str, Picture], columns: int) -> str:
    values = dict(_ATTRIBUTE.findall(image))
    name = library_file(values.get("src", ""))
    picture = pictures.get(name)
    if picture is None:
        return image
    if picture.file.name != name:
        src = format_html(' src="{}"', picture.file.url)
        image = re.sub(r'\ssrc="[^"]*"', lambda _: src, image)
    width, height = _dimensions(picture, values.get("width", ""), values.get("height", ""))
    if not {"width", "height"} <= values.keys():
        image = re.sub(r'\s(?:width|height)="[^"]*"', "", image)
        image = format_html('{} width="{}" height="{}">', mark_safe(image[:-1]), width, height)  # noqa: S308  # a tag of sanitised HTML
    is_lazy = values.get("loading") == "lazy"
    sources = picture_sources(picture, min(width, COLUMN_WIDTH), is_lazy=is_lazy, columns=columns)
    if not sources:
        return image
    if is_lazy:
        # The sources may have `sizes="auto"` only if the image has it as well.
        image = f'{image[:-1]} sizes="auto">'
    return f"<picture>{sources}{image}</picture>"


def _dimensions(picture: Picture, width: str, height: str) -> tuple[int, int]:
    """Return the dimensions of the image on the page. The text may specify none, one or both.

    With only a width, which may be that of a copy that was requested (`photo.jpg?w=1024`), it is not enlarged.
    """
    match int(width or 0), int(height or 0):
        case 0, 0:
            return picture.width, picture.height
        case given, 0:
            given = min(given, picture.width)
            return given, max(1, round(given * picture.height / max(1, picture.width)))
        case 0, given:
            return max(1, round(given * picture.width / max(1, picture.height))), given
        case both:
            return both
